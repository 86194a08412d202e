//! Opening files and finding programs as a shell does.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use crate::process::direct::words::Direction;

/// The files that redirections name.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) input: Option<File>,
    pub(super) output: Option<File>,
}

/// Opens the files in the order they are named. Nothing if one of them is not a regular file, or cannot be opened.
pub(super) fn opened(redirections: &[(Direction, String)], directory: &Path) -> Option<Files> {
    let mut files = Files::default();
    for (direction, name) in redirections {
        let path = directory.join(name);
        let regular = match std::fs::metadata(&path) {
            Ok(meta) => meta.is_file(),
            Err(error) => error.kind() == io::ErrorKind::NotFound && *direction != Direction::From,
        };
        if !regular {
            return None;
        }
        match direction {
            Direction::From => files.input = Some(File::open(&path).ok()?),
            Direction::To => files.output = Some(writable(&path, OFlags::TRUNC)?),
            Direction::After => files.output = Some(writable(&path, OFlags::APPEND)?),
        }
    }
    Some(files)
}

/// As a shell opens a file for a command. It is the command that writes to the disk, not this program.
fn writable(path: &Path, how: OFlags) -> Option<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | how;
    let file = open(path, flags, Mode::from_raw_mode(0o666)).ok()?;
    Some(file.into())
}

/// The program of this name: as it is if it is a path, else the first in the directories of `path`. One that may not be
/// run will not start, and a shell would look further.
pub(super) fn find(name: &str, path: &OsStr, directory: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        // Whoever is started by `#!` is told the name as it is written.
        return is_file(&directory.join(name)).then(|| PathBuf::from(name));
    }
    for element in path.as_bytes().split(|byte| *byte == b':') {
        // Shells differ about all others.
        let clear =
            element.starts_with(b"/") && !element.ends_with(b"/") && !element.contains(&b'%');
        if !clear {
            return None;
        }
        let candidate = Path::new(OsStr::from_bytes(element)).join(name);
        match std::fs::metadata(&candidate) {
            Ok(meta) => return meta.is_file().then_some(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    None
}

fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file())
}
