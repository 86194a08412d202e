//! `playbook status`, and what `playbook run -n` shows: one planner, one rendering.

use clap::Args;
use playbook_exec::ExecError;
use playbook_exec::plan::{Plan, PlanOptions, Selection, plan};

use crate::app::{App, Verbosity, jobs};
use crate::error::{CliError, warn_of_too_large};
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::foretold::{json_lines, table};
use crate::term;

/// Show what would run, and why
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Print one JSON object per stage
    #[arg(long)]
    json: bool,
    /// Exit with 3 if anything would run
    #[arg(long)]
    exit_code: bool,
}

/// `playbook status`
pub(crate) fn cmd_status(app: &App, args: &StatusArgs) -> Result<Outcome, CliError> {
    let (file, stages) = app.split(&args.stages);
    let project = app.project_with(file, &args.params)?;
    let selection = Selection {
        selectors: stages.to_vec(),
        only: false,
    };
    let plan = plan(
        &project,
        &PlanOptions {
            selection,
            ..PlanOptions::default()
        },
    )?;
    show_plan(
        app,
        &plan,
        Show {
            json: args.json,
            exit_code: args.exit_code,
            jobs: jobs(None),
            refuses: false,
        },
    )
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show {
    /// As JSON.
    pub(crate) json: bool,
    /// With an exit code of its own if anything is out of date.
    pub(crate) exit_code: bool,
    /// The cores that a run would use.
    pub(crate) jobs: u32,
    /// What a run refuses is refused, too; else it is worth a warning.
    pub(crate) refuses: bool,
}

/// Shows what a run of this plan would do.
pub(crate) fn show_plan(app: &App, plan: &Plan<'_>, show: Show) -> Result<Outcome, CliError> {
    let foretold = plan.foretell(app.trust);
    let refused = plan.refuse_too_large(&foretold);
    if show.refuses {
        refused?;
    } else if let Err(ExecError::TooLarge { found }) = refused
        && app.verbosity > Verbosity::Quiet
    {
        term::say(&warn_of_too_large(&found));
    }
    term::out(&if show.json {
        json_lines(plan, &foretold)
    } else {
        table(plan, &foretold, show.jobs)
    })?;
    let out_of_date = foretold
        .iter()
        .any(playbook_exec::plan::Foretold::counts_as_out_of_date);
    Ok(if show.exit_code && out_of_date {
        Outcome::OutOfDate
    } else {
        Outcome::Done
    })
}
