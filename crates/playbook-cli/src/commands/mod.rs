//! The commands, grouped as `--help` shows them, and the way from arguments to an exit code.

mod keep;
mod look;
mod setup;
mod work;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::app::App;
use crate::args::GlobalArgs;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::term;

/// Runs the stages of a playbook: only those that have to run, in parallel, and says exactly why.
#[derive(Debug, Parser)]
#[command(name = "playbook", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done or nothing to do, 1 a stage failed, 2 usage, playbook or lock file wrong, \
3 out of date (with --exit-code), 4 'verify' found a difference, 5 another run holds the lock, 6 the surroundings fail (disk full), 130 or 143 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented playbook to start from
    Init(setup::init::InitArgs),
    /// Run what has to run
    Run(work::run::RunArgs),
    /// Show what would run, and why
    Status(look::status::StatusArgs),
    /// Show the whole story of a decision: what was compared, and how it came out
    #[command(visible_alias = "explain")]
    Why(look::why::WhyArgs),
    /// Show the stages
    List(look::list::ListArgs),
    /// Check the playbook and show all findings
    #[command(visible_alias = "check")]
    Validate(setup::validate::ValidateArgs),
    /// Show the stages and what leads from one to another
    #[command(visible_aliases = ["graph", "visualize"])]
    Dag(look::dag::DagArgs),
    /// Print the lock file
    Lock(keep::lock::LockArgs),
    /// Read again all data that the lock records, and say what differs
    Verify(keep::verify::VerifyArgs),
    /// Show past runs, and what their stages printed
    Log(look::log::LogArgs),
    /// Show how a stage is run and what came of it last, or open a shell to run it by hand
    Debug(work::debug::DebugArgs),
    /// Remove what runs have left, and show what else could go
    Clean(work::clean::CleanArgs),
    /// Write a page about a run
    Report(look::report::ReportArgs),
    /// Print the JSON Schema of playbooks, for editors
    Schema(setup::schema::SchemaArgs),
    /// Print the script that completes commands, stages and params in a shell
    #[command(after_help = setup::completions::INSTALLING)]
    Completions(setup::completions::CompletionsArgs),
    /// Write the man pages
    #[cfg(feature = "man")]
    #[command(hide = true)]
    Man(setup::man::ManArgs),
}

/// The whole command line, for what describes it.
pub(crate) fn command_line() -> clap::Command {
    Cli::command()
}

/// Carries out the command line.
pub(crate) fn dispatch() -> Outcome {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match App::new(&cli.global).and_then(|app| cli.command.run(&app)) {
        Ok(outcome) => outcome,
        Err(error) => {
            term::say(&error.render());
            error.outcome()
        }
    }
}

impl Command {
    fn run(&self, app: &App) -> Result<Outcome, CliError> {
        match self {
            Self::Init(args) => setup::init::cmd_init(app, args),
            Self::Run(args) => work::run::cmd_run(app, args),
            Self::Status(args) => look::status::cmd_status(app, args),
            Self::Why(args) => look::why::cmd_why(app, args),
            Self::List(args) => look::list::cmd_list(app, args),
            Self::Validate(args) => setup::validate::cmd_validate(app, args),
            Self::Dag(args) => look::dag::cmd_dag(app, args),
            Self::Lock(args) => keep::lock::cmd_lock(app, args),
            Self::Verify(args) => keep::verify::cmd_verify(app, args),
            Self::Log(args) => look::log::cmd_log(app, args),
            Self::Debug(args) => work::debug::cmd_debug(app, args),
            Self::Clean(args) => work::clean::cmd_clean(app, args),
            Self::Report(args) => look::report::cmd_report(app, args),
            Self::Schema(args) => setup::schema::cmd_schema(app, args),
            Self::Completions(args) => setup::completions::cmd_completions(app, args),
            #[cfg(feature = "man")]
            Self::Man(args) => setup::man::cmd_man(args),
        }
    }
}

/// Help and version are what was asked for; anything else is a wrong command line.
fn explain(error: &clap::Error) -> Outcome {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        term::say(&text);
        return Outcome::Usage;
    }
    match term::out(&text) {
        Ok(()) => Outcome::Done,
        Err(error) => CliError::from(error).outcome(),
    }
}
