//! `playbook why`

use clap::Args;
use playbook_exec::plan::{Explained, PlanOptions, Selection, plan};
use playbook_lock::Project;
use playbook_lock::history::{RunLog, find_start};
use playbook_types::name::StageName;
use playbook_types::record::event::EventKind;
use playbook_types::record::usage::Usage;
use uuid::Uuid;

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::why::{RecordedRun, Story, json_line, text};
use crate::term;

/// Show the whole story of a decision: what was compared, and how it came out
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages: NAME, a glob, an out's path, state:failed, state:stale
    #[arg(value_name = "STAGE", required = true)]
    stages: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Print one JSON object per stage
    #[arg(long)]
    json: bool,
}

/// `playbook why`
pub(crate) fn cmd_why(app: &App, args: &WhyArgs) -> Result<Outcome, CliError> {
    let (file, stages) = app.split(&args.stages);
    if stages.is_empty() {
        return Err(CliError::usage("which stage? None is named")
            .hint("'playbook status' shows all of them, with the reasons in short"));
    }
    let project = app.project_with(file, &args.params)?;
    let selection = Selection {
        selectors: stages.to_vec(),
        only: false,
    };
    let options = PlanOptions {
        selection,
        ..PlanOptions::default()
    };
    let plan = plan(&project, &options)?;
    let stories = plan.explain(app.trust).into_iter();
    let told: Vec<String> = stories
        .map(|explained| {
            let story = Story {
                run: recorded_run(&project, &explained),
                explained,
            };
            if args.json {
                json_line(&story)
            } else {
                text(&story)
            }
        })
        .collect();
    term::out(&told.join(if args.json { "" } else { "\n" }))?;
    Ok(Outcome::Done)
}

/// What the stage used in that run, if it has not been tried since.
fn usage(project: &Project, stage: &StageName, run_id: Uuid) -> Option<Usage> {
    let log = RunLog::open(&project.events_path()).ok()?;
    let (run, stage) = log.last_tried(stage, None).ok()??;
    stage.usage.filter(|_| run.id == run_id)
}

/// The run that what is on record of the stage is from, as the event log has it.
fn recorded_run(project: &Project, explained: &Explained<'_>) -> Option<RecordedRun> {
    let entry = explained.entry?;
    let event = find_start(
        &project.events_path(),
        &explained.stage.name,
        entry.started_at?,
    )?;
    match event.kind {
        EventKind::StageStarted {
            command, reasons, ..
        } => Some(RecordedRun {
            usage: usage(project, &explained.stage.name, event.run_id),
            id: event.run_id,
            command,
            reasons,
        }),
        _ => None,
    }
}
