//! `playbook lock`

mod adopt;
mod merge;

use clap::{Args, Subcommand};
use playbook_lock::{Recorded, render_lock};

use crate::app::App;
use crate::commands::keep::verify::{no_lock, verify_stages};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::term;

/// Print the lock file
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LockArgs {
    #[command(subcommand)]
    command: Option<LockCommand>,
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    playbook: Vec<String>,
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
    /// Read again all data that it records, as 'playbook verify' does
    #[arg(long)]
    verify: bool,
}

#[derive(Debug, Subcommand)]
enum LockCommand {
    /// Record stages as completed with the files as they are, without running them
    Adopt(adopt::AdoptArgs),
    /// Merge two locks entry by entry; git calls this
    Merge(merge::MergeArgs),
}

/// `playbook lock`
pub(crate) fn cmd_lock(app: &App, args: &LockArgs) -> Result<Outcome, CliError> {
    match &args.command {
        None => {}
        Some(LockCommand::Adopt(args)) => return adopt::cmd_adopt(app, args),
        Some(LockCommand::Merge(args)) => return merge::cmd_merge(app, args),
    }
    if args.verify {
        return verify_stages(app, &args.playbook, args.json);
    }
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::no_such_playbook(extra));
    }
    let project = app.project(file)?;
    let recorded = Recorded::read(&project)?;
    let Some(lock) = recorded.lock() else {
        return Err(no_lock(&project));
    };
    let text = if args.json {
        serde_json::to_string(lock).map_err(|error| CliError::usage(error.to_string()))? + "\n"
    } else {
        render_lock(lock)?
    };
    term::out(&text)?;
    Ok(Outcome::Done)
}
