//! `playbook list`

use std::fmt::Write as _;

use clap::Args;
use playbook_exec::JobsOnRecord;
use playbook_lock::{Project, Recorded};
use playbook_types::name::StageName;
use playbook_types::record::lock::EntryStatus;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::foretold::jobs_done;
use crate::render::harmless::harmless;
use crate::term::{self, Tone, paint};

/// Show the stages
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    playbook: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Print one JSON object per stage
    #[arg(long, conflicts_with = "names")]
    json: bool,
    /// Print names only
    #[arg(long)]
    names: bool,
}

/// The longest state in letters, without rare ones.
const WIDEST_STATE: usize = "completed".len();

/// One stage as listed.
#[derive(Serialize)]
struct Row<'a> {
    stage: &'a str,
    description: Option<&'a str>,
    /// It is a quality check.
    gate: bool,
    /// How its last run ended: completed, failed, interrupted, or running now; null if it never ran.
    state: Option<String>,
    duration_seconds: Option<f64>,
    /// Of a fan-out that has run: how far its jobs had come when it last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<JobsOnRecord>,
}

/// `playbook list`
pub(crate) fn cmd_list(app: &App, args: &ListArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::no_such_playbook(extra));
    }
    let project = app.project_with(file, &args.params)?;
    let recorded = Recorded::read(&project)?;
    let rows = rows(&project, &recorded);
    let text = match (args.names, args.json) {
        (true, _) => rows.iter().flat_map(|row| [row.stage, "\n"]).collect(),
        (false, true) => json(&rows),
        (false, false) => table(&rows),
    };
    term::out(&text)?;
    Ok(Outcome::Done)
}

fn rows<'a>(project: &'a Project, recorded: &Recorded) -> Vec<Row<'a>> {
    let row = |stage: &'a playbook_types::model::stage::Stage| {
        let entry = recorded
            .lock()
            .and_then(|lock| lock.stages.get(&stage.name));
        Row {
            stage: stage.name.as_str(),
            description: stage.description.as_deref(),
            gate: stage.gate,
            state: entry.map(|entry| state(recorded, &stage.name, &entry.status)),
            duration_seconds: entry.and_then(|entry| entry.duration_seconds),
            jobs: stage
                .parallel
                .as_ref()
                .and_then(|_| JobsOnRecord::of(&project.state_dir(), &stage.name)),
        }
    };
    project.playbook().stages.values().map(row).collect()
}

/// How a stage's last run ended, or that it runs now.
pub(in crate::commands) fn state(
    recorded: &Recorded,
    stage: &StageName,
    status: &EntryStatus,
) -> String {
    let runs_now = || {
        let run = recorded.unfinished.as_ref();
        run.is_some_and(|run| run.running_since(stage).is_some())
    };
    match status {
        EntryStatus::Running if !runs_now() => "interrupted".to_owned(),
        other => other.to_string(),
    }
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
            "failed" | "interrupted" => Tone::Bad,
            "running" => Tone::Act,
            _ => Tone::Dim,
        };
        let gate = row.gate.then(|| "(gate)".to_owned());
        let jobs = row.jobs.map(|jobs| format!("({})", jobs_done(jobs)));
        let description = row.description.map(str::to_owned);
        let parts: Vec<String> = [gate, jobs, description].into_iter().flatten().collect();
        let about = parts.join(" ");
        let description = harmless(&about);
        let line = format!("{:<width$}  {}", row.stage, paint(tone, state));
        // Padded behind the colour, so that nothing is left at the end of a line.
        let pad = " ".repeat(WIDEST_STATE.saturating_sub(state.len()));
        writeln!(text, "{}", format!("{line}{pad}  {description}").trim_end()).ok();
    }
    text
}
