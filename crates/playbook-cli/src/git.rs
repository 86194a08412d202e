//! What git is told about the files of a playbook: how to merge them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use playbook_hash::disk;

use crate::error::CliError;
use crate::render::harmless::harmless;

/// How git is to merge what this program writes: the lock entry by entry, the event log by keeping the lines of both sides.
pub(crate) const MERGING: [&str; 2] = ["*.lock.yaml merge=playbook", "*.events.jsonl merge=union"];

/// The merge driver's settings. Git replaces `%O` and so on by temporary files, and `%P` by the file's own path, quoted.
const DRIVER: [(&str, &str); 2] = [
    ("merge.playbook.name", "entries of a playbook's lock"),
    ("merge.playbook.driver", "playbook lock merge %O %A %B %P"),
];

/// What became of the merge driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Git knows it now.
    Set,
    /// Git has been told this before.
    Known(String),
    /// The directory is in no repository.
    NoRepository,
}

/// Tells the repository that a directory is in of the merge driver, unless it has one of that name.
///
/// # Errors
///
/// If there is a repository, and git is not there or refuses.
pub(crate) fn set_driver(directory: &Path) -> Result<Driver, CliError> {
    if !is_in_repository(directory) {
        return Ok(Driver::NoRepository);
    }
    let [(name, title), (key, command)] = DRIVER;
    let known = git(directory, &["config", "--get", key])?;
    if known.status.success() {
        let known = String::from_utf8_lossy(&known.stdout);
        return Ok(Driver::Known(known.trim().to_owned()));
    }
    // The driver last: one that has it has all.
    for (key, value) in [(name, title), (key, command)] {
        let set = git(directory, &["config", "--local", key, value])?;
        if !set.status.success() {
            let said = String::from_utf8_lossy(&set.stderr);
            return Err(CliError::surroundings(format!(
                "git config {key} failed: {}",
                harmless(said.trim())
            )));
        }
    }
    Ok(Driver::Set)
}

/// Whether git merges a lock in this directory as its attributes say `playbook`.
pub(crate) fn uses_driver(directory: &Path) -> Result<bool, CliError> {
    let told = git(
        directory,
        &["check-attr", "merge", "--", "playbook.lock.yaml"],
    )?;
    Ok(told.stdout.trim_ascii_end().ends_with(b": playbook"))
}

fn is_in_repository(directory: &Path) -> bool {
    let directory = fs::canonicalize(directory);
    directory.is_ok_and(|directory| {
        let mut above = directory.ancestors();
        above.any(|directory| directory.join(".git").symlink_metadata().is_ok())
    })
}

fn git(directory: &Path, args: &[&str]) -> Result<Output, CliError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is no command of a stage, and is over at once"
    )]
    let mut git = Command::new("git");
    git.arg(OsStr::new("-C")).arg(directory).args(args);
    git.stdin(Stdio::null()).output().map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => "git is not installed, or not on PATH".to_owned(),
            _ => format!("cannot start git: {error}"),
        };
        CliError::surroundings(what)
    })
}

/// Adds the lines to a file that it does not have yet. What stands in it stays. Gives whether anything was added.
///
/// # Errors
///
/// A file that cannot be read, or a disk that refuses.
pub(crate) fn add_lines(path: &Path, lines: &[&str]) -> Result<bool, CliError> {
    let old = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(CliError::unreadable(path, &error)),
    };
    let has = |line: &str| {
        old.split(|byte| *byte == b'\n')
            .any(|have| have.trim_ascii() == line.as_bytes() || decides(have, line))
    };
    let missing: Vec<&str> = lines.iter().copied().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut new = old.clone();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    for line in missing {
        new.extend_from_slice(line.as_bytes());
        new.push(b'\n');
    }
    disk::replace(path, &new, disk::Durability::Fast)?;
    Ok(true)
}

/// Whether a line of `.gitattributes` says how to merge the files that `line` is about: the user's word counts.
fn decides(have: &[u8], line: &str) -> bool {
    let Some((pattern, attribute)) = line.split_once(' ') else {
        return false;
    };
    let mut words = have
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let about = words.next() == Some(pattern.as_bytes());
    let decides = |word: &[u8]| {
        let word = word.strip_prefix(b"-").or(word.strip_prefix(b"!"));
        word.is_some_and(|word| word == b"merge")
    };
    about
        && attribute.starts_with("merge=")
        && words.any(|word| word == b"merge" || word.starts_with(b"merge=") || decides(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_how_to_merge_counts() {
        let [lock, _] = MERGING;
        for (have, expected) in [
            ("*.lock.yaml merge=ours", true),
            ("*.lock.yaml linguist-generated merge=playbook", true),
            ("  *.lock.yaml\t-merge ", true),
            ("*.lock.yaml !merge", true),
            ("*.lock.yaml linguist-generated", false),
            ("*.lock.yml merge=ours", false),
            ("# *.lock.yaml merge=ours", false),
            ("", false),
        ] {
            assert_eq!(decides(have.as_bytes(), lock), expected, "{have}");
        }
        assert!(!decides(b"/.playbook/ merge=ours", "/.playbook/"));
    }
}
