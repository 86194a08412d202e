//! What a memo reads again, and what it does not.

use std::fs::File;
use std::path::Path;

use crate::data::PathDigest;
use crate::disk::write_new;
use crate::ignore_rules::IgnoreRules;
use crate::stat::{DigestMemo, Trust};

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
