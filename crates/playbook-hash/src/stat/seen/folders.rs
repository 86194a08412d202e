//! What is known of files, folder by folder: a lookup a directory, not one a file.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use crate::stat::codec::Known;
use crate::stat::seen::record::Record;

/// What has a longer path, which the system itself does not take, is not remembered: in a tree that is so deep the
/// paths alone would take more memory than all the rest.
const LONGEST: usize = 4096;
/// Enough that threads seldom wait for each other.
const SHARDS: usize = 16;

/// What is known of the files in one folder.
#[derive(Debug, Default, Clone)]
pub(in crate::stat) struct Folder {
    /// What was seen when it was walked.
    pub(in crate::stat) record: Option<Record>,
    /// How many times the cache was rewritten since somebody asked for that.
    pub(in crate::stat) unused: u8,
    /// Files in it whose digests were asked for by name.
    pub(in crate::stat) files: IndexMap<Box<[u8]>, Known>,
}

/// Folders by their paths. Shared by the threads of a run.
#[derive(Debug, Default)]
pub(in crate::stat) struct Folders {
    hasher: RandomState,
    shards: [Mutex<IndexMap<OsString, Folder>>; SHARDS],
}

impl Folders {
    /// What is known of the directory at `path` as a whole, and whether there is more about single files in it.
    pub(in crate::stat) fn record(&self, path: &Path) -> (Option<Record>, bool) {
        if is_too_long(path) {
            return (None, false);
        }
        let mut shard = self.shard(path);
        let Some(folder) = shard.get_mut(path.as_os_str()) else {
            return (None, false);
        };
        folder.unused = 0;
        (folder.record.clone(), !folder.files.is_empty())
    }

    /// Learns what is in a directory.
    pub(in crate::stat) fn learn(&self, path: &Path, record: Record, unused: u8) {
        self.with(path, |folder| {
            folder.record = Some(record);
            folder.unused = unused;
        });
    }

    /// Learns what is in a file.
    pub(in crate::stat) fn learn_file(&self, path: &Path, known: Known) {
        let (directory, name) = split(path);
        self.with(directory, |folder| match folder.files.get_mut(name) {
            Some(old) => *old = known,
            None => {
                folder.files.insert(name.into(), known);
            }
        });
    }

    /// Looks at a folder.
    pub(in crate::stat) fn look<T>(
        &self,
        directory: &Path,
        look: impl FnOnce(&mut Folder) -> Option<T>,
    ) -> Option<T> {
        look(self.shard(directory).get_mut(directory.as_os_str())?)
    }

    /// Everything, sorted by path.
    pub(in crate::stat) fn all(&self) -> Vec<(PathBuf, Folder)> {
        let mut all: Vec<(PathBuf, Folder)> = Vec::new();
        for shard in &self.shards {
            let shard = whole(shard);
            all.extend(
                shard
                    .iter()
                    .map(|(path, folder)| (PathBuf::from(path), folder.clone())),
            );
        }
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn with(&self, path: &Path, change: impl FnOnce(&mut Folder)) {
        if is_too_long(path) {
            return;
        }
        let mut shard = self.shard(path);
        if let Some(folder) = shard.get_mut(path.as_os_str()) {
            change(folder);
            return;
        }
        let mut folder = Folder::default();
        change(&mut folder);
        shard.insert(path.as_os_str().to_owned(), folder);
    }

    fn shard(&self, path: &Path) -> MutexGuard<'_, IndexMap<OsString, Folder>> {
        let hash = self.hasher.hash_one(path.as_os_str());
        whole(&self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)])
    }
}

/// Whether nothing is remembered of what has this path.
pub(crate) fn is_too_long(path: &Path) -> bool {
    path.as_os_str().len() > LONGEST
}

/// A thread that died while inserting left the map whole.
fn whole(shard: &Mutex<IndexMap<OsString, Folder>>) -> MutexGuard<'_, IndexMap<OsString, Folder>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder a path is in, and its name there. What has no name of its own is as good as a folder with one entry.
pub(in crate::stat) fn split(path: &Path) -> (&Path, &[u8]) {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => (parent, name.as_bytes()),
        _ => (path, OsStr::as_bytes(OsStr::new(""))),
    }
}

#[cfg(test)]
impl Folders {
    /// Changes everything known.
    pub(in crate::stat) fn each(&self, change: impl Fn(&mut Folder)) {
        for shard in &self.shards {
            whole(shard).values_mut().for_each(&change);
        }
    }
}
