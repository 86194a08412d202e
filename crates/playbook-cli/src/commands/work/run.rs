//! `playbook run`

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use playbook_exec::observer::{Fanned, Observer};
use playbook_exec::plan::{
    Force, Plan, PlanOptions, Selection, plan, plan_part, refuse_unsupported,
};
use playbook_exec::{
    FOLD_EVERY, Found, GRACE, Look, Outcome as RunOutcome, Recovery, Runtime, Settled, Summary,
    Unsettled, execute, recover,
};
use playbook_hash::Trust;
use playbook_lock::Project;
use playbook_lock::run_lock::{Contention, RunLock};
use playbook_types::finding::Findings;
use playbook_types::model::policy::{Concurrency, FailurePolicy};
use rustix::rand::{GetRandomFlags, getrandom};
use uuid::{Builder, Uuid};

use crate::app::{App, Verbosity, jobs};
use crate::commands::look::status::{Show, show_plan};
use crate::commands::work::for_git::to_add;
use crate::commands::work::leftovers::to_tell;
use crate::error::{CliError, advice, hint_line};
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::findings::render_findings;
use crate::render::json::{self, JsonEvents};
use crate::render::live::{How, Live, Shown};
use crate::render::plain::recovered::tell;
use crate::render::plain::{Plain, nothing_ran};
use crate::term;

/// Run what has to run
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct RunArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages: NAME, a glob, +NAME, NAME+, an out's path,
    /// state:failed, state:stale
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Further stages, separated by commas
    #[arg(
        short = 's',
        long = "stages",
        visible_alias = "stage",
        value_name = "STAGES",
        value_delimiter = ','
    )]
    more_stages: Vec<String>,
    /// Only these stages, without what they need
    #[arg(long)]
    only: bool,
    /// Show what would run, and run nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Cores to use at once [default: all]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// After a failure, still run everything that does not need the failed stage
    #[arg(short, long)]
    keep_going: bool,
    /// Run the named stages whatever is recorded; all, if none is named
    #[arg(short = 'B', long)]
    force: bool,
    #[command(flatten)]
    params: ParamArgs,
    /// If another run holds the playbook, fail instead of waiting
    #[arg(long)]
    no_wait: bool,
    /// The last run died on another machine: put right what it left, and go on
    #[arg(long)]
    recover: bool,
    /// Print one JSON object per event on standard output
    #[arg(long)]
    json: bool,
    /// With --dry-run: exit with 3 if anything would run
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
}

/// `playbook run`
pub(crate) fn cmd_run(app: &App, args: &RunArgs) -> Result<Outcome, CliError> {
    let (file, stages) = app.split(&args.stages);
    if asks_for_everything(args, stages)
        && let Some(outcome) = by_stats(app, file.as_deref(), args)?
    {
        return Ok(outcome);
    }
    let project = app.project_with(file, &args.params)?;
    warn(app, project.file(), project.warnings());
    let options = PlanOptions {
        selection: Selection {
            selectors: stages.iter().chain(&args.more_stages).cloned().collect(),
            only: args.only,
        },
        force: if args.force {
            Force::Named
        } else {
            Force::None
        },
    };
    if args.dry_run {
        let plan = plan(&project, &options)?;
        let show = Show {
            json: args.json,
            exit_code: args.exit_code,
            jobs: jobs(args.jobs),
            refuses: true,
        };
        return show_plan(app, &plan, show);
    }
    refuse_unsupported(project.playbook())?;
    let held = hold(app, &project, args.no_wait)?;
    put_right(app, &project, args.recover, &held)?;
    // The lock is read only now: a run that was waited for may have changed it.
    let plan = plan(&project, &options)?;
    run(app, args, &plan)
}

/// Whether the run is of the whole playbook as it is written.
fn asks_for_everything(args: &RunArgs, stages: &[String]) -> bool {
    stages.is_empty() && args.more_stages.is_empty() && args.params.is_empty() && !args.force
}

/// The run, if stats say which stages have to be decided; `None` if that has to be worked out.
fn by_stats(app: &App, file: Option<&Path>, args: &RunArgs) -> Result<Option<Outcome>, CliError> {
    if app.trust != Trust::Stat || args.dry_run {
        return Ok(None);
    }
    let began = app.clock.monotonic();
    let located = match file {
        Some(file) => file.to_owned(),
        None => app.locate()?,
    };
    let Some(found) = Found::load(&located) else {
        return Ok(None);
    };
    match found.look() {
        Some(Look::Settled(settled)) => {
            let took = app.clock.monotonic().saturating_sub(began);
            warn(app, &located, &settled.warnings);
            tell_settled(app, args, &settled, took)?;
            Ok(Some(Outcome::Done))
        }
        Some(Look::Unsettled(unsettled)) => run_unsettled(app, args, unsettled),
        None => Ok(None),
    }
}

/// Says what is worth a warning in the playbook.
fn warn(app: &App, file: &Path, warnings: &Findings) {
    if app.verbosity > Verbosity::Quiet {
        term::say(&render_findings(file, warnings));
    }
}

/// Tells of a run that had nothing to do as of any other.
fn tell_settled(
    app: &App,
    args: &RunArgs,
    settled: &Settled<'_>,
    took: Duration,
) -> Result<(), CliError> {
    if args.json {
        let events = settled.events(run_id(app)?, &*app.clock, took);
        match term::out(&json::lines(&events)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    } else if app.verbosity > Verbosity::Quiet {
        let events = settled.events(run_id(app)?, &*app.clock, took);
        term::say(&nothing_ran(&events));
    }
    Ok(())
}

/// Decides and runs only these stages; `None` if another run is under way or came in between.
fn run_unsettled(
    app: &App,
    args: &RunArgs,
    unsettled: Unsettled<'_>,
) -> Result<Option<Outcome>, CliError> {
    let Some(project) = unsettled.open() else {
        return Ok(None);
    };
    // Whoever waits for another run looks again when it is over: meanwhile everything may change.
    let _held = match take(app, &project, Contention::Fail) {
        Ok(held) => held,
        Err(error) if error.outcome() == Outcome::Held => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(part) = unsettled.part(&project) else {
        return Ok(None);
    };
    warn(app, project.file(), project.warnings());
    run(app, args, &plan_part(&project, part)?).map(Some)
}

fn run(app: &App, args: &RunArgs, plan: &Plan<'_>) -> Result<Outcome, CliError> {
    let plain = Plain::new(plan, app.verbosity, args.json);
    let json_events = JsonEvents::default();
    let run_id = run_id(app)?;
    let shown = Shown {
        area: app.verbosity > Verbosity::Quiet && !args.json && term::can_draw(),
        output: app.verbosity == Verbosity::Verbose && !args.json,
    };
    let failure = after_failures(args, plan);
    let jobs = jobs(args.jobs);
    let how = || How {
        clock: Arc::clone(&app.clock),
        jobs,
        logs: plan.logs_dir(run_id),
        stops_at_failure: failure == FailurePolicy::StopOnFirst,
    };
    let live = (shown.area || shown.output).then(|| Live::new(plan, &plain, shown, how()));
    let mut observers: Vec<&dyn Observer> = vec![match &live {
        Some(live) => live,
        None => &plain,
    }];
    if args.json {
        observers.push(&json_events);
    }
    let runtime = Runtime {
        clock: &*app.clock,
        observer: &Fanned(observers),
        jobs,
        failure,
        trust: app.trust,
        run_id,
        overrides: plan.project().overridden().clone(),
        owns_process: true,
        grace: grace()?,
        fold_every: FOLD_EVERY,
    };
    let summary = execute(plan, &runtime)?;
    drop(live);
    plain.finish(&summary);
    say_what_to_do(&summary);
    name_leftovers(app, args, plan);
    name_for_git(app, args, plan, &summary);
    match json_events.finish() {
        // Whoever read the events has seen enough; the run counts all the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(outcome(&summary))
}

/// What a failure means for the other stages.
fn after_failures(args: &RunArgs, plan: &Plan<'_>) -> FailurePolicy {
    match (args.keep_going, plan.playbook_policy().failure) {
        (true, FailurePolicy::StopOnFirst) => FailurePolicy::ContinueOnFailure,
        (_, declared) => declared,
    }
}

/// After a run, what stages that are gone have left is named if it never was.
fn name_leftovers(app: &App, args: &RunArgs, plan: &Plan<'_>) {
    if !args.json && app.verbosity > Verbosity::Quiet {
        term::say(&to_tell(plan).unwrap_or_default());
    }
}

/// After a run that wrote them, the files that belong in git are named if they never were.
fn name_for_git(app: &App, args: &RunArgs, plan: &Plan<'_>, summary: &Summary) {
    let wrote = summary.lock_written && summary.outcome == RunOutcome::Completed;
    if wrote && !args.json && app.verbosity > Verbosity::Quiet {
        term::say(&to_add(plan.project()).unwrap_or_default());
    }
}

/// What to do about disks that refused.
fn say_what_to_do(summary: &Summary) {
    let refused = summary
        .failures
        .iter()
        .filter_map(|(_, cause)| cause.surroundings());
    let mut said: Vec<&str> = refused.filter_map(advice).collect();
    said.dedup();
    for advice in said {
        term::say(&hint_line(advice));
    }
}

fn outcome(summary: &Summary) -> Outcome {
    let surroundings = summary
        .failures
        .iter()
        .any(|(_, cause)| cause.surroundings().is_some());
    match summary.outcome {
        RunOutcome::Completed => Outcome::Done,
        RunOutcome::Failed if surroundings => Outcome::Surroundings,
        RunOutcome::Failed => Outcome::StageFailed,
        RunOutcome::Interrupted(signal) => Outcome::Interrupted(signal),
    }
}

/// A new id, later ones behind earlier ones; tests fix it. The kernel is asked for its random part, not `/dev/urandom`,
/// which not every root has.
fn run_id(app: &App) -> Result<Uuid, CliError> {
    if let Ok(text) = std::env::var("PLAYBOOK_TEST_RUN_ID") {
        return text
            .parse()
            .map_err(|error| CliError::usage(format!("PLAYBOOK_TEST_RUN_ID: {error}")));
    }
    let mut random = [0; 10];
    getrandom(&mut random[..], GetRandomFlags::empty())
        .map_err(|errno| CliError::usage(format!("the kernel gives no random bytes: {errno}")))?;
    let now = u64::try_from(app.clock.now().as_millisecond()).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(now, &random).into_uuid())
}

/// How long a command may take to end after SIGTERM; tests have less patience.
fn grace() -> Result<Duration, CliError> {
    match std::env::var("PLAYBOOK_TEST_GRACE_MS") {
        Ok(text) => text
            .parse()
            .map(Duration::from_millis)
            .map_err(|error| CliError::usage(format!("PLAYBOOK_TEST_GRACE_MS: {error}"))),
        Err(_) => Ok(GRACE),
    }
}

/// Puts right what a run that died has left, and says what that was.
pub(in crate::commands) fn put_right(
    app: &App,
    project: &Project,
    elsewhere: bool,
    held: &RunLock,
) -> Result<(), CliError> {
    let how = Recovery {
        elsewhere,
        grace: grace()?,
        now: app.clock.now(),
    };
    let recovered = recover(project, held, how)?;
    if let Some(recovered) = recovered.filter(|_| app.verbosity > Verbosity::Quiet) {
        term::say(&tell(project.root().as_path(), &recovered));
    }
    Ok(())
}

/// Takes the run lock, as soon as it is free.
pub(in crate::commands) fn hold(
    app: &App,
    project: &Project,
    no_wait: bool,
) -> Result<RunLock, CliError> {
    let fail = no_wait || project.playbook().policy.concurrency == Concurrency::Fail;
    let tell = |by: &str| {
        term::say(&format!(
            "waiting for another run of this playbook ({by})\n"
        ));
    };
    let contention = if fail {
        Contention::Fail
    } else {
        Contention::Wait(&tell)
    };
    take(app, project, contention)
}

fn take(app: &App, project: &Project, contention: Contention<'_>) -> Result<RunLock, CliError> {
    app.take_run_lock(&project.state_dir(), contention)
}
