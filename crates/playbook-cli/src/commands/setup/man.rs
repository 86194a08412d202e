//! `playbook man`, only with the feature `man`: the man pages, for releases.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use playbook_hash::disk::{Durability, create_dirs, replace};

use crate::commands::command_line;
use crate::error::CliError;
use crate::outcome::Outcome;

/// Write the man pages
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// `playbook man`
pub(crate) fn cmd_man(args: &ManArgs) -> Result<Outcome, CliError> {
    create_dirs(&args.directory)?;
    let mut all = command_line().disable_help_subcommand(true);
    all.build();
    pages(all, &args.directory)?;
    Ok(Outcome::Done)
}

/// The page of a command and those of its subcommands.
fn pages(command: clap::Command, directory: &Path) -> Result<(), CliError> {
    let visible = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    for command in visible.cloned().collect::<Vec<_>>() {
        pages(command, directory)?;
    }
    let page = Man::new(command).manual("playbook manual");
    let mut text = Vec::new();
    page.render(&mut text)?;
    replace(
        &directory.join(page.get_filename()),
        &text,
        Durability::Fast,
    )?;
    Ok(())
}
