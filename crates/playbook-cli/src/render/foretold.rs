//! What a run would do, as a table and as JSON.

use std::fmt::Write as _;

use jiff::Timestamp;
use playbook_exec::plan::{Fate, Foretold};
use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::reason::InvalidationReason;
use serde::Serialize;

use crate::render::duration::to_the_second;
use crate::term::{Tone, paint};

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
}

#[derive(Serialize)]
struct RunningNow {
    pid: u32,
    since: Timestamp,
}

/// One JSON object per stage.
pub(crate) fn json_lines(foretold: &[Foretold]) -> String {
    foretold
        .iter()
        .filter_map(|stage| serde_json::to_string(&row(stage)).ok())
        .map(|line| line + "\n")
        .collect()
}

fn row(foretold: &Foretold) -> Row<'_> {
    row_of(&foretold.stage, &foretold.fate)
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

/// A line per stage and a total.
pub(crate) fn table(foretold: &[Foretold]) -> String {
    let width = foretold
        .iter()
        .map(|stage| stage.stage.as_str().chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for stage in foretold {
        let (tone, word, why) = told(&stage.fate);
        let line = format!(
            "{} {:<width$}  {why}",
            paint(tone, &format!("{word:<6}")),
            stage.stage
        );
        writeln!(text, "{}", line.trim_end()).ok();
    }
    writeln!(text, "{}", total(foretold)).ok();
    text
}

fn told(fate: &Fate) -> (Tone, &'static str, String) {
    match fate {
        Fate::Hit(HitKind::Hit) => (Tone::Good, "cached", String::new()),
        Fate::Hit(HitKind::Frozen) => (Tone::Good, "cached", "frozen".to_owned()),
        Fate::Miss(reasons) => (Tone::Act, "run", reasons.sentence()),
        Fate::Maybe(waits_for) => {
            let names: Vec<&str> = waits_for.iter().map(StageName::as_str).collect();
            (
                Tone::Warn,
                "maybe",
                format!("only if {} makes something new", names.join(" or ")),
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
        (count(Fate::is_hit), "cached"),
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
