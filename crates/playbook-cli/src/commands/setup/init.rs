//! `playbook init`

use std::fs;

use clap::Args;
use playbook_hash::disk;

use crate::app::{App, Verbosity, working_directory};
use crate::commands::setup::schema::schema_text;
use crate::error::CliError;
use crate::git::{MERGING, add_lines, set_driver};
use crate::outcome::Outcome;
use crate::term;

/// Write a commented playbook to start from
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where [default: here]
    #[arg(value_name = "DIRECTORY")]
    directory: Option<std::path::PathBuf>,
}

/// The playbook that is written.
const PLAYBOOK: &str = include_str!("init/playbook.yaml");
/// What an editor knows the language from. It belongs in git, so that a clone has it without this program.
const SCHEMA: &str = "playbook.schema.json";
/// What does not belong in git.
const IGNORED: [&str; 1] = ["/.playbook/"];
/// Lock files are made by a program: git need not diff them in full.
const ATTRIBUTES: [&str; 3] = [
    "playbook.schema.json linguist-generated",
    "*.lock.yaml linguist-generated",
    "*.events.jsonl linguist-generated",
];

/// `playbook init`
pub(crate) fn cmd_init(app: &App, args: &InitArgs) -> Result<Outcome, CliError> {
    let directory = match &args.directory {
        Some(directory) => directory.clone(),
        None => working_directory()?,
    };
    for name in ["playbook.yaml", "playbook.yml"] {
        if fs::symlink_metadata(directory.join(name)).is_ok() {
            return Err(CliError::usage(format!(
                "{} exists already; nothing was changed",
                directory.join(name).display()
            ))
            .hint("'playbook validate' checks it, 'playbook run' runs it"));
        }
    }
    disk::create_dirs(&directory)?;
    disk::write_new(&directory.join("playbook.yaml"), PLAYBOOK.as_bytes())?;
    let mut written = vec!["playbook.yaml"];
    // The playbook's first line names it.
    let schema = directory.join(SCHEMA);
    if fs::symlink_metadata(&schema).is_err() {
        disk::write_new(&schema, schema_text()?.as_bytes())?;
        written.push(SCHEMA);
    }
    if add_lines(&directory.join(".gitignore"), &IGNORED)? {
        written.push(".gitignore");
    }
    let attributes: Vec<&str> = ATTRIBUTES.into_iter().chain(MERGING).collect();
    if add_lines(&directory.join(".gitattributes"), &attributes)? {
        written.push(".gitattributes");
    }
    let driver = set_driver(&directory);
    if app.verbosity > Verbosity::Quiet {
        term::say(&format!(
            "wrote {}\nnext: playbook run\n",
            written.join(", ")
        ));
    }
    if let Err(error) = driver {
        let hint = "locks are merged as any text until 'playbook lock merge --install' has worked";
        term::say(&error.hint(hint).render());
    }
    Ok(Outcome::Done)
}
