//! What was put right after a run that died.

use std::fmt::Write as _;
use std::path::Path;

use playbook_exec::{CutOff, Recovered};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;

use crate::render::plain::lines::kept_line;
use crate::render::units::to_the_second;
use crate::term::{Tone, paint};

/// What a run that died had left, for standard error.
pub(crate) fn tell(root: &Path, recovered: &Recovered) -> String {
    let Recovered {
        run,
        completed,
        cut_off,
        kept,
        ended,
    } = recovered;
    let mut text = String::new();
    if completed.is_empty() && cut_off.is_empty() && kept.is_empty() && *ended == 0 {
        // All that was left was the run's own to put away.
        return text;
    }
    let note = paint(Tone::Strong, "note");
    writeln!(
        text,
        "{note}: the last run (pid {}, since {}) did not come to its end; what it left is put right",
        run.pid,
        to_the_second(run.since)
    )
    .ok();
    if *ended > 0 {
        let what = if *ended == 1 { "process" } else { "processes" };
        writeln!(text, "  ended:     {ended} {what} that still ran").ok();
    }
    if !completed.is_empty() {
        let names: Vec<&str> = completed.iter().map(StageName::as_str).collect();
        writeln!(text, "  completed: {} (now in the lock)", some_of(&names)).ok();
    }
    for stage in cut_off {
        text.push_str(&one(stage));
    }
    for (stage, kept) in kept {
        text.push_str(&kept_line(root, stage, kept));
    }
    text
}

fn one(cut_off: &CutOff) -> String {
    let CutOff {
        stage,
        restored,
        // Most likely it is about to run again, and then that goes.
        left: _,
        gone,
    } = cut_off;
    let mut text = format!("  cut off:   {stage}");
    if !restored.is_empty() {
        let names: Vec<&str> = restored.iter().map(DataPath::as_str).collect();
        write!(text, "; the former {} is back", some_of(&names)).ok();
    }
    if !gone.is_empty() {
        let names: Vec<&str> = gone.iter().map(DataPath::as_str).collect();
        write!(text, "; the former {} is gone", some_of(&names)).ok();
    }
    text.push('\n');
    text
}

/// A list that stays readable.
fn some_of(names: &[&str]) -> String {
    const MOST: usize = 6;
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
