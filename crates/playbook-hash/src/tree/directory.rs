//! Reading one directory of a tree.
//!
//! A directory that was seen before, and whose stat says that its names are the ones seen then, is gone through name by
//! name: if all of them are what they were, what was seen then is what is there now, and nothing is
//! listed, sorted, opened or copied. Every file is looked at all the same: when its contents change, its
//! directory's stat does not. Otherwise the names are listed, and files are read unless what was seen of
//! them before, or what is known of them singly, still holds.
//!
//! # Why names may be taken from a stat
//!
//! Making, removing or renaming an entry sets the mtime and ctime of the directory it is in; POSIX demands it, and nobody
//! can set a ctime back. So the rule for contents serves for names as well: equal stat, and both times at least two
//! seconds older than the moment the listing began. It holds on the file systems that [`Locality::Names`] stands for: not over a
//! network, where the stat may be an old one; not on overlays, where it is that of one layer and the names
//! come from several; not on FAT and its like, whose top directory has no times and which others write without
//! setting any.

use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, Stat, fstat, statat};
use rustix::io::Errno;

use crate::disk::device_of;
use crate::error::HashError;
use crate::ignore_rules::{IgnoreRules, is_reserved};
use crate::stat::{Before, DigestMemo, Locality, Moment, Record, Seen, StatKey};
use crate::tree::anew::{Batch, read_anew};
use crate::tree::entry::EntryKind;

/// So many entries are worth sharing with another thread.
const SHARED: usize = 128;

/// A directory in it that counts.
pub(super) const DIRECTORY: Seen = Seen::Counted(EntryKind::Directory);

/// A directory as it was found.
#[derive(Debug)]
pub(super) struct Directory {
    /// What is in it. What counts as a directory has no digest yet.
    pub(super) record: Record,
    /// How many directories in it count.
    pub(super) directories: usize,
    /// Whether the stats in the record, if they are old enough, vouch for everything in it.
    pub(super) vouched: bool,
}

impl Directory {
    fn new(record: Record, vouched: bool) -> Self {
        let seen = (0..record.len()).map(|index| record.seen(index));
        let directories = seen.filter(|seen| *seen == DIRECTORY).count();
        Self {
            record,
            directories,
            vouched,
        }
    }

    /// The names of the directories in it that count.
    pub(super) fn below(&self) -> impl Iterator<Item = &CStr> {
        let all = 0..self.record.len();
        all.filter(|index| self.record.seen(*index) == DIRECTORY)
            .map(|index| self.record.name(index))
    }
}

/// A directory being read.
pub(super) struct Reading<'a> {
    /// What errors, rules and the memo call it.
    pub(super) path: &'a Path,
    pub(super) fd: &'a OwnedFd,
    pub(super) rules: &'a IgnoreRules,
    pub(super) memo: &'a DigestMemo,
    /// What is known of it.
    pub(super) before: Before,
    pub(super) device: u64,
}

/// Reads the directory at `path`, which is open.
pub(super) fn read(
    path: &Path,
    fd: &OwnedFd,
    rules: &IgnoreRules,
    memo: &DigestMemo,
) -> Result<Directory, HashError> {
    let listed = Moment::now();
    let found = fstat(fd).map_err(|errno| HashError::of_entry("read", path.to_owned(), errno))?;
    let reading = Reading {
        path,
        fd,
        rules,
        memo,
        before: memo.before(path, fd, &found),
        device: device_of(&found),
    };
    reading.read(listed, StatKey::of(&found))
}

impl Reading<'_> {
    fn read(&self, listed: Moment, stat: StatKey) -> Result<Directory, HashError> {
        let by_stat = self.before.locality == Locality::Names;
        let named = self.before.record.as_ref().filter(|record| {
            let same = by_stat && record.stat() == stat;
            same && self.memo.vouches(&stat, record.listed(), record.boot())
        });
        if let Some(record) = named.filter(|record| self.is_still(record)) {
            return Ok(Directory::new(record.clone(), true));
        }
        let Batch {
            entries,
            read,
            learned,
            foreign,
        } = read_anew(self)?;
        let record = entries.into_record(stat, listed, self.memo.boot());
        self.memo.learn(self.path, record.clone(), read, learned);
        Ok(Directory::new(record, by_stat && !foreign))
    }

    /// Whether everything in a directory that has these names is what it was.
    fn is_still(&self, record: &Record) -> bool {
        (0..record.len())
            .into_par_iter()
            .with_min_len(SHARED)
            .all(|index| self.entry_is_still(record, index))
    }

    fn entry_is_still(&self, record: &Record, index: usize) -> bool {
        let (name, seen) = (record.name(index), record.seen(index));
        let beside = |name: &[u8]| record.find(name).is_some();
        if self.ignores(name, seen.is_dir(), beside) {
            return matches!(seen, Seen::Ignored { .. });
        }
        match seen {
            Seen::Ignored { .. } => false,
            // What it is now shows when it is opened, and what is in it, then.
            DIRECTORY => true,
            Seen::Counted(kind) => {
                let entry = record.entry(index);
                let good = self.memo.vouches(&entry.stat, entry.began, record.boot());
                good && self.look(name).is_ok_and(|found| {
                    StatKey::of(&found) == entry.stat
                        && EntryKind::of_stat(&found) == Some(kind)
                        && device_of(&found) == self.device
                })
            }
        }
    }

    /// Whether an entry does not count. `beside` tells whether a name stands beside it.
    pub(super) fn ignores(
        &self,
        name: &CStr,
        is_dir: bool,
        beside: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let name = name.to_bytes();
        is_reserved(name) || self.rules.ignores(self.path, name, is_dir, beside)
    }

    pub(super) fn look(&self, name: &CStr) -> Result<Stat, Errno> {
        statat(self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// What the system said of an entry.
    pub(super) fn failed(&self, name: &CStr, errno: Errno) -> HashError {
        HashError::of_entry("read", self.path_of(name), errno)
    }

    pub(super) fn path_of(&self, name: &CStr) -> PathBuf {
        self.path.join(OsStr::from_bytes(name.to_bytes()))
    }
}
