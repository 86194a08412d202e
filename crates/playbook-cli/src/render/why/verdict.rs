//! The decision in words, and with what the stage is compared.

use std::fmt::Write as _;

use playbook_exec::JobsOutlook;
use playbook_exec::plan::{DataNow, Explained, Fate};
use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::lock::EntryStatus;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::units::counted;

use crate::render::foretold::{ahead, some_of};
use crate::render::harmless::harmless;
use crate::render::units::to_the_second;
use crate::render::why::{Story, data};
use crate::term::{Tone, paint};

/// What a run would do, and why, in words.
pub(super) fn verdict(text: &mut String, story: &Story<'_>) {
    let explained = &story.explained;
    let stage = paint(Tone::Strong, explained.stage.name.as_str());
    let told = match &explained.fate {
        Fate::Hit(HitKind::Hit) => format!(
            "{stage} is {}: what it runs, reads and makes is as recorded",
            paint(Tone::Good, "up to date")
        ),
        Fate::Hit(HitKind::Frozen) => {
            let differs = differs(explained);
            let (tone, so) = match differs.as_slice() {
                [] => (Tone::Good, String::new()),
                differs => (
                    Tone::Warn,
                    format!(" although it is out of date ({})", differs.join(", ")),
                ),
            };
            format!(
                "{stage} is {}: it does not run{so}; playbook run --force {} runs it",
                paint(tone, "frozen"),
                explained.stage.name
            )
        }
        Fate::Miss(reasons) => {
            let mut told = format!("{stage} {}, because", paint(Tone::Act, "would run"));
            for reason in reasons.as_slice() {
                write!(told, "\n  - {}", harmless(&sentence(reason, explained))).ok();
            }
            if let Some(jobs) = &explained.jobs {
                write!(told, "\n{}", jobs_told(jobs)).ok();
            }
            told
        }
        Fate::Maybe(waits) => format!(
            "{stage} {}: only if the outputs of {} change",
            paint(Tone::Warn, "may run"),
            listed(waits)
        ),
        Fate::Running { pid, since } => format!(
            "{stage} is {}: since {}, by the run with pid {pid}",
            paint(Tone::Act, "running now"),
            to_the_second(*since)
        ),
        Fate::Fault(fault) => format!(
            "{stage} {}: {}",
            paint(Tone::Bad, "cannot run"),
            harmless(&fault.to_string())
        ),
    };
    writeln!(text, "{told}").ok();
}

/// What is not as it was when a frozen stage last ran. Nobody decides by it.
fn differs(explained: &Explained<'_>) -> Vec<String> {
    let mut differs = Vec::new();
    let Some(entry) = explained.entry else {
        return vec!["it is not in the lock file".to_owned()];
    };
    if let Some(resolved) = explained.resolved {
        if entry.cmd_hash.is_some_and(|old| old != resolved.cmd_hash) {
            differs.push("command changed".to_owned());
        }
        if entry.env_hash != resolved.env_hash {
            differs.push("declared environment changed".to_owned());
        }
    }
    let params = explained.params.iter().filter(|param| param.is_changed());
    differs.extend(params.map(|param| format!("param {} changed", param.param)));
    for data in explained.deps.iter().chain(&explained.outs) {
        let path = data::shown(data);
        match &data.now {
            DataNow::Missing => differs.push(format!("{path} is missing")),
            DataNow::Found(_) if !data.is_same() => differs.push(format!("{path} changed")),
            DataNow::Found(_) | DataNow::ToCome(_) | DataNow::Unreadable(_) => {}
        }
    }
    differs
}

/// How many jobs would run and what would be removed, and the first of each.
fn jobs_told(jobs: &JobsOutlook) -> String {
    let mut told = if jobs.to_run == 0 && jobs.total > 0 {
        format!(
            "none of its {} would run, as all are done",
            counted(jobs.total, "job")
        )
    } else {
        format!("{} would run", some_of(jobs))
    };
    name_some(&mut told, &jobs.first, jobs.to_run);
    if jobs.to_remove > 0 {
        let outputs = counted(jobs.to_remove, "output");
        write!(
            told,
            "\n{outputs} that no job makes any more would be deleted"
        )
        .ok();
        name_some(&mut told, &jobs.first_removed, jobs.to_remove);
    }
    told
}

/// `: a, b, …`.
fn name_some(told: &mut String, names: &[String], of: usize) {
    for (nth, name) in names.iter().enumerate() {
        let before = if nth == 0 { ": " } else { ", " };
        write!(told, "{before}{}", harmless(name)).ok();
    }
    if of > names.len() && !names.is_empty() {
        told.push_str(", …");
    }
}

/// A reason, more exactly where the stage itself says more.
fn sentence(reason: &InvalidationReason, explained: &Explained<'_>) -> String {
    match reason {
        InvalidationReason::AlwaysRuns { .. } => format!("it {reason}"),
        other => ahead(other, |stage| explained.first.contains(stage)),
    }
}

fn listed(stages: &[StageName]) -> String {
    let quoted: Vec<String> = stages.iter().map(|stage| format!("'{stage}'")).collect();
    quoted.join(" or ")
}

/// With what the stage is compared, if that is not its last success.
pub(super) fn compared_with(story: &Story<'_>) -> Option<String> {
    let how = match story.explained.entry?.status {
        EntryStatus::Completed => return None,
        EntryStatus::Running => "was interrupted",
        _ => "failed",
    };
    let outs = if story.explained.stage.parallel.is_some() {
        ". What its jobs had made by then stands:"
    } else if outs_were_put_back(&story.explained) {
        " (its outs were discarded, and those from before were put back):"
    } else {
        ":"
    };
    Some(format!("Compared with the run that {how}{outs}"))
}

/// Whether the last run came to nothing: the outs that are there are of one before. What jobs made stands, and so does what a gate
/// wrote that said no.
pub(super) fn outs_were_put_back(explained: &Explained<'_>) -> bool {
    let Some(entry) = explained.entry else {
        return false;
    };
    let said_no = explained.stage.gate && entry.status != EntryStatus::Running;
    entry.status != EntryStatus::Completed && explained.stage.parallel.is_none() && !said_no
}
