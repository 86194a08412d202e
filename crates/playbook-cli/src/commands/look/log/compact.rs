//! A shorter event log.

use playbook_lock::history::{Compacted, compact};
use playbook_lock::run_lock::Contention;
use serde::Serialize;
use uuid::Uuid;

use crate::app::{App, Verbosity};
use crate::commands::look::log::command::LogArgs;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::history::minute;
use crate::render::units::bytes;
use crate::term;

/// What was dropped, as JSON.
#[derive(Serialize)]
struct CompactedRow {
    kept: usize,
    dropped: Vec<Uuid>,
    bytes_before: u64,
    bytes_after: u64,
    logs_removed: usize,
}

/// `playbook log --compact`
pub(super) fn cmd_compact(app: &App, args: &LogArgs, keep: usize) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::no_such_playbook(extra));
    }
    let neighbours = app.neighbours(file)?;
    let state = neighbours.state_dir();
    let held = match app.take_run_lock(&state, Contention::Fail) {
        Err(error) if error.outcome() == Outcome::Held => {
            return Err(error.hint_instead("wait until it is over: it is writing its events"));
        }
        other => other?,
    };
    let compacted = compact(&held, &neighbours.events_path(), &state, keep)?;
    if args.json {
        let Compacted {
            kept,
            dropped,
            bytes_before,
            bytes_after,
            logs_removed,
        } = compacted;
        let row = CompactedRow {
            kept,
            dropped: dropped.iter().map(|run| run.id).collect(),
            bytes_before,
            bytes_after,
            logs_removed,
        };
        let line =
            serde_json::to_string(&row).map_err(|error| CliError::usage(error.to_string()))?;
        term::out(&(line + "\n"))?;
    } else if app.verbosity > Verbosity::Quiet {
        term::say(&told(&compacted));
    }
    Ok(Outcome::Done)
}

fn told(compacted: &Compacted) -> String {
    let Compacted {
        kept,
        dropped,
        bytes_before,
        bytes_after,
        logs_removed,
    } = compacted;
    let (Some(newest), Some(oldest)) = (dropped.first(), dropped.last()) else {
        return format!("nothing to drop: the event log has {}\n", runs(*kept));
    };
    let span = if dropped.len() == 1 {
        format!("of {}", minute(newest.started))
    } else {
        format!(
            "from {} to {}",
            minute(oldest.started),
            minute(newest.started)
        )
    };
    let logs = match logs_removed {
        0 => String::new(),
        1 if dropped.len() == 1 => " and its logs".to_owned(),
        1 => ", and the logs of 1 of them".to_owned(),
        count => format!(", and the logs of {count} of them"),
    };
    format!(
        "dropped {} {span}{logs}; the event log has {} ({} → {})\n",
        runs(dropped.len()),
        runs(*kept),
        bytes(*bytes_before),
        bytes(*bytes_after)
    )
}

fn runs(count: usize) -> String {
    match count {
        0 => "no runs".to_owned(),
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    }
}
