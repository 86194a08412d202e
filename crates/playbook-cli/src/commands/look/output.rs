//! Where a picture or a page goes: to standard output, or to a file that nothing else needs.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::{Component, Path, PathBuf};

use playbook_hash::disk::{Durability, replace};
use playbook_lock::Project;
use playbook_types::path::DataPath;

use crate::app::{App, Verbosity, working_directory};
use crate::error::CliError;
use crate::render::harmless::harmless;
use crate::term;

/// Writes `text` to the file that `-o` names (`-` is standard output), and says so.
///
/// # Errors
///
/// A file that belongs to the playbook or is data of a stage; a disk that refuses.
pub(super) fn write(app: &App, project: &Project, file: &Path, text: &str) -> Result<(), CliError> {
    if file == Path::new("-") {
        return Ok(term::out(text)?);
    }
    let target = real(&working_directory()?.join(file));
    refuse_directory(file, &target)?;
    refuse_needed(project, file, &target)?;
    replace(&target, text.as_bytes(), Durability::Fast)?;
    if app.verbosity > Verbosity::Quiet {
        term::say(&format!("wrote {}\n", shown(file)));
    }
    Ok(())
}

/// A page or a drawing is not for a terminal.
///
/// # Errors
///
/// If there is no file, and standard output is a terminal.
pub(super) fn refuse_terminal(what: &str, example: &str) -> Result<(), CliError> {
    if std::io::stdout().is_terminal() {
        let message = format!("{what} is not for a terminal, and no file is named");
        return Err(CliError::usage(message).hint(format!("name one: {example}")));
    }
    Ok(())
}

fn refuse_directory(file: &Path, target: &Path) -> Result<(), CliError> {
    if target.is_dir() {
        let message = format!("{} is a directory", shown(file));
        return Err(CliError::usage(message).hint("name a file in it with -o"));
    }
    match target.parent() {
        Some(parent) if !parent.is_dir() => {
            let message = format!(
                "there is no directory {} to write {} in",
                shown(parent),
                shown(file)
            );
            Err(CliError::usage(message).hint(format!("make it first: mkdir -p {}", shown(parent))))
        }
        _ => Ok(()),
    }
}

/// What the playbook lives by is not overwritten with a picture of it.
fn refuse_needed(project: &Project, file: &Path, target: &Path) -> Result<(), CliError> {
    let refuse = |whose: String| {
        let message = format!("{} is {whose}; nothing was written", shown(file));
        Err(CliError::usage(message).hint("name another file with -o"))
    };
    let root = real(project.root().as_path());
    let own = [
        (root.join(project.name().as_str()), "the playbook"),
        (real(&project.lock_path()), "the lock file"),
        (real(&project.events_path()), "the event log"),
        (root.join(".playbookignore"), "the ignore rules"),
    ];
    if let Some((_, what)) = own.iter().find(|(path, _)| path == target) {
        return refuse((*what).to_owned());
    }
    for (name, what) in [
        (".playbook", "in playbook's state directory"),
        (".git", "in git's own directory"),
    ] {
        if target.starts_with(root.join(name)) {
            return refuse(what.to_owned());
        }
    }
    let at = |path: &DataPath| plain(&root.join(path.as_str()));
    let playbook = project.playbook();
    if playbook.params_files.iter().any(|path| at(path) == target) {
        return refuse("a params file".to_owned());
    }
    for stage in playbook.stages.values() {
        let mut outs = stage.outs.iter().map(|out| (at(&out.path), &out.path));
        match outs.find(|(out, _)| target.starts_with(out)) {
            Some((out, _)) if out == target => {
                return refuse(format!("what stage '{}' makes", stage.name));
            }
            Some((_, path)) => {
                let path = harmless(path.as_str()).into_owned();
                return refuse(format!("in {path}, which stage '{}' makes", stage.name));
            }
            None => {}
        }
        if stage.deps.iter().any(|dep| at(&dep.path) == target) {
            return refuse(format!("what stage '{}' reads", stage.name));
        }
    }
    Ok(())
}

/// Where a path really leads, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let whole = path.canonicalize();
    let parent = || {
        let name = path.file_name()?;
        Some(path.parent()?.canonicalize().ok()?.join(name))
    };
    whole.ok().or_else(parent).unwrap_or_else(|| plain(path))
}

/// Without `.` and `..`, by the text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// A file name for people: it moves no cursor.
pub(super) fn shown(path: &Path) -> String {
    harmless(&path.to_string_lossy()).into_owned()
}

/// The end of a file's name behind its last dot, in small letters.
pub(super) fn ending(file: &Path) -> String {
    file.extension()
        .map(OsStr::to_ascii_lowercase)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
