//! `playbook lock merge`: git's merge driver for locks.

use std::path::{Path, PathBuf};

use clap::Args;
use playbook_hash::disk::{self, Durability};
use playbook_lock::merge::{NoTruth, OnDisk, Side, merge};
use playbook_lock::{LockError, parse_lock, render_lock};
use playbook_types::name::StageName;
use playbook_types::record::lock::LockFile;

use crate::app::{App, Verbosity, working_directory};
use crate::error::CliError;
use crate::git::{Driver, MERGING, add_lines, set_driver, uses_driver};
use crate::outcome::Outcome;
use crate::render::harmless::harmless;
use crate::term;

/// So many stages that both sides changed are named.
const NAMED: usize = 8;

/// Merge two locks entry by entry; git calls this
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct MergeArgs {
    /// Have git merge locks this way, in this repository; a clone has to be told once
    #[arg(long, conflicts_with_all = ["base", "ours", "theirs", "path"])]
    install: bool,
    /// The common ancestor (%O); an empty file if there is none
    #[arg(value_name = "BASE", required_unless_present = "install")]
    base: Option<PathBuf>,
    /// Our side (%A), which the result is written to
    #[arg(value_name = "OURS", required_unless_present = "install")]
    ours: Option<PathBuf>,
    /// Their side (%B)
    #[arg(value_name = "THEIRS", required_unless_present = "install")]
    theirs: Option<PathBuf>,
    /// Where the lock is in the work tree (%P): where both sides have changed an entry, the side whose outs lie there is taken
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
An entry that one side has changed is that side's; where both have, ours is taken, unless only their outs are the ones on disk. An \
entry counts only if its key and its outs are what is there, so a merge never makes a stage count as done that is not.";

/// `playbook lock merge`
pub(super) fn cmd_merge(app: &App, args: &MergeArgs) -> Result<Outcome, CliError> {
    match (&args.base, &args.ours, &args.theirs) {
        (Some(base), Some(ours), Some(theirs)) => {
            let path = args.path.as_deref();
            merge_files(app, [base, ours, theirs], path)
        }
        _ => install(app),
    }
}

fn merge_files(
    app: &App,
    [base, ours, theirs]: [&Path; 3],
    path: Option<&Path>,
) -> Result<Outcome, CliError> {
    let name = path.unwrap_or(ours);
    let failed = |error: LockError| not_merged(error, path);
    let into = ours;
    let ours = read(ours, name, "ours").map_err(failed)?;
    let theirs = read(theirs, name, "theirs").map_err(failed)?;
    let base = ancestor(base, name);
    let truth = path.and_then(OnDisk::beside);
    let merged = match &truth {
        Some(truth) => merge(base.as_ref(), &ours, &theirs, truth),
        None => merge(base.as_ref(), &ours, &theirs, &NoTruth),
    };
    let text = render_lock(&merged.lock)?;
    disk::replace(into, text.as_bytes(), Durability::Fast)?;
    if app.verbosity > Verbosity::Quiet {
        let name = name.display().to_string();
        term::say(&told(&harmless(&name), &merged.decided));
    }
    Ok(Outcome::Done)
}

fn read(file: &Path, name: &Path, side: &str) -> Result<LockFile, LockError> {
    let shown = PathBuf::from(format!("{} ({side})", name.display()));
    let bytes = std::fs::read(file).map_err(|source| LockError::Unreadable {
        path: shown.clone(),
        source,
    })?;
    // What is no text is no YAML either, and is told of with its line.
    parse_lock(&String::from_utf8_lossy(&bytes), &shown)
}

/// The common ancestor; none if there is none, or if nothing can be read from it.
fn ancestor(file: &Path, name: &Path) -> Option<LockFile> {
    if std::fs::metadata(file).is_ok_and(|meta| meta.len() == 0) {
        return None;
    }
    let read = read(file, name, "common ancestor");
    if let Err(error) = &read {
        let error = error.to_string();
        term::say(&format!(
            "{}; merged as if there were none\n",
            harmless(&error)
        ));
    }
    read.ok()
}

fn not_merged(error: LockError, path: Option<&Path>) -> CliError {
    let newer = matches!(error, LockError::Schema { .. });
    let path = path.map_or_else(|| "FILE".to_owned(), |path| path.display().to_string());
    let path = harmless(&path);
    let error = CliError::from(error).hint_instead(format!(
        "the lock is as our side has it, and git reports a conflict; take the side that is whole: git checkout --ours (or --theirs) -- {path} && git add {path}"
    ));
    if newer {
        error.hint(format!(
            "or update playbook, and merge it again: git checkout -m -- {path}"
        ))
    } else {
        error
    }
}

/// Which entries both sides had changed.
fn told(name: &str, decided: &[(StageName, Side)]) -> String {
    let of = |side: Side| -> Vec<&StageName> {
        let of_side = decided.iter().filter(|(_, taken)| *taken == side);
        of_side.map(|(stage, _)| stage).collect()
    };
    let line = |stages: Vec<&StageName>, taken: &str| {
        let named: Vec<String> = stages
            .iter()
            .take(NAMED)
            .map(|stage| format!("'{stage}'"))
            .collect();
        let more = match stages.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        match stages.len() {
            0 => String::new(),
            _ => format!(
                "{name}: both sides have run {}{more}; {taken}\n",
                named.join(", ")
            ),
        }
    };
    line(of(Side::Ours), "our entry is kept")
        + &line(
            of(Side::Theirs),
            "their entry is taken, whose outs are the ones on disk",
        )
}

/// Has git use the driver in the repository around the playbook, or around here if there is none.
fn install(app: &App) -> Result<Outcome, CliError> {
    let directory = match app.neighbours(None) {
        Ok(neighbours) => neighbours.root().as_path().to_owned(),
        Err(_) => working_directory()?,
    };
    let set = set_driver(&directory)?;
    let mut told = match &set {
        Driver::Set => {
            "git merges locks with 'playbook lock merge' in this repository now\n".to_owned()
        }
        Driver::Known(driver) => format!(
            "git knows a merge driver for locks already: {}\n",
            harmless(driver)
        ),
        Driver::NoRepository => {
            let directory = directory.display().to_string();
            return Err(CliError::usage(format!(
                "{} is in no git repository",
                harmless(&directory)
            ))
            .hint("'git init' makes one"));
        }
    };
    if !uses_driver(&directory)? {
        let attributes = directory.join(".gitattributes");
        if add_lines(&attributes, &MERGING)? {
            told.push_str("wrote .gitattributes, which belongs in git: git add .gitattributes\n");
        }
        if !uses_driver(&directory)? {
            let attributes = attributes.display().to_string();
            return Err(CliError::usage(
                "the attributes of this repository say that locks are merged in another way",
            )
            .hint(format!(
                "look for 'merge' in {} (git check-attr merge playbook.lock.yaml)",
                harmless(&attributes)
            )));
        }
    }
    if app.verbosity > Verbosity::Quiet {
        term::say(&told);
    }
    Ok(Outcome::Done)
}
