//! The story as a person reads it: the decision first, then what was compared, line by line.

use std::fmt::Write as _;

use playbook_exec::plan::{Explained, ExplainedData, ExplainedParam, Fate};
use playbook_types::model::policy::Environment;
use playbook_types::model::shell::ShellMode;
use playbook_types::name::{EnvName, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::lock::EntryStatus;
use playbook_types::record::reason::InvalidationReason;

use crate::render::harmless::harmless;
use crate::render::units::{duration, to_the_second, used};
use crate::render::why::data::Record;
use crate::render::why::data::{self, Side};
use crate::render::why::verdict::{compared_with, outs_were_put_back, verdict};
use crate::render::why::{Story, command};
use crate::term::{Tone, paint};

/// As wide as the longest label.
const LABEL: usize = 8;
/// Values are no further to the right than this for the sake of one long name.
const WIDEST: usize = 32;

/// The whole story.
pub(crate) fn text(story: &Story<'_>) -> String {
    let mut text = String::new();
    verdict(&mut text, story);
    if let Some(note) = compared_with(story) {
        writeln!(text, "\n{note}").ok();
    }
    text.push('\n');
    section(&mut text, "command", command::lines(story));
    section(&mut text, "params", params(&story.explained));
    section(
        &mut text,
        "reads",
        data_lines(&story.explained, Side::Reads),
    );
    section(
        &mut text,
        "makes",
        data_lines(&story.explained, Side::Makes),
    );
    section(&mut text, "", moved_aside(story));
    section(&mut text, "env", env(story).into_iter().collect());
    section(&mut text, "shell", shell(story).into_iter().collect());
    section(&mut text, "wdir", wdir(story).into_iter().collect());
    section(&mut text, "after", after(story));
    section(&mut text, "gate", gate(story).into_iter().collect());
    section(&mut text, "last run", last_run(story));
    text
}

impl Story<'_> {
    /// The reasons to run, if it is known that it would.
    pub(super) fn reasons(&self) -> &[InvalidationReason] {
        match &self.explained.fate {
            Fate::Miss(reasons) => reasons.as_slice(),
            Fate::Hit(_) | Fate::Maybe(_) | Fate::Running { .. } | Fate::Fault(_) => &[],
        }
    }
}

/// What a run would do with files of the user's that stand where it makes its outs.
fn moved_aside(story: &Story<'_>) -> Vec<String> {
    let explained = &story.explained;
    let runs = matches!(explained.fate, Fate::Miss(_) | Fate::Maybe(_));
    let foreign = |out: &&ExplainedData<'_>| {
        out.declared && out.digest().is_some() && !out.is_same() && !persists(explained, out)
    };
    let foreign = explained.outs.iter().filter(foreign).filter(|_| runs);
    foreign
        .map(|out| {
            let path = data::shown(out);
            let note = if explained.stage.parallel.is_some() {
                format!("whatever in {path} is not made by a job is not lost: a run moves it into .playbook/ once all jobs are done")
            } else {
                format!("{path} as it is now is not lost: a run moves it into .playbook/ before it makes it anew")
            };
            paint(Tone::Warn, &note)
        })
        .collect()
}

fn persists(explained: &Explained<'_>, out: &ExplainedData<'_>) -> bool {
    let declared = explained
        .stage
        .outs
        .iter()
        .find(|other| other.path == *out.path);
    declared.is_some_and(|out| out.persist)
}

/// Lines behind a label; nothing if there are none.
fn section(text: &mut String, label: &str, lines: Vec<String>) {
    for (n, line) in lines.into_iter().enumerate() {
        let label = if n == 0 { label } else { "" };
        let front = format!("{label:<LABEL$}");
        let line = format!("{}  {line}", paint(Tone::Strong, &front));
        writeln!(text, "{}", line.trim_end()).ok();
    }
}

fn params(explained: &Explained<'_>) -> Vec<String> {
    let params = &explained.params;
    let first = explained.entry.is_none();
    let width = column(params.iter().map(|param| param.param.as_str()));
    let line = |param: &ExplainedParam<'_>| {
        let value = match (param.old, param.new) {
            (Some(old), Some(new)) if old == new => format!("same: {new}"),
            (Some(old), Some(new)) => paint(Tone::Act, &format!("{old} → {new}")),
            (None, Some(new)) if first => new.to_string(),
            (None, Some(new)) => paint(Tone::Act, &format!("{new}, newly declared")),
            (Some(old), None) => paint(Tone::Act, &format!("{old}, no longer declared")),
            (None, None) => String::new(),
        };
        format!(
            "{:<width$}  {}",
            param.param.as_str(),
            value.replace('\n', "\\n")
        )
    };
    params.iter().map(line).collect()
}

fn data_lines(explained: &Explained<'_>, side: Side) -> Vec<String> {
    let all = match side {
        Side::Reads => &explained.deps,
        Side::Makes => &explained.outs,
    };
    let record = Record {
        known: explained.entry.is_some(),
        put_back: outs_were_put_back(explained),
    };
    let shown: Vec<String> = all.iter().map(data::shown).collect();
    let width = column(shown.iter().map(String::as_str));
    let mut lines = Vec::new();
    for (data, path) in all.iter().zip(shown) {
        lines.push(format!(
            "{path:<width$}  {}",
            data::word(data, side, record)
        ));
        lines.extend(
            data::details(data)
                .into_iter()
                .map(|line| format!("  {line}")),
        );
    }
    lines
}

fn column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let widths = names.map(|name| name.chars().count());
    widths.filter(|width| *width <= WIDEST).max().unwrap_or(0)
}

/// The declared environment, if there is or was any.
fn env(story: &Story<'_>) -> Option<String> {
    let (entry, resolved) = (story.explained.entry, story.explained.resolved);
    let names = resolved.map(|resolved| resolved.env.keys().map(EnvName::as_str));
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let now = resolved.and_then(|resolved| resolved.env_hash);
    let old = entry.and_then(|entry| entry.env_hash);
    let names = match resolved.map(|resolved| resolved.environment) {
        Some(Environment::Clean) => ["a clean environment"].into_iter().chain(names).collect(),
        _ => names,
    };
    let names = names.join(", ");
    match (now, old) {
        (None, None) => None,
        (Some(_), None) if entry.is_none() => Some(names),
        (now, old) if now == old => Some(format!("same ({names})")),
        (None, _) => Some(paint(Tone::Act, "none is declared any more")),
        (Some(_), None) => Some(paint(
            Tone::Act,
            &format!("newly declared ({names}; values are not shown)"),
        )),
        (Some(_), Some(_)) => {
            let known = story.reasons().iter().find_map(|reason| match reason {
                InvalidationReason::EnvChanged { variables } => variables.as_ref(),
                _ => None,
            });
            let what = match known {
                Some(variables) => format!("{variables} (values are not shown)"),
                None => format!(
                    "changed: a value, or the set of variables; which of them is not known, because what it last ran with is no longer kept in .playbook/ (declared now: {names}; values are not shown)"
                ),
            };
            Some(paint(Tone::Act, &what))
        }
    }
}

fn shell(story: &Story<'_>) -> Option<String> {
    let now = story.explained.stage.shell;
    let old = story.explained.entry.map_or(now, |entry| entry.shell);
    changed(old.word(), now.word(), ShellMode::Sh.word())
}

fn wdir(story: &Story<'_>) -> Option<String> {
    let word = |wdir: Option<&DataPath>| {
        wdir.map_or_else(
            || ".".to_owned(),
            |wdir| harmless(wdir.as_str()).into_owned(),
        )
    };
    let now = word(story.explained.stage.wdir.as_ref());
    let entry = story.explained.entry;
    let old = entry.map_or_else(|| now.clone(), |entry| word(entry.wdir.as_ref()));
    changed(&old, &now, ".")
}

/// A setting, unless it is and was the usual one.
fn changed(old: &str, now: &str, usual: &str) -> Option<String> {
    if old != now {
        return Some(paint(Tone::Act, &format!("{old} → {now}")));
    }
    (now != usual).then(|| format!("same ({now})"))
}

fn after(story: &Story<'_>) -> Vec<String> {
    let ran = |stage: &StageName| {
        let names = |reason: &InvalidationReason| matches!(reason, InvalidationReason::UpstreamRerun { stage: other } if other == stage);
        if story.reasons().iter().any(names) {
            let ran = if story.explained.first.contains(stage) {
                "which would run first"
            } else {
                "which has run since this stage last did"
            };
            format!("'{stage}', {}", paint(Tone::Act, ran))
        } else {
            format!("'{stage}'")
        }
    };
    story.explained.stage.after.iter().map(ran).collect()
}

/// That it is a gate, and what it said last.
fn gate(story: &Story<'_>) -> Option<String> {
    if !story.explained.stage.gate {
        return None;
    }
    let status = story.explained.entry.map(|entry| &entry.status);
    let last = match status {
        Some(EntryStatus::Completed) => "passed when it last ran",
        Some(EntryStatus::Running) => "did not come to its end when it last ran",
        Some(_) => "did not pass when it last ran",
        None => "did not run yet",
    };
    Some(format!(
        "a quality check; {last}. If it fails, nothing new is started"
    ))
}

/// When the recorded result was made, why, by which run, and how that went.
fn last_run(story: &Story<'_>) -> Vec<String> {
    let Some(entry) = story.explained.entry else {
        return vec!["none on record".to_owned()];
    };
    let ended = entry.completed_at.or(entry.started_at).map(to_the_second);
    let mut line = match &entry.status {
        EntryStatus::Completed if entry.adopted => {
            "not run, but recorded as it was found".to_owned()
        }
        EntryStatus::Completed => "completed".to_owned(),
        EntryStatus::Running => "interrupted".to_owned(),
        other => other.to_string(),
    };
    if let Some(ended) = ended {
        write!(line, " at {ended}").ok();
    }
    if let Some(seconds) = entry.duration_seconds {
        write!(line, ", took {}", duration(seconds)).ok();
    }
    let mut lines = vec![line];
    if let Some(run) = &story.run {
        if let Some(usage) = &run.usage {
            lines.push(format!("used {}", used(usage)));
        }
        lines.push(format!("in run {}", run.id));
        let reason =
            |reason: &InvalidationReason| format!("because: {}", harmless(&reason.to_string()));
        lines.extend(run.reasons.iter().map(reason));
    }
    lines
}
