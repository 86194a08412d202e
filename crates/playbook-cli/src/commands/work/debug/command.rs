//! The command itself.

use std::ffi::OsString;
use std::io;

use clap::Args;
use playbook_exec::plan::{PlanOptions, Selection, plan};
use playbook_exec::{ByHand, JobFault};

use crate::app::{App, Verbosity};
use crate::commands::work::debug::facts::Facts;
use crate::commands::work::debug::json::json_line;
use crate::commands::work::debug::text::text;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::harmless::harmless;
use crate::term;

/// Show how a stage is run and what came of it last, or open a shell to run it by hand
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DebugArgs {
    /// The playbook, if it ends in .yaml or .yml, then the stage: its name, or the path of an out. Of a stage with
    /// 'parallel' also one job: what it reads, or its id
    #[arg(value_name = "STAGE", required = true)]
    stage: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Open $SHELL in its working directory, with its environment and its command in `$PLAYBOOK_COMMAND`
    #[arg(long)]
    shell: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "shell")]
    json: bool,
}

const AFTER_HELP: &str = "With --shell nothing is locked or recorded, and the exit status is that of the shell. \
The commands of a list are in PLAYBOOK_COMMAND_1, PLAYBOOK_COMMAND_2, …. Unlike in a run PLAYBOOK_STATE_DIR is not set: what \
has it is taken for left over when a run has died.";

/// `playbook debug`
pub(crate) fn cmd_debug(app: &App, args: &DebugArgs) -> Result<Outcome, CliError> {
    let (file, named) = app.split(&args.stage);
    let (name, job) = match named {
        [name] => (name, None),
        [name, job] => (name, Some(job)),
        [] => {
            return Err(CliError::usage("which stage? None is named")
                .hint("'playbook list' shows the stages"));
        }
        more => return Err(one_at_a_time(more.len())),
    };
    let project = app.project_with(file, &args.params)?;
    let selection = Selection {
        selectors: vec![name.clone()],
        only: true,
    };
    let options = PlanOptions {
        selection,
        ..PlanOptions::default()
    };
    let plan = plan(&project, &options)?;
    let mut stages = plan.by_hand();
    let (stage, more) = (stages.next(), stages.count());
    let stage = match (stage, more) {
        (Some(stage), 0) => stage,
        (Some(stage), more) => {
            return Err(CliError::usage(format!(
                "one stage at a time: '{name}' names {}",
                more + 1
            ))
            .hint(format!("one of them is '{}'", stage.stage.name)));
        }
        (None, _) => {
            return Err(CliError::usage(format!("'{name}' names no stage now"))
                .hint("'playbook list' shows the stages"));
        }
    };
    let stage = match job {
        None => stage,
        Some(_) if stage.stage.parallel.is_none() => return Err(one_at_a_time(named.len())),
        Some(job) => {
            let job = plan.job_by_hand(&stage.stage.name, job);
            stage.of_job(job.map_err(|fault| job_fault(&fault))?)
        }
    };
    if args.shell && stage.stage.parallel.is_some() && stage.job.is_none() {
        let name = &stage.stage.name;
        return Err(
            CliError::usage(format!("which job of '{name}'? None is named")).hint(format!(
                "'playbook debug --shell {name} FILE' opens a shell for the job that reads FILE"
            )),
        );
    }
    if args.shell {
        return open_shell(app, &stage);
    }
    let facts = Facts::gather(app, &project, plan.recorded(), stage)?;
    term::out(&if args.json {
        json_line(&facts)
    } else {
        text(&facts)
    })?;
    Ok(Outcome::Done)
}

fn one_at_a_time(count: usize) -> CliError {
    CliError::usage(format!("one stage at a time, not {count}"))
        .hint("'playbook list' shows the stages")
}

fn job_fault(fault: &JobFault) -> CliError {
    let known = matches!(fault, JobFault::NoSuchJob { .. } | JobFault::Several { .. });
    let error = CliError::usage(harmless(&fault.to_string()));
    if known {
        error.hint("a job is named by the path of what it reads, or by the id that was shown when it failed")
    } else {
        error
    }
}

/// Becomes a shell for the person; comes back only if it cannot.
fn open_shell(app: &App, stage: &ByHand<'_>) -> Result<Outcome, CliError> {
    let directory = &stage.directory;
    let shown = directory.display().to_string();
    if !directory.is_dir() {
        return Err(CliError::usage(format!(
            "its working directory {} does not exist",
            harmless(&shown)
        ))
        .hint("make it, or correct 'wdir' in the playbook"));
    }
    let given = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let program = given.unwrap_or_else(|| OsString::from("/bin/sh"));
    if app.verbosity > Verbosity::Quiet {
        let name = &stage.stage.name;
        term::say(&format!(
            "a shell in {} with the environment of '{name}'; nothing is locked or recorded, 'exit' leaves it\n",
            harmless(&shown)
        ));
        for line in run_lines(stage) {
            term::say(&format!("  {line}\n"));
        }
    }
    let error = stage.become_shell(&program);
    let program = program.to_string_lossy();
    let failed = CliError::usage(format!("cannot start '{}': {error}", harmless(&program)));
    Err(match error.kind() {
        io::ErrorKind::ArgumentListTooLong => {
            failed.hint("its command is too long to be put in a variable")
        }
        _ => failed.hint("it is what $SHELL names; try SHELL=/bin/sh"),
    })
}

/// So many commands of a list are named one by one.
const FEW: usize = 5;

/// How to run the commands in the shell, as a run would.
fn run_lines(stage: &ByHand<'_>) -> Vec<String> {
    let shell = stage.shell.join(" ");
    let variables = stage.variables();
    let mut lines: Vec<String> = variables
        .iter()
        .take(FEW)
        .enumerate()
        .map(|(nth, variable)| {
            let what = if nth == 0 { "run it with:" } else { "then:" };
            format!("{what:<12} {shell} \"${variable}\"")
        })
        .collect();
    if let Some(last) = variables.last().filter(|_| variables.len() > FEW) {
        lines.push(format!("{:<12} and so on, up to ${last}", ""));
    }
    lines
}
