//! Digests of files remembered with the stat they belong to, so that nothing is read twice in vain.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use playbook_types::digest::Digest;
use rustix::fs::{CWD, FileType, Mode, Stat, fstat, openat, stat};

use crate::data::{DataKind, PathDigest};
use crate::disk::DiskError;
use crate::error::HashError;
use crate::file::{FileDigest, Halt, OPEN_FLAGS, begin_reading, digest_open, special_kind};
use crate::ignore_rules::IgnoreRules;
use crate::stat::boot::Boot;
use crate::stat::cache::StatCache;
use crate::stat::codec::Known;
use crate::stat::evidence::Evidence;
use crate::stat::key::StatKey;
use crate::stat::local::{LocalDisks, Locality};
use crate::stat::racy::{Moment, is_racy, is_racy_over_boot};
use crate::stat::seen::{Folders, Record, SeenTree, SeenTrees, split};
use crate::tree::{Listings, digest_tree_with};

/// What may stand in for reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// An equal stat that is not racy.
    Stat,
    /// Nothing.
    ReadEverything,
}

/// So little is read again sooner than the whole cache is rewritten for it.
const LITTLE: u64 = 1 << 20;

/// The digests of files known so far, each with the stat it belongs to. For one run; shared by its threads.
#[derive(Debug)]
pub struct DigestMemo {
    trust: Trust,
    boot: Boot,
    cache: Option<StatCache>,
    /// The cache knows more than was asked of it.
    is_part: bool,
    folders: Folders,
    trees: SeenTrees,
    files_read: AtomicU64,
    /// Something is known that is worth keeping and not in the cache.
    learned: AtomicBool,
    /// How much would have to be read again if it were not kept.
    learned_bytes: AtomicU64,
    local: LocalDisks,
    halt: Halt,
}

impl DigestMemo {
    /// A memo that knows nothing yet.
    pub fn new(trust: Trust) -> Self {
        Self {
            trust,
            boot: Boot::now(),
            cache: None,
            is_part: false,
            folders: Folders::default(),
            trees: SeenTrees::default(),
            files_read: AtomicU64::new(0),
            learned: AtomicBool::new(false),
            learned_bytes: AtomicU64::new(0),
            local: LocalDisks::default(),
            halt: Halt::default(),
        }
    }

    /// A memo that knows what a cache on disk knows. Where nothing is trusted it answers nothing, and
    /// what is learned is put into it all the same.
    pub fn with_cache(trust: Trust, cache: StatCache) -> Self {
        let memo = Self::new(trust);
        cache.load(&memo.folders);
        Self {
            cache: Some(cache),
            ..memo
        }
    }

    /// The same for those who will ask for these few paths, which are absolute, and for hardly any others.
    pub fn with_cache_of(trust: Trust, cache: StatCache, paths: &[PathBuf]) -> Self {
        let memo = Self::new(trust);
        cache.load_of(&memo.folders, paths);
        Self {
            cache: Some(cache),
            is_part: true,
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
        if self.is_part && self.learned_bytes.load(Ordering::Relaxed) < LITTLE {
            return Ok(());
        }
        let folders = self.folders.all();
        if self.is_part {
            cache.update(&folders)
        } else {
            cache.save(&folders)
        }
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
                self.file(path, &found, open)
                    .map(|file| PathDigest::of_file(&file))
            }
            FileType::Directory => {
                let _listed = begin_reading(path, None);
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

    /// Adds to `evidence` what vouches for the digest that the directory at `path` was last found to have, and
    /// gives the digest; nothing where stats do not vouch for all of it. `path` is absolute, and its digest was asked for
    /// under these rules.
    pub fn vouch_for_tree(
        &self,
        path: &Path,
        rules: &IgnoreRules,
        root: &Path,
        evidence: &mut Evidence,
    ) -> Option<Digest> {
        let tree = self.trees.get(path).filter(|_| self.trusts_stats())?;
        let good = |record: &Record| {
            self.vouches(&record.stat(), record.listed(), record.boot())
                && (0..record.len()).all(|index| {
                    let entry = record.entry(index);
                    !entry.seen.has_digest()
                        || self.vouches(&entry.stat, entry.began, record.boot())
                })
        };
        let all = tree.vouched && tree.rules == rules.id();
        (all && tree.directories.iter().all(|(_, record)| good(record))).then_some(())?;
        for (n, (path, record)) in tree.directories.iter().enumerate() {
            evidence.add_directory(path.strip_prefix(root).unwrap_or(path), record, n > 0);
        }
        Some(tree.digest)
    }

    /// Nothing more is to be read: a digest for which a file would have to be, or is being, read is
    /// [`HashError::Halted`] from now on.
    pub fn halt(&self) {
        self.halt.set();
    }

    /// Whether nothing more is to be read.
    pub fn is_halted(&self) -> bool {
        self.halt.is_set()
    }

    pub(crate) fn halt_flag(&self) -> &Halt {
        &self.halt
    }

    /// How many files had to be read.
    pub fn files_read(&self) -> u64 {
        self.files_read.load(Ordering::Relaxed)
    }

    /// The digest of a file whose stat was just taken; it is opened only if it must be read, or if its stat
    /// counts only once it is open.
    fn file(
        &self,
        path: &Path,
        found: &Stat,
        open: impl FnOnce(&Path) -> Result<File, HashError>,
    ) -> Result<FileDigest, HashError> {
        let opened;
        if self.trusts_stats() && self.local.has(path, found) {
            if let Some(known) = self.known(path, &StatKey::of(found)) {
                return Ok(known);
            }
            opened = open(path)?;
        } else {
            opened = open(path)?;
            let found =
                fstat(&opened).map_err(|errno| HashError::of_path("read", path, errno.into()))?;
            if let Some(known) = self.known(path, &StatKey::of(&found)) {
                return Ok(known);
            }
        }
        let _listed = begin_reading(path, u64::try_from(found.st_size).ok());
        let (read, _) =
            digest_open(&opened, &self.halt).map_err(|unread| unread.at(path.to_owned()))?;
        let worth = !is_racy(&read.stat, read.began);
        self.count(1, worth);
        if worth {
            self.learned_bytes
                .fetch_add(read.total_bytes, Ordering::Relaxed);
        }
        let known = Known {
            file: read,
            boot: self.boot,
            unused: 0,
        };
        self.folders.learn_file(path, known);
        Ok(read)
    }

    fn known(&self, path: &Path, stat: &StatKey) -> Option<FileDigest> {
        let (directory, name) = split(path);
        self.single(directory, name, stat)
            .or_else(|| self.in_record(directory, name, stat))
    }

    /// What is known of a single file with this stat.
    pub(crate) fn single(
        &self,
        directory: &Path,
        name: &[u8],
        stat: &StatKey,
    ) -> Option<FileDigest> {
        self.trusts_stats().then_some(())?;
        self.folders.look(directory, |folder| {
            let Known { file, boot, unused } = folder.files.get_mut(name)?;
            let good = file.stat == *stat && self.vouches(&file.stat, file.began, *boot);
            good.then(|| {
                *unused = 0;
                *file
            })
        })
    }

    /// What is known of a file with this stat because the directory it is in was digested.
    fn in_record(&self, directory: &Path, name: &[u8], stat: &StatKey) -> Option<FileDigest> {
        self.trusts_stats().then_some(())?;
        self.folders.look(directory, |folder| {
            let record = folder.record.as_ref()?;
            let entry = record.entry(record.find(name)?);
            let good = entry.seen.is_file()
                && entry.stat == *stat
                && self.vouches(&entry.stat, entry.began, record.boot());
            good.then(|| {
                folder.unused = 0;
                FileDigest {
                    digest: entry.digest,
                    total_bytes: entry.stat.size,
                    stat: entry.stat,
                    began: entry.began,
                }
            })
        })
    }

    pub(crate) fn trusts_stats(&self) -> bool {
        self.trust == Trust::Stat
    }

    /// Whether an equal stat vouches for what was found when its reading began at that moment, under that start of
    /// the machine.
    pub(crate) fn vouches(&self, stat: &StatKey, began: Moment, boot: Boot) -> bool {
        if boot.is(self.boot) {
            !is_racy(stat, began)
        } else {
            !is_racy_over_boot(stat, began)
        }
    }

    /// The present start of the machine.
    pub(crate) fn boot(&self) -> Boot {
        self.boot
    }

    /// What is known of the directory at `path`, which is open and has this stat.
    pub(crate) fn before(&self, path: &Path, open: &OwnedFd, found: &Stat) -> Before {
        let locality = self.local.of_open(open, found);
        if !self.trusts_stats() {
            return Before {
                record: None,
                singles: false,
                locality,
            };
        }
        let (record, singles) = self.folders.record(path);
        Before {
            record,
            singles,
            locality,
        }
    }

    /// Learns what is in the directory at `path`, for which so many files had to be read. It is worth keeping if that
    /// saves something next time.
    pub(crate) fn learn(&self, path: &Path, record: Record, read: u64, worth: bool) {
        self.count(read, worth);
        if worth {
            self.learned_bytes.fetch_add(LITTLE, Ordering::Relaxed);
        }
        self.folders.learn(path, record, 0);
    }

    /// Learns what a directory was found to be with everything below it.
    pub(crate) fn learn_tree(&self, path: &Path, tree: SeenTree) {
        self.trees.learn(path, tree);
    }

    /// What the directory at this absolute path was last found to be.
    pub(crate) fn seen_tree(&self, path: &Path) -> Option<Arc<SeenTree>> {
        self.trees.get(path)
    }

    /// The same of every directory whose digest was asked for.
    pub(crate) fn seen_trees(&self) -> Vec<(PathBuf, Arc<SeenTree>)> {
        self.trees.all()
    }

    fn count(&self, read: u64, worth: bool) {
        self.files_read.fetch_add(read, Ordering::Relaxed);
        if worth {
            self.learned.store(true, Ordering::Relaxed);
        }
    }
}

/// What was known of a directory before it is looked at.
#[derive(Debug)]
pub(crate) struct Before {
    /// What was seen in it.
    pub(crate) record: Option<Record>,
    /// Whether more is known of single files in it.
    pub(crate) singles: bool,
    /// What stats are worth there.
    pub(crate) locality: Locality,
}

fn absolute(path: &Path) -> Result<PathBuf, HashError> {
    std::path::absolute(path).map_err(|source| HashError::of_path("find", path, source))
}

#[cfg(test)]
impl DigestMemo {
    /// As if everything known so far had been read so many seconds later than it was.
    pub(super) fn read_later(&self, seconds: i64) {
        self.learned.store(true, Ordering::Relaxed);
        self.learned_bytes.store(LITTLE, Ordering::Relaxed);
        self.folders.each(|folder| {
            if let Some(record) = &mut folder.record {
                *record = record.read_later(seconds);
            }
            for known in folder.files.values_mut() {
                known.file.began.seconds += seconds;
            }
        });
    }

    /// As if every directory known had been listed with the stat it has now.
    pub(super) fn restat(&self) {
        for (path, folder) in self.folders.all() {
            let found = rustix::fs::stat(&path);
            if let (Some(record), Ok(found)) = (folder.record, found) {
                let record = record.with(StatKey::of(&found));
                self.folders.learn(&path, record, 0);
            }
        }
    }

    /// As if everything known so far had been read under another start of the machine.
    pub(super) fn read_before_the_machine_started(&self) {
        let earlier = Boot::of(Some("an earlier one"));
        self.folders.each(|folder| {
            if let Some(record) = &mut folder.record {
                *record = record.under(earlier);
            }
            for known in folder.files.values_mut() {
                known.boot = earlier;
            }
        });
    }
}
