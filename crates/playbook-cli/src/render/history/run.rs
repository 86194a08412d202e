//! One run with its stages.

use std::fmt::Write as _;

use jiff::Timestamp;
use playbook_lock::history::{StageOutcome, StageRun, StageRuns};

use crate::render::harmless::harmless;
use crate::render::history::list::widest;
use crate::render::history::moment::second;
use crate::render::history::state::{RunState, ShownRun, counts, saved, set};
use crate::render::units::duration;
use crate::term::{Tone, paint};

/// A run, and a line for each of its stages.
pub(crate) fn run_text(shown: &ShownRun, told: &StageRuns) -> String {
    let ShownRun { run, state } = shown;
    let (tone, word) = state.word();
    let mut text = format!("run {}: {}\n", run.id, paint(tone, word));
    let heard = match run.ended {
        Some(_) => "took",
        None => "last heard of after",
    };
    let began = second(run.started);
    writeln!(text, "  began   {began}, {heard} {}", shown.took()).ok();
    let saved = saved(&run.totals).map_or_else(String::new, |saved| format!(", {saved}"));
    writeln!(text, "  stages  {}{saved}", counts(&run.totals)).ok();
    if !run.overrides.is_empty() {
        writeln!(text, "  set     {}", harmless(&set(run).join(", "))).ok();
    }
    if !run.generator.is_empty() {
        writeln!(text, "  by      {}", harmless(&run.generator)).ok();
    }
    if told.unknown > 0 {
        let lines = match told.unknown {
            1 => "1 line of it is".to_owned(),
            count => format!("{count} lines of it are"),
        };
        let what = format!("{lines} in a form this version does not know, and left out");
        writeln!(text, "  note    {what}").ok();
    }
    if !told.stages.is_empty() {
        text.push('\n');
        text.push_str(&stages(shown, &told.stages));
    }
    text
}

fn stages(run: &ShownRun, stages: &[StageRun]) -> String {
    let rows: Vec<Row<'_>> = stages.iter().map(|stage| Row::of(run, stage)).collect();
    let word = widest(rows.iter().map(|row| row.word));
    let name = widest(rows.iter().map(|row| row.name)).min(40);
    let offset = widest(rows.iter().map(|row| row.offset.as_str()));
    let took = widest(rows.iter().map(|row| row.took.as_str()));
    let mut text = String::new();
    for row in &rows {
        let line = format!(
            "{}  {:<name$}  {:>offset$}  {:>took$}  {}",
            paint(row.tone, &format!("{:<word$}", row.word)),
            row.name,
            row.offset,
            row.took,
            row.why
        );
        writeln!(text, "{}", line.trim_end()).ok();
        if let Some(error) = &row.error {
            let indent = " ".repeat(word);
            writeln!(text, "{indent}  {}", paint(Tone::Bad, error)).ok();
        }
    }
    text
}

struct Row<'a> {
    tone: Tone,
    word: &'static str,
    name: &'a str,
    /// How long after the beginning of the run it began.
    offset: String,
    took: String,
    why: String,
    error: Option<String>,
}

impl<'a> Row<'a> {
    fn of(ShownRun { run, state }: &ShownRun, stage: &'a StageRun) -> Self {
        let (tone, word) = word(stage.outcome, *state);
        let offset = stage.started.map(|started| since(run.started, started));
        let why = match (&stage.because, &stage.why) {
            (Some(because), _) => format!("because '{because}' failed"),
            (None, Some(why)) if stage.attempts > 1 => {
                format!("{why} ({} tries)", stage.attempts)
            }
            (None, Some(why)) => why.clone(),
            (None, None) => String::new(),
        };
        Self {
            tone,
            word,
            name: stage.stage.as_str(),
            offset: offset.map_or_else(String::new, |seconds| format!("+{}", duration(seconds))),
            took: took(stage).map_or_else(String::new, duration),
            why: harmless(&why).into_owned(),
            error: stage
                .error
                .as_deref()
                .filter(|_| stage.outcome == StageOutcome::Failed)
                .map(|error| harmless(error).into_owned()),
        }
    }
}

/// How long a stage took, if it ended.
pub(super) fn took(stage: &StageRun) -> Option<f64> {
    match (stage.duration_seconds, stage.started, stage.ended) {
        (Some(seconds), _, _) => Some(seconds),
        (None, Some(started), Some(ended)) => Some(since(started, ended)),
        _ => None,
    }
}

/// Seconds from one moment to another; clocks may have been set back.
pub(super) fn since(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// What became of a stage in a run of which this became.
pub(super) fn word(outcome: StageOutcome, of: RunState) -> (Tone, &'static str) {
    match outcome {
        StageOutcome::Ran => (Tone::Good, "done"),
        StageOutcome::Cached(_) => (Tone::Good, outcome.word()),
        StageOutcome::Failed => (Tone::Bad, outcome.word()),
        StageOutcome::Interrupted | StageOutcome::Skipped => (Tone::Warn, outcome.word()),
        StageOutcome::Unfinished if of == RunState::Running => (Tone::Act, "running"),
        StageOutcome::Unfinished => (Tone::Bad, "cut off"),
    }
}

/// What became of a stage that was tried: `failed after 3.20 s: exit status 3`.
pub(crate) fn became(ShownRun { state, .. }: &ShownRun, stage: &StageRun) -> (String, Tone) {
    let (tone, word) = word(stage.outcome, *state);
    let after = took(stage).filter(|_| stage.attempts > 0);
    let after = after.map_or_else(String::new, |took| format!(" after {}", duration(took)));
    let error = match &stage.error {
        Some(error) if stage.outcome == StageOutcome::Failed => format!(": {error}"),
        _ => String::new(),
    };
    (format!("{word}{after}{error}"), tone)
}
