//! What a run would do, as a table and as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use playbook_exec::plan::{Estimate, Fate, Foretold, Plan};
use playbook_exec::{JobsOnRecord, JobsOutlook};
use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::units::{counted, grouped};
use serde::Serialize;

use crate::render::harmless::harmless;
use crate::render::units::{duration, to_the_second};
use crate::term::{Tone, paint};

/// What is told of a frozen stage: nobody looked whether anything changed.
pub(crate) const FROZEN: &str = "runs only with --force (frozen: true)";

/// One stage as JSON.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    stage: &'a str,
    decision: &'static str,
    reasons: &'a [InvalidationReason],
    waits_for: &'a [StageName],
    /// Another run is working on it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<RunningNow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How long it took when it last ran, if it would or may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    usual_seconds: Option<f64>,
    /// Of a fan-out that would run, and whose input is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<JobsRow>,
}

#[derive(Serialize)]
struct JobsRow {
    total: usize,
    to_run: usize,
    /// Outputs that no job makes any more.
    to_remove: usize,
}

#[derive(Serialize)]
struct RunningNow {
    pid: u32,
    since: Timestamp,
}

/// One JSON object per stage.
pub(crate) fn json_lines(plan: &Plan<'_>, foretold: &[Foretold]) -> String {
    let row = |stage: &Foretold| {
        let runs = matches!(stage.fate, Fate::Miss(_) | Fate::Maybe(_));
        let row = Row {
            usual_seconds: plan.usual_seconds(stage.id).filter(|_| runs),
            jobs: stage.jobs.as_ref().map(|jobs| JobsRow {
                total: jobs.total,
                to_run: jobs.to_run,
                to_remove: jobs.to_remove,
            }),
            ..row_of(&stage.stage, &stage.fate)
        };
        serde_json::to_string(&row).ok()
    };
    let lines = foretold.iter().filter_map(row);
    lines.map(|line| line + "\n").collect()
}

/// What a run would do with a stage, as JSON.
pub(crate) fn row_of<'a>(stage: &'a StageName, fate: &'a Fate) -> Row<'a> {
    let row = |decision: &'static str| Row {
        stage: stage.as_str(),
        decision,
        reasons: &[],
        waits_for: &[],
        running: None,
        error: None,
        usual_seconds: None,
        jobs: None,
    };
    match fate {
        Fate::Hit(_) => row("hit"),
        Fate::Miss(reasons) => Row {
            reasons: reasons.as_slice(),
            ..row("miss")
        },
        Fate::Maybe(waits_for) => Row {
            waits_for,
            ..row("maybe")
        },
        Fate::Running { pid, since } => Row {
            running: Some(RunningNow {
                pid: *pid,
                since: *since,
            }),
            ..row("miss")
        },
        Fate::Fault(fault) => Row {
            error: Some(fault.to_string()),
            ..row("miss")
        },
    }
}

/// A line per stage, a total, and how long it will take if that is worth a word.
pub(crate) fn table(plan: &Plan<'_>, foretold: &[Foretold], jobs: u32) -> String {
    let width = foretold
        .iter()
        .map(|stage| stage.stage.as_str().chars().count())
        .max()
        .unwrap_or(0);
    let open = open(foretold);
    let mut text = String::new();
    for stage in foretold {
        let (tone, word, mut why) = told(&stage.fate, |stage| open.contains(stage));
        if let Some(jobs) = &stage.jobs {
            write!(why, ", {}", of_jobs(jobs)).ok();
        }
        let line = format!(
            "{} {:<width$}  {why}",
            paint(tone, &format!("{word:<6}")),
            stage.stage,
            why = harmless(&why)
        );
        writeln!(text, "{}", line.trim_end()).ok();
    }
    writeln!(text, "{}", total(foretold)).ok();
    let estimate = plan.estimate(foretold, jobs);
    if let Some(line) = expected(&estimate, jobs) {
        writeln!(text, "{line}").ok();
    }
    text
}

/// `12 of 6,452 jobs`, and what is removed: `none of its jobs, 1 output would be removed`.
fn of_jobs(jobs: &JobsOutlook) -> String {
    let to_run = match jobs.to_run {
        0 if jobs.total > 0 => "none of its jobs".to_owned(),
        _ => some_of(jobs),
    };
    match jobs.to_remove {
        0 => to_run,
        count => format!("{to_run}, {} would be deleted", counted(count, "output")),
    }
}

/// `12 of 6,452 jobs`.
pub(crate) fn some_of(jobs: &JobsOutlook) -> String {
    format!("{} of {}", grouped(jobs.to_run), counted(jobs.total, "job"))
}

/// `6,440 of 6,452 jobs done`.
pub(crate) fn jobs_done(jobs: JobsOnRecord) -> String {
    let JobsOnRecord { total, done } = jobs;
    format!("{} of {} done", grouped(done), counted(total, "job"))
}

/// How long it will take; nothing if that is less than a second, as far as is known.
fn expected(estimate: &Estimate, jobs: u32) -> Option<String> {
    const WORTH_A_WORD: f64 = 1.0;
    /// Names of a chain that are shown: its first, and its last ones.
    const SHOWN: usize = 4;
    let Estimate {
        certain,
        at_most,
        unknown,
        longest,
        longest_seconds,
    } = estimate;
    (*at_most >= WORTH_A_WORD).then_some(())?;
    let with = match jobs {
        1 => "one stage at a time".to_owned(),
        jobs => format!("with {jobs} jobs"),
    };
    let (certain, at_most) = (*certain, *at_most);
    let mut line = if certain < WORTH_A_WORD {
        format!("takes up to about {} {with}", duration(at_most))
    } else {
        format!("takes about {} {with}", duration(certain))
    };
    if certain >= WORTH_A_WORD && at_most > certain {
        write!(line, "; {} if all of it runs", duration(at_most)).ok();
    }
    match unknown {
        0 => {}
        1 => line += "; not counting 1 stage that never ran",
        count => {
            write!(line, "; not counting {count} stages that never ran").ok();
        }
    }
    if longest.len() > 1 {
        let names: Vec<&str> = longest.iter().map(StageName::as_str).collect();
        let shown = if names.len() > SHOWN {
            format!(
                "{} → … → {}",
                names[0],
                names[names.len() - SHOWN + 2..].join(" → ")
            )
        } else {
            names.join(" → ")
        };
        write!(
            line,
            "\nlongest chain: {shown} ({})",
            duration(*longest_seconds)
        )
        .ok();
    }
    Some(line)
}

/// The stages that would or may run.
pub(crate) fn open(foretold: &[Foretold]) -> BTreeSet<&StageName> {
    let open = foretold.iter().filter(|stage| !stage.fate.is_hit());
    open.map(|stage| &stage.stage).collect()
}

/// A reason before the run. `runs_first` says which stages run in it before.
pub(crate) fn ahead(
    reason: &InvalidationReason,
    runs_first: impl Fn(&StageName) -> bool,
) -> String {
    match reason {
        InvalidationReason::UpstreamRerun { stage } if runs_first(stage) => {
            format!("'{stage}' would run first, and this stage runs after each run of it (after)")
        }
        other => other.to_string(),
    }
}

fn told(fate: &Fate, runs_first: impl Fn(&StageName) -> bool) -> (Tone, &'static str, String) {
    match fate {
        Fate::Hit(HitKind::Hit) => (Tone::Good, "cached", String::new()),
        Fate::Hit(HitKind::Frozen) => (Tone::Dim, "frozen", FROZEN.to_owned()),
        Fate::Miss(reasons) => {
            let reasons = reasons.as_slice().iter();
            let sentences: Vec<String> = reasons.map(|reason| ahead(reason, &runs_first)).collect();
            (Tone::Act, "run", sentences.join("; "))
        }
        Fate::Maybe(waits_for) => {
            let names: Vec<&str> = waits_for.iter().map(StageName::as_str).collect();
            (
                Tone::Warn,
                "maybe",
                format!("only if the outputs of {} change", names.join(" or ")),
            )
        }
        Fate::Running { pid, since } => (
            Tone::Act,
            "now",
            format!("running since {}, by pid {pid}", to_the_second(*since)),
        ),
        Fate::Fault(fault) => (Tone::Bad, "error", fault.to_string()),
    }
}

fn total(foretold: &[Foretold]) -> String {
    let count = |test: fn(&Fate) -> bool| foretold.iter().filter(|stage| test(&stage.fate)).count();
    let parts = [
        (
            count(|fate| matches!(fate, Fate::Running { .. })),
            "running now",
        ),
        (count(|fate| matches!(fate, Fate::Miss(_))), "to run"),
        (count(|fate| matches!(fate, Fate::Maybe(_))), "maybe"),
        (
            count(|fate| matches!(fate, Fate::Hit(HitKind::Hit))),
            "cached",
        ),
        (
            count(|fate| matches!(fate, Fate::Hit(HitKind::Frozen))),
            "frozen",
        ),
        (count(|fate| matches!(fate, Fate::Fault(_))), "cannot run"),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if shown.is_empty() {
        "nothing selected".to_owned()
    } else {
        shown.join(" · ")
    }
}
