//! `playbook verify`

mod json;
mod text;

use std::collections::BTreeSet;

use clap::Args;
use playbook_exec::plan::{PlanOptions, Selection, plan};
use playbook_lock::{Finding, Project, Recorded, Verification, verify};
use playbook_types::name::StageName;

use crate::app::{App, Verbosity};
use crate::error::{CliError, hint_line};
use crate::outcome::Outcome;
use crate::term;

/// Read again all data that the lock records, and say what differs
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct VerifyArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages; only what these read and made is verified
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Print one JSON object per path and per stage that cannot be verified
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Every file is read, whatever its time and size say, and nothing is written. This is about data only: whether a command or a \
param has changed since, 'playbook status' says. Exit code: 0 all is as recorded, 4 something differs.";

/// `playbook verify`
pub(crate) fn cmd_verify(app: &App, args: &VerifyArgs) -> Result<Outcome, CliError> {
    verify_stages(app, &args.stages, args.json)
}

/// The same, from the positionals of whichever command.
pub(super) fn verify_stages(
    app: &App,
    positionals: &[String],
    json: bool,
) -> Result<Outcome, CliError> {
    let began = app.clock.monotonic();
    let (file, selectors) = app.split(positionals);
    let project = app.project(file)?;
    let stages = selected(&project, selectors)?;
    let recorded = Recorded::read(&project)?;
    let Some(found) = verify(&project, &recorded, stages.as_ref())? else {
        return Err(no_lock(&project));
    };
    let took = app.clock.monotonic().saturating_sub(began);
    let quiet = app.verbosity == Verbosity::Quiet;
    term::out(&if json {
        json::lines(&found)
    } else {
        let summary = (!quiet).then_some(took);
        text::told(&found, summary, app.verbosity == Verbosity::Verbose)
    })?;
    let outcome = outcome(&found);
    if !json && !quiet {
        say_what_next(&recorded, outcome);
    }
    Ok(outcome)
}

/// The stages that were asked for; none if all are.
pub(in crate::commands) fn selected(
    project: &Project,
    selectors: &[String],
) -> Result<Option<BTreeSet<StageName>>, CliError> {
    if selectors.is_empty() {
        return Ok(None);
    }
    let options = PlanOptions {
        selection: Selection {
            selectors: selectors.to_vec(),
            only: true,
        },
        ..PlanOptions::default()
    };
    let plan = plan(project, &options)?;
    let names = plan.order().map(|id| plan.stage(id).name.clone());
    Ok(Some(names.collect()))
}

pub(super) fn no_lock(project: &Project) -> CliError {
    if !project.playbook().policy.lock_file {
        return no_lock_wanted();
    }
    let path = project.lock_path();
    CliError::usage(format!("there is no lock file {} yet", path.display()))
        .hint("'playbook run' writes it when a stage has run")
}

/// The playbook says that there is no lock.
pub(super) fn no_lock_wanted() -> CliError {
    CliError::usage("the playbook says 'lock_file: false' in its policy: nothing is recorded")
        .hint("without that line 'playbook run' keeps a lock")
}

fn outcome(found: &Verification) -> Outcome {
    let mut unread = false;
    for checked in &found.checked {
        match &checked.finding {
            Finding::Same(_) => {}
            Finding::Differs { .. } | Finding::Missing => return Outcome::Differs,
            Finding::NoDigest(error) if error.io_error().is_none() => return Outcome::Differs,
            Finding::NoDigest(_) => unread = true,
        }
    }
    if unread {
        Outcome::Surroundings
    } else {
        Outcome::Done
    }
}

fn say_what_next(recorded: &Recorded, outcome: Outcome) {
    let holder = recorded.unfinished.as_ref();
    if let Some(holder) = holder.and_then(|run| run.holder.as_ref()) {
        term::say(&hint_line(&format!(
            "a run is under way ({holder}): what it makes anew may differ until it has ended"
        )));
    }
    if outcome == Outcome::Differs {
        term::say(&hint_line(
            "'playbook status' shows what would run because of it, 'playbook why STAGE' all that was compared",
        ));
        term::say(&hint_line(
            "to keep the files as they are: 'playbook lock adopt STAGE'",
        ));
    }
}
