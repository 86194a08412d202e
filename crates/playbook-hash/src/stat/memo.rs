//! Digests of files remembered with the stat they belong to, so that nothing is read twice in vain.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use rustix::fs::{CWD, FileType, Mode, Stat, fstat, openat, stat};

use crate::data::{DataKind, PathDigest};
use crate::disk::DiskError;
use crate::error::HashError;
use crate::file::{FileDigest, OPEN_FLAGS, digest_open, special_kind};
use crate::ignore_rules::IgnoreRules;
use crate::stat::boot::Boot;
use crate::stat::cache::StatCache;
use crate::stat::codec::Known;
use crate::stat::key::StatKey;
use crate::stat::local::LocalDisks;
use crate::stat::racy::{is_racy, is_racy_over_boot};
use crate::tree::{Listings, digest_tree_with};

/// Enough that threads seldom wait for each other.
const SHARDS: usize = 16;

/// What may stand in for reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// An equal stat that is not racy.
    Stat,
    /// Nothing.
    ReadEverything,
}

/// The digests of files known so far, each with the stat it belongs to. For one run; shared by its threads.
#[derive(Debug)]
pub struct DigestMemo {
    trust: Trust,
    boot: Boot,
    cache: Option<StatCache>,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    files_read: AtomicU64,
    /// Something is known that is worth keeping and not in the cache.
    learned: AtomicBool,
    local: LocalDisks,
}

type Shard = IndexMap<PathBuf, Known>;

impl DigestMemo {
    /// A memo that knows nothing yet.
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            boot: Boot::now(),
            cache: None,
            hasher: RandomState::new(),
            shards: Default::default(),
            files_read: AtomicU64::new(0),
            learned: AtomicBool::new(false),
            local: LocalDisks::default(),
        }
    }

    /// A memo that knows what a cache on disk knows. Where nothing is trusted the cache is not read, and
    /// what is learned is put into it all the same.
    pub fn with_cache(trust: Trust, cache: StatCache) -> Self {
        let memo = Self::new(trust);
        for (path, known) in cache.load() {
            memo.shard(&path).insert(path, known);
        }
        Self {
            cache: Some(cache),
            ..memo
        }
    }

    /// Puts what was learned into the cache on disk, if anything was.
    ///
    /// # Errors
    ///
    /// When the disk refuses. Everything is read again next time.
    pub fn save(&self) -> Result<(), DiskError> {
        let Some(cache) = self
            .cache
            .as_ref()
            .filter(|_| self.learned.swap(false, Ordering::Relaxed))
        else {
            return Ok(());
        };
        let mut entries: Vec<(PathBuf, Known)> = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let worth = shard
                .iter()
                .filter(|(_, known)| !is_racy(&known.file.stat, known.file.began));
            entries.extend(worth.map(|(path, known)| (path.clone(), *known)));
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        cache.save(entries.iter().map(|(path, known)| (&**path, *known)))
    }

    /// The digest of the file or directory at `path`, which is followed if it is a symbolic link. The
    /// rules apply inside a directory, never to `path` itself.
    ///
    /// # Errors
    ///
    /// When nothing is there, or something in it has no digest or cannot be read.
    pub fn digest(&self, path: &Path, rules: &IgnoreRules) -> Result<PathDigest, HashError> {
        self.digest_listed(path, rules, Listings::Skip)
    }

    /// As [`digest`](Self::digest), of a directory with the list of what is in it.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn digest_listed(
        &self,
        path: &Path,
        rules: &IgnoreRules,
        listings: Listings,
    ) -> Result<PathDigest, HashError> {
        let path = &absolute(path)?;
        let found = stat(path).map_err(|errno| HashError::of_path("read", path, errno.into()))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => {
                let open = |path: &Path| {
                    let opened = openat(CWD, path, OPEN_FLAGS, Mode::empty());
                    opened
                        .map(File::from)
                        .map_err(|errno| HashError::of_path("read", path, errno.into()))
                };
                self.file(path.clone(), &found, open)
                    .map(|file| PathDigest::of_file(&file))
            }
            FileType::Directory => {
                let tree = digest_tree_with(path, rules, self, listings)?;
                Ok(PathDigest {
                    digest: tree.digest,
                    kind: DataKind::Directory,
                    file_count: tree.file_count,
                    total_bytes: tree.total_bytes,
                    ignored: tree.ignored,
                    listing: tree.listing,
                })
            }
            kind => Err(HashError::Special {
                path: path.clone(),
                kind: special_kind(kind),
            }),
        }
    }

    /// The digest of the file at `path` with the stat that vouches for it, if one does, and if the file need not
    /// be opened for that. `path` is absolute, and its digest was asked for.
    pub fn vouched(&self, path: &Path) -> Option<FileDigest> {
        let found = stat(path).ok()?;
        let local = self.trust == Trust::Stat && self.local.has(path, &found);
        self.known(path, &StatKey::of(&found)).filter(|_| local)
    }

    /// How many files had to be read.
    pub fn files_read(&self) -> u64 {
        self.files_read.load(Ordering::Relaxed)
    }

    /// The digest of a file whose stat was just taken; it is opened only if it must be read, or if its stat
    /// counts only once it is open.
    pub(crate) fn file(
        &self,
        path: PathBuf,
        found: &Stat,
        open: impl FnOnce(&Path) -> Result<File, HashError>,
    ) -> Result<FileDigest, HashError> {
        let opened;
        if self.trust == Trust::Stat && self.local.has(&path, found) {
            if let Some(known) = self.known(&path, &StatKey::of(found)) {
                return Ok(known);
            }
            opened = open(&path)?;
        } else {
            opened = open(&path)?;
            let found =
                fstat(&opened).map_err(|errno| HashError::of_path("read", &path, errno.into()))?;
            if let Some(known) = self.known(&path, &StatKey::of(&found)) {
                return Ok(known);
            }
        }
        self.files_read.fetch_add(1, Ordering::Relaxed);
        let read = digest_open(&opened, &path)?;
        if !is_racy(&read.stat, read.began) {
            self.learned.store(true, Ordering::Relaxed);
        }
        let known = Known {
            file: read,
            boot: self.boot,
            unused: 0,
        };
        self.shard(&path).insert(path, known);
        Ok(read)
    }

    fn known(&self, path: &Path, stat: &StatKey) -> Option<FileDigest> {
        if self.trust == Trust::ReadEverything {
            return None;
        }
        let mut shard = self.shard(path);
        let known = shard.get_mut(path)?;
        let Known { file, boot, unused } = known;
        let racy = if boot.is(self.boot) {
            is_racy(&file.stat, file.began)
        } else {
            is_racy_over_boot(&file.stat, file.began)
        };
        let good = file.stat == *stat && !racy;
        good.then(|| {
            *unused = 0;
            *file
        })
    }

    fn shard(&self, path: &Path) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(path) % SHARDS as u64).unwrap_or(0);
        // A thread that died while inserting left the map whole.
        self.shards[hash]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, HashError> {
    std::path::absolute(path).map_err(|source| HashError::of_path("find", path, source))
}

#[cfg(test)]
impl DigestMemo {
    /// As if everything known so far had been read so many seconds later than it was.
    pub(super) fn read_later(&self, seconds: i64) {
        self.learned.store(true, Ordering::Relaxed);
        self.each(|known| known.file.began.seconds += seconds);
    }

    /// As if everything known so far had been read under another start of the machine.
    pub(super) fn read_before_the_machine_started(&self) {
        self.each(|known| known.boot = Boot::of(Some("an earlier one")));
    }

    fn each(&self, change: impl Fn(&mut Known)) {
        for shard in &self.shards {
            shard.lock().unwrap().values_mut().for_each(&change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::write_new;

    fn digest(memo: &DigestMemo, path: &Path) -> PathDigest {
        memo.digest(path, &IgnoreRules::defaults_only().unwrap())
            .unwrap()
    }

    #[test]
    fn a_young_file_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_new(&path, b"1").unwrap();
        let memo = DigestMemo::new(Trust::Stat);
        let first = digest(&memo, &path);
        assert_eq!(digest(&memo, &path).digest, first.digest);
        assert_eq!(memo.files_read(), 2);
    }

    #[test]
    fn a_settled_file_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        write_new(&dir.path().join("x"), b"1").unwrap();
        let memo = DigestMemo::new(Trust::Stat);
        let first = digest(&memo, dir.path());
        memo.read_later(10);
        assert_eq!(digest(&memo, dir.path()).digest, first.digest);
        assert_eq!(digest(&memo, &dir.path().join("x")).total_bytes, 1);
        assert_eq!(memo.files_read(), 1);
    }

    #[test]
    fn another_stat_is_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_new(&path, b"1").unwrap();
        let mtime = std::fs::metadata(&path).unwrap().modified().unwrap();
        let memo = DigestMemo::new(Trust::Stat);
        let first = digest(&memo, &path);
        memo.read_later(10);
        // Same size, same mtime; a new inode.
        write_new(&dir.path().join("y"), b"2").unwrap();
        crate::disk::rename(&dir.path().join("y"), &path).unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(mtime)
            .unwrap();
        assert_ne!(digest(&memo, &path).digest, first.digest);
    }

    #[test]
    fn trusting_nothing_reads_everything() {
        let dir = tempfile::tempdir().unwrap();
        write_new(&dir.path().join("x"), b"1").unwrap();
        let memo = DigestMemo::new(Trust::ReadEverything);
        digest(&memo, dir.path());
        memo.read_later(10);
        digest(&memo, dir.path());
        assert_eq!(memo.files_read(), 2);
    }
}
