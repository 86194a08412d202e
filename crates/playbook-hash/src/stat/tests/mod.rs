//! The stat cache from one process to the next: it saves reading, and whatever is done to files, clock and cache,
//! it changes no answer.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;

use crate::disk::write_new;
use crate::ignore_rules::IgnoreRules;
use crate::stat::{DigestMemo, StatCache, Trust};

mod evidence;
mod files;
mod memo;
mod trees;

/// A root with one file, whose digest is in the cache as that of a file read long after it was written.
struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".playbook")).unwrap();
        Self { dir }
    }

    fn new() -> Self {
        let this = Self::empty();
        this.write("f", "old");
        let memo = this.memo(Trust::Stat);
        this.digest(&memo, "f");
        memo.read_later(10);
        memo.save().unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::remove_file(self.path(name)).ok();
        write_new(&self.path(name), text.as_bytes()).unwrap();
    }

    fn memo(&self, trust: Trust) -> DigestMemo {
        DigestMemo::with_cache(trust, self.cache())
    }

    fn cache(&self) -> StatCache {
        let root = self.dir.path().to_owned();
        StatCache::new(self.path(".playbook/stat-cache"), root)
    }

    fn digest(&self, memo: &DigestMemo, name: &str) -> Digest {
        let rules = IgnoreRules::defaults_only().unwrap();
        memo.digest(&self.path(name), &rules).unwrap().digest
    }

    /// What a new process finds, and how many files it reads for that. The digest must be right.
    fn next(&self) -> u64 {
        let memo = self.memo(Trust::Stat);
        let found = self.digest(&memo, "f");
        let truth = blake3::hash(&fs::read(self.path("f")).unwrap());
        assert_eq!(found, Digest::from_bytes(*truth.as_bytes()));
        memo.files_read()
    }
}

/// How long the cache is now, and how long once another file alone was asked for thirty times.
fn before_and_after_it_is_forgotten(root: &Root) -> (u64, u64) {
    let size = || {
        let cache = fs::metadata(root.path(".playbook/stat-cache"));
        cache.unwrap().len()
    };
    let first = size();
    root.write("g", "1");
    for _ in 0..30 {
        let memo = root.memo(Trust::Stat);
        root.digest(&memo, "g");
        memo.read_later(10);
        memo.save().unwrap();
    }
    (first, size())
}

/// Writes in place, and gives the file back the times it had.
fn edit_in_secret(path: &Path, text: &str) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut file = File::options()
        .write(true)
        .truncate(true)
        .open(path)
        .unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
}
