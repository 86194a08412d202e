//! Putting a report together from the event log, the lock, the logs and the playbook as it is now.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;
use std::path::Path;

use playbook_exec::tail;
use playbook_lock::history::{Run, RunOutcome, StageOutcome, StageRun};
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::JobCounts;
use playbook_types::record::lock::{LockFile, StageEntry};
use playbook_types::units::grouped;

use crate::render::graph::html::{Card, Section, card};
use crate::render::graph::{Node, Picture, State};
use crate::render::report::{LogTold, OutTold, Report, Standing, Told};
use crate::render::units::bytes;

/// Lines of a failed stage's log that are shown.
const TAIL_LINES: usize = 40;

/// Where a report comes from.
pub(crate) struct Sources<'a> {
    pub(crate) run: Run,
    pub(crate) stages: Vec<StageRun>,
    /// The process of the run, if it is still going on.
    pub(crate) goes_on: Option<String>,
    pub(crate) lock: Option<&'a LockFile>,
    pub(crate) root: &'a Path,
    /// The playbook's stages, without states.
    pub(crate) picture: Picture,
    pub(crate) torn: usize,
    pub(crate) as_of: String,
}

/// Puts it together.
pub(crate) fn gather(sources: Sources<'_>) -> Report {
    let Sources {
        run,
        stages,
        goes_on,
        lock,
        root,
        mut picture,
        torn,
        as_of,
    } = sources;
    let standing = match (run.outcome, goes_on) {
        (RunOutcome::Unfinished, Some(process)) => Standing::GoesOn(process),
        (RunOutcome::Unfinished, None) => Standing::Died,
        (RunOutcome::Completed | RunOutcome::Failed | RunOutcome::Interrupted, _) => {
            Standing::Ended
        }
    };
    let places: BTreeMap<String, usize> = picture
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (node.stage.to_string(), at))
        .collect();
    let stages: Vec<Told> = stages
        .into_iter()
        .map(|stage| {
            let entry = lock.and_then(|lock| lock.stages.get(&stage.stage));
            let known = places.contains_key(stage.stage.as_str());
            told(stage, entry, known, root)
        })
        .collect();
    let mut by_node: BTreeMap<usize, &Told> = BTreeMap::new();
    for told in &stages {
        if let Some(at) = places.get(told.stage.stage.as_str()) {
            by_node.insert(*at, told);
        }
    }
    let mut cards = Vec::with_capacity(picture.nodes.len());
    for (at, node) in picture.nodes.iter_mut().enumerate() {
        if let Some(told) = by_node.get(&at) {
            as_it_ran(node, told, &standing);
            cards.push(card_of(node, told));
        } else {
            node.state = State::NotReached;
            node.seconds = None;
            node.jobs = None;
            cards.push(card(node));
        }
    }
    Report {
        run,
        standing,
        picture,
        cards,
        stages,
        torn,
        as_of,
    }
}

fn told(stage: StageRun, entry: Option<&StageEntry>, known: bool, root: &Path) -> Told {
    // The entry of the lock is about this result exactly if it has its key.
    let same =
        entry.filter(|entry| entry.cache_key.is_some() && entry.cache_key == stage.cache_key);
    let cached = matches!(stage.outcome, StageOutcome::Cached(_));
    let params = same.map(|entry| {
        let shown = |(key, value): (&_, &playbook_types::value::ParamValue)| {
            (ToString::to_string(key), value.to_string())
        };
        entry
            .params
            .iter()
            .map(|(key, value)| shown((key, value)))
            .collect()
    });
    let outs = if cached {
        recorded_outs(same)
    } else {
        made_outs(&stage, entry)
    };
    Told {
        known,
        saved: entry
            .filter(|_| cached)
            .and_then(|entry| entry.duration_seconds),
        params: params.unwrap_or_default(),
        outs,
        log: log(&stage, root),
        stage,
    }
}

fn recorded_outs(entry: Option<&StageEntry>) -> Vec<OutTold> {
    let outs = entry.map(|entry| entry.outs.as_slice()).unwrap_or_default();
    let told = outs.iter().map(|out| OutTold {
        path: out.path.to_string(),
        hash: out.hash.map(|hash| hash.to_string()).unwrap_or_default(),
        size: out.file_count.zip(out.total_bytes),
    });
    told.collect()
}

fn made_outs(stage: &StageRun, entry: Option<&StageEntry>) -> Vec<OutTold> {
    let size = |made: &playbook_types::record::event::MadeOut| {
        let out = entry?
            .outs
            .iter()
            .find(|out| out.path == made.path && out.hash == Some(made.hash))?;
        out.file_count.zip(out.total_bytes)
    };
    let told = stage.outs.iter().map(|made| OutTold {
        path: made.path.to_string(),
        hash: made.hash.to_string(),
        size: size(made),
    });
    told.collect()
}

fn log(stage: &StageRun, root: &Path) -> LogTold {
    let Some(path) = stage.log.clone() else {
        return LogTold::None;
    };
    match tail(&root.join(&path), TAIL_LINES + 1) {
        Ok(mut lines) => {
            let more = lines.len() > TAIL_LINES;
            if more {
                lines.remove(0);
            }
            LogTold::Tail { path, lines, more }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => LogTold::Gone {
            path,
            why: "it is not there any more".to_owned(),
        },
        Err(error) => LogTold::Gone {
            path,
            why: format!("it cannot be read: {error}"),
        },
    }
}

/// What became of a stage, as a state.
pub(super) fn state(stage: &StageRun, standing: &Standing) -> State {
    match stage.outcome {
        StageOutcome::Ran => State::Done,
        StageOutcome::Cached(HitKind::Hit) => State::Cached,
        StageOutcome::Cached(HitKind::Frozen) => State::Frozen,
        StageOutcome::Failed => State::Failed,
        StageOutcome::Interrupted => State::Interrupted,
        StageOutcome::Skipped => State::Skipped,
        StageOutcome::Unfinished => match standing {
            Standing::GoesOn(_) => State::Now,
            Standing::Ended | Standing::Died => State::Interrupted,
        },
    }
}

/// Why, in sentences.
pub(super) fn why(told: &Told) -> Vec<String> {
    let stage = &told.stage;
    let mut why: Vec<String> = Vec::new();
    if let Some(because) = &stage.because {
        why.push(format!("because '{because}' failed"));
    }
    if stage.reasons.is_empty() {
        why.extend(stage.why.clone());
    } else {
        why.extend(stage.reasons.iter().map(ToString::to_string));
    }
    why
}

/// The node as the run left it, not as a run would find it now.
fn as_it_ran(node: &mut Node, told: &Told, standing: &Standing) {
    let stage = &told.stage;
    node.state = state(stage, standing);
    node.why = why(told);
    if let Some(command) = &stage.command {
        node.command.clone_from(command);
    }
    if !matches!(stage.outcome, StageOutcome::Cached(_)) {
        node.started = stage.started;
        node.seconds = stage.duration_seconds;
    }
    node.params.clear();
    // The card has all of their counts.
    node.jobs = None;
}

fn card_of(node: &Node, told: &Told) -> Card {
    let mut card = card(node);
    let stage = &told.stage;
    match &told.log {
        LogTold::None => {}
        LogTold::Tail { lines, .. } => card.first(Section::Code {
            head: "The end of its log",
            text: lines.join("\n"),
        }),
        LogTold::Gone { path, why } => card.first(Section::Lines {
            head: "Its log",
            lines: vec![format!("{path}: {why}")],
        }),
    }
    if let Some(error) = &stage.error {
        card.first(Section::Lines {
            head: "What went wrong",
            lines: vec![error.clone()],
        });
    }
    if let Some(jobs) = stage.jobs {
        card.last(Section::Pairs {
            head: "Jobs",
            pairs: counts(jobs),
        });
    }
    if !told.params.is_empty() {
        card.last(Section::Pairs {
            head: "Params it used",
            pairs: told.params.clone(),
        });
    }
    if !told.outs.is_empty() {
        let pair = |out: &OutTold| {
            let size = out
                .size
                .map(|(_, size)| format!(" · {}", bytes(size)))
                .unwrap_or_default();
            (out.path.clone(), format!("{}{size}", out.hash))
        };
        let pairs = told.outs.iter().map(pair).collect();
        card.last(Section::Pairs {
            head: "Digests of what it made",
            pairs,
        });
    }
    card
}

/// What came of the jobs of a fan-out.
fn counts(jobs: JobCounts) -> Vec<(String, String)> {
    let JobCounts {
        total,
        run,
        failed,
        cached,
        removed,
    } = jobs;
    let rest = total.saturating_sub(run + failed + cached);
    let rows = [
        ("jobs in all", total),
        ("ran", run),
        ("failed", failed),
        ("were done before", cached),
        ("did not come to their end", rest),
        ("outputs removed with their inputs", removed),
    ];
    let rows = rows.into_iter().enumerate();
    let told = rows.filter(|(at, (_, count))| *at == 0 || *count > 0);
    told.map(|(_, (what, count))| (what.to_owned(), grouped(count)))
        .collect()
}
