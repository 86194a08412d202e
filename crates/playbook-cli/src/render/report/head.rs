//! The head of the page: how the run ended, what it came to, and what is to be known before one relies on the rest.

use std::fmt::Write as _;

use jiff::Timestamp;
use playbook_lock::history::RunOutcome;

use crate::render::graph::State;
use crate::render::graph::escape::xml;
use crate::render::report::{LogTold, Report, Standing};
use crate::render::units::{duration, to_the_second};

/// The head, with all totals.
pub(super) fn head(report: &Report) -> String {
    let run = &report.run;
    let totals = &run.totals;
    let mut tiles = String::new();
    let mut tile = |number: &str, what: &str, class: &str| {
        write!(
            tiles,
            "<div class=\"tile{class}\"><b>{number}</b><span>{what}</span></div>"
        )
        .ok();
    };
    tile(&totals.stages_run.to_string(), "run", "");
    tile(&totals.stages_cached.to_string(), "cached", "");
    let failed = if totals.stages_failed > 0 { " bad" } else { "" };
    tile(&totals.stages_failed.to_string(), "failed", failed);
    tile(&totals.stages_skipped.to_string(), "skipped", "");
    tile(&duration(totals.total_seconds), "in all", "");
    if totals.stages_cached > 0 && totals.saved_seconds > 0.0 {
        tile(&duration(totals.saved_seconds), "saved by the cache", "");
    }
    let (state, words) = outcome(report);
    let class = state.class();
    format!(
        "<header class=\"run\"><h1>{}</h1>\n<p class=\"outcome s-{class}\"><svg class=\"sign\" width=\"20\" height=\"20\" aria-hidden=\"true\">\
         <use href=\"#sg-{class}\"/></svg><span>{words}</span></p>\n\
         <p class=\"about\">Run <span class=\"code\">{}</span>, began {}{}, by {}</p>\n<div class=\"tiles\">{tiles}</div>{}</header>\n",
        xml(&report.picture.playbook),
        run.id,
        moment(run.started),
        run.ended
            .map(|ended| format!(", ended {}", moment(ended)))
            .unwrap_or_default(),
        xml(&run.generator),
        notes(report),
    )
}

fn outcome(report: &Report) -> (State, String) {
    match (&report.standing, report.run.outcome) {
        (Standing::GoesOn(process), _) => {
            let as_of = xml(&report.as_of);
            (
                State::Now,
                format!(
                    "This run is still going on ({}); the page shows it {as_of}",
                    xml(process)
                ),
            )
        }
        (Standing::Died, _) => (
            State::Interrupted,
            "This run did not come to its end: it was killed, or the machine stopped".to_owned(),
        ),
        (Standing::Ended, RunOutcome::Completed) => (State::Done, "Completed".to_owned()),
        (Standing::Ended, RunOutcome::Failed) => (State::Failed, "Failed".to_owned()),
        (Standing::Ended, RunOutcome::Interrupted | RunOutcome::Unfinished) => {
            (State::Interrupted, "Interrupted".to_owned())
        }
    }
}

/// What the reader should know before relying on the rest.
fn notes(report: &Report) -> String {
    let mut notes = Vec::new();
    let gone = report.stages.iter().filter(|told| !told.known).count();
    if gone > 0 {
        notes.push(format!(
            "{} of this run {} not in the playbook any more: in the lists below, not in the graph",
            count(gone, "stage"),
            is(gone)
        ));
    }
    if report.torn > 0 {
        notes.push(format!(
            "{} of the event log within this run cannot be read; what {} told is missing here",
            count(report.torn, "line"),
            if report.torn == 1 { "it" } else { "they" }
        ));
    }
    let logs = report
        .stages
        .iter()
        .filter(|told| matches!(told.log, LogTold::Gone { .. }))
        .count();
    if logs > 0 {
        notes.push(format!(
            "the {} of failed stages cannot be shown any more",
            if logs == 1 { "log" } else { "logs" }
        ));
    }
    notes.iter().fold(String::new(), |html, note| {
        html + "<p class=\"note\">Note: " + &xml(note) + "</p>\n"
    })
}

fn moment(at: Timestamp) -> String {
    let second = to_the_second(at);
    format!(
        "<time datetime=\"{second}\">{}</time>",
        second.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
}

fn is(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// A number of things.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
