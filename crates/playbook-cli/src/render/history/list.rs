//! Past runs, a line each.

use std::fmt::Write as _;

use playbook_lock::history::Run;

use crate::render::harmless::harmless;
use crate::render::history::moment::minute;
use crate::render::history::state::{ShownRun, counts, saved, set};
use crate::term::{Tone, paint};

/// A line for each run.
pub(crate) fn table(runs: &[ShownRun]) -> String {
    let rows: Vec<Row> = runs.iter().map(Row::of).collect();
    let word = widest(rows.iter().map(|row| row.word));
    let counts = widest(rows.iter().map(|row| row.counts.as_str()));
    let took = widest(rows.iter().map(|row| row.took.as_str()));
    let mut text = String::new();
    for row in &rows {
        let line = format!(
            "{}  {}  {}  {:<counts$}  {:>took$}  {}",
            paint(Tone::Strong, &row.id),
            row.began,
            paint(row.tone, &format!("{:<word$}", row.word)),
            row.counts,
            row.took,
            row.more
        );
        writeln!(text, "{}", line.trim_end()).ok();
    }
    text
}

/// How wide a column is.
pub(super) fn widest<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

struct Row {
    id: String,
    began: String,
    tone: Tone,
    word: &'static str,
    counts: String,
    took: String,
    more: String,
}

impl Row {
    fn of(shown: &ShownRun) -> Self {
        let ShownRun { run, state } = shown;
        let (tone, word) = state.word();
        let more: Vec<String> = saved(&run.totals).into_iter().chain(set(run)).collect();
        Self {
            id: run.short_id(),
            began: minute(run.started),
            tone,
            word,
            counts: counts(&run.totals),
            took: shown.took(),
            more: harmless(&more.join(", ")).into_owned(),
        }
    }
}

/// Runs in a message: `0192f3c1-0000 (2026-02-16 15:00), …`.
pub(crate) fn older(runs: &[Run]) -> String {
    let few = runs.iter().take(5);
    let named: Vec<String> = few
        .map(|run| format!("{} ({})", run.short_id(), minute(run.started)))
        .collect();
    let more = if runs.len() > named.len() {
        ", …"
    } else {
        ""
    };
    named.join(", ") + more
}
