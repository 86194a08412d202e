//! One run, or one of its stages with what it printed.

use clap::Args;
use playbook_lock::history::{Run, StageRun};

use crate::app::App;
use crate::commands::look::log::past::{Past, named};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::history::{
    ShowError, StageLog, output_heading, run_text, show_bytes, shown_run_json, stage_json,
    stage_text,
};
use crate::term;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The playbook, if it ends in .yaml or .yml, then the run: the beginning of its id, 'last' or @N (@2 is the one
    /// before the last); RUN/STAGE for one stage [default: last]
    #[arg(value_name = "RUN[/STAGE]")]
    run: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print only what the stage printed, byte for byte, even to a terminal
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// `playbook log show`
pub(super) fn cmd_show(app: &App, args: &ShowArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.run);
    if let Some(extra) = rest.get(1) {
        return Err(
            CliError::usage(format!("one run at a time: '{extra}' is too many"))
                .hint("a stage of a run is named RUN/STAGE"),
        );
    }
    let wanted = rest.first().map_or("last", String::as_str);
    let (wanted, stage) = match wanted.split_once('/') {
        Some((run, stage)) => (run, Some(stage)),
        None => (wanted, None),
    };
    if args.raw && stage.is_none() {
        return Err(
            CliError::usage("--raw is for what one stage printed").hint(format!(
                "name the stage: playbook log show --raw {wanted}/STAGE"
            )),
        );
    }
    let past = Past::open(app, file)?;
    let run = past.find(wanted)?;
    let told = past.stages(&run)?;
    if let Some(name) = stage {
        let stage = named(&run, &told.stages, name)?;
        return show_stage(&past, &run, stage, args);
    }
    let logs: Vec<StageLog> = told
        .stages
        .iter()
        .map(|stage| past.stage_log(&run, stage))
        .collect();
    let shown = past.shown_one(run);
    term::out(&if args.json {
        shown_run_json(&shown, &told, &logs)
    } else {
        run_text(&shown, &told)
    })?;
    Ok(Outcome::Done)
}

fn show_stage(
    past: &Past<'_>,
    run: &Run,
    stage: &StageRun,
    args: &ShowArgs,
) -> Result<Outcome, CliError> {
    let log = past.stage_log(run, stage);
    let shown = past.shown_one(run.clone());
    if args.json {
        term::out(&stage_json(run.id, stage, &log))?;
        return Ok(Outcome::Done);
    }
    if !args.raw {
        term::out(&stage_text(past.root(), &shown, stage, &log))?;
    }
    match &log {
        StageLog::There { path, bytes, .. } if *bytes > 0 => {
            if !args.raw {
                term::out(&output_heading())?;
            }
            match show_bytes(path, args.raw) {
                Ok(()) => {}
                Err(ShowError::Log(error)) => return Err(CliError::unreadable(path, &error)),
                Err(ShowError::Out(error)) => return Err(error.into()),
            }
        }
        StageLog::Gone(shown) if args.raw => {
            return Err(CliError::usage(format!("{shown} is gone"))
                .hint("logs are in the state directory, which may be cleared at any time"));
        }
        StageLog::NeverBegan => term::say(&past.where_it_ran(run, stage)?),
        StageLog::There { .. } | StageLog::Gone(_) | StageLog::Silent => {}
    }
    Ok(Outcome::Done)
}
