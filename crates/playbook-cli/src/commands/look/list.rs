//! `playbook list`

use std::fmt::Write as _;

use clap::Args;
use playbook_lock::{Project, Recorded};
use playbook_types::record::lock::LockFile;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::term::{self, Tone, paint};

/// Show the stages
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    playbook: Vec<String>,
    /// Print one JSON object per stage
    #[arg(long, conflicts_with = "names")]
    json: bool,
    /// Print names only
    #[arg(long)]
    names: bool,
}

/// One stage as listed.
#[derive(Serialize)]
struct Row<'a> {
    stage: &'a str,
    description: Option<&'a str>,
    /// How its last run ended, by the lock; null if it never ran.
    state: Option<String>,
    duration_seconds: Option<f64>,
}

/// `playbook list`
pub(crate) fn cmd_list(app: &App, args: &ListArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::usage(format!("'{extra}' is not a playbook file")));
    }
    let project = app.project(file)?;
    let recorded = Recorded::read(&project)?;
    let rows = rows(&project, recorded.lock());
    let text = match (args.names, args.json) {
        (true, _) => rows.iter().flat_map(|row| [row.stage, "\n"]).collect(),
        (false, true) => json(&rows),
        (false, false) => table(&rows),
    };
    term::out(&text)?;
    Ok(Outcome::Done)
}

fn rows<'a>(project: &'a Project, lock: Option<&LockFile>) -> Vec<Row<'a>> {
    let row = |stage: &'a playbook_types::model::stage::Stage| {
        let entry = lock.and_then(|lock| lock.stages.get(&stage.name));
        Row {
            stage: stage.name.as_str(),
            description: stage.description.as_deref(),
            state: entry.map(|entry| entry.status.to_string()),
            duration_seconds: entry.and_then(|entry| entry.duration_seconds),
        }
    };
    project.playbook().stages.values().map(row).collect()
}

fn json(rows: &[Row<'_>]) -> String {
    rows.iter()
        .filter_map(|row| serde_json::to_string(row).ok())
        .map(|line| line + "\n")
        .collect()
}

fn table(rows: &[Row<'_>]) -> String {
    let width = rows
        .iter()
        .map(|row| row.stage.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let state = row.state.as_deref().unwrap_or("not run");
        let tone = match state {
            "completed" => Tone::Good,
            "failed" | "running" => Tone::Bad,
            _ => Tone::Dim,
        };
        let description = row.description.unwrap_or("");
        let line = format!(
            "{:<width$}  {}  {description}",
            row.stage,
            paint(tone, &format!("{state:<9}"))
        );
        writeln!(text, "{}", line.trim_end()).ok();
    }
    text
}
