//! What can be removed, and how much it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use playbook_types::name::StageName;
use playbook_types::path::DataPath;

/// Logs of so many runs stay unless all are to go.
pub const RECENT_RUNS: usize = 10;

/// Something that can be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spare {
    /// What it is.
    pub kind: SpareKind,
    /// Where; of work directories, the list of them or the directory that they are in.
    pub path: PathBuf,
    /// The work directories, if it is about these.
    pub dirs: Vec<PathBuf>,
    /// Whose it is, if it is one stage's.
    pub stage: Option<StageName>,
    /// How much it is.
    pub bytes: u64,
}

/// What can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpareKind {
    /// The logs of a run that is not among the last [`RECENT_RUNS`].
    OldLogs,
    /// The logs of one that is.
    RecentLogs,
    /// What a process that died left half written.
    HalfWritten,
    /// What is kept to save time, or for more words in explanations.
    Cache,
    /// Files of the user's that stood where a stage makes its out.
    Kept,
    /// What a failed stage left.
    Failed,
    /// What jobs of a fan-out left in work directories of their own.
    WorkDirs,
    /// Which jobs of a fan-out are done: all of them run again without it.
    Jobs,
    /// The same of a stage that is no fan-out of the playbook any more.
    GoneJobs,
    /// An out that is exactly what its stage made.
    Out,
}

/// An out that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The stage.
    pub stage: StageName,
    /// Its out.
    pub path: DataPath,
    /// Why it stays.
    pub why: &'static str,
}

/// Which stages it is about; `None` is all of them.
pub type Only<'a> = Option<&'a BTreeSet<StageName>>;

pub(super) fn spare(kind: SpareKind, path: PathBuf, stage: Option<StageName>) -> Spare {
    Spare {
        kind,
        stage,
        bytes: size(&path),
        path,
        dirs: Vec::new(),
    }
}

pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

pub(super) fn wanted(only: Only<'_>, stage: &StageName) -> bool {
    only.is_none_or(|only| only.contains(stage))
}

/// Bytes in the files at and below a path; links count for themselves. What cannot be looked at counts for nothing.
pub(super) fn size(path: &Path) -> u64 {
    let mut bytes = 0;
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => left.extend(names(&path).map(|name| path.join(name))),
            Ok(meta) => bytes += meta.len(),
            Err(_) => {}
        }
    }
    bytes
}

/// The names in a directory, sorted; none where it cannot be read.
pub(super) fn names(directory: &Path) -> impl Iterator<Item = std::ffi::OsString> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names.into_iter()
}
