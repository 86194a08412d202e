//! The command line, and past runs as a list.

use std::num::NonZeroUsize;
use std::path::Path;

use clap::{Args, Subcommand};

use crate::app::{App, Verbosity};
use crate::args::names_yaml;
use crate::commands::look::log::compact::cmd_compact;
use crate::commands::look::log::past::Past;
use crate::commands::look::log::show::{ShowArgs, cmd_show};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::history::{run_json, table};
use crate::term;

/// So many runs are shown unless more are asked for.
const FEW: usize = 20;

/// Show past runs, and what their stages printed
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    show: Option<LogCommand>,
    /// The playbook; and -N as short for --limit N
    #[arg(value_name = "PLAYBOOK", allow_negative_numbers = true)]
    pub(super) playbook: Vec<String>,
    /// Show the last N runs [default: 20]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Show all runs
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print one JSON object per run
    #[arg(long)]
    pub(super) json: bool,
    /// Make the event log shorter: keep the last runs, drop the others and the logs of their stages
    #[arg(long, requires = "keep", conflicts_with_all = ["limit", "all"])]
    compact: bool,
    /// With --compact: how many runs to keep
    #[arg(long, value_name = "N", requires = "compact")]
    keep: Option<NonZeroUsize>,
}

const AFTER_HELP: &str =
    "Newest first. Runs in which no command was started are not in the event log.";

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Show the stages of one run, or one of them with what it printed
    Show(ShowArgs),
}

/// `playbook log`
pub(crate) fn cmd_log(app: &App, args: &LogArgs) -> Result<Outcome, CliError> {
    match (&args.show, args.keep.filter(|_| args.compact)) {
        (Some(LogCommand::Show(show)), _) => cmd_show(app, show),
        (None, Some(keep)) => cmd_compact(app, args, keep.get()),
        (None, None) => cmd_list(app, args),
    }
}

fn cmd_list(app: &App, args: &LogArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    let limit = limit(args, rest)?;
    let past = Past::open(app, file)?;
    // One more, to know whether there are more.
    let mut runs = past.runs(limit.map(|limit| limit.saturating_add(1)))?;
    let more = limit.is_some_and(|limit| runs.len() > limit);
    runs.truncate(limit.unwrap_or(usize::MAX));
    let shown = past.shown(runs);
    term::out(&if args.json {
        shown.iter().map(run_json).collect()
    } else {
        table(&shown)
    })?;
    if !args.json && app.verbosity > Verbosity::Quiet {
        if shown.is_empty() {
            term::say("no runs yet; 'playbook run' runs what has to run\n");
        } else if more {
            term::say("there are older ones: 'playbook log --all' shows them\n");
        }
    }
    Ok(Outcome::Done)
}

/// How many runs to show: `-n 5`, or `-5` among the positionals.
fn limit(args: &LogArgs, rest: &[String]) -> Result<Option<usize>, CliError> {
    let mut limit = args.limit.map(NonZeroUsize::get);
    for word in rest {
        let number = word.strip_prefix('-').and_then(|word| word.parse().ok());
        match number.filter(|number: &usize| *number > 0) {
            Some(number) => limit = Some(number),
            None if word.starts_with('-') => {
                return Err(CliError::usage(format!("'{word}' is no number of runs"))
                    .hint("write -5, or --limit 5, for the last five"));
            }
            None if names_yaml(Path::new(word)) => return Err(CliError::no_such_playbook(word)),
            None => {
                return Err(CliError::usage(format!("'{word}' is not a playbook file"))
                    .hint(format!("'playbook log show {word}' shows one run")));
            }
        }
    }
    Ok(limit.or((!args.all).then_some(FEW)))
}
