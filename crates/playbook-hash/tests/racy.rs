//! A file whose stat was made to look as before is still seen to have changed. Nobody waits: times are set.
#![cfg(test)]

mod support;

use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use playbook_hash::{DigestMemo, IgnoreRules, Trust, digest_file, is_racy};
use playbook_types::digest::Digest;
use support::Space;

fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

/// Writes in place and sets the mtime back.
fn write_back_then(space: &Space, name: &str, contents: &str) {
    space.write(name, contents);
    let file = File::options().write(true).open(space.path(name)).unwrap();
    file.set_times(FileTimes::new().set_modified(long_ago()))
        .unwrap();
}

#[test]
fn same_size_and_mtime_restored() {
    for trust in [Trust::Stat, Trust::ReadEverything] {
        let space = Space::new();
        let memo = DigestMemo::new(trust);
        let rules = IgnoreRules::defaults_only().unwrap();
        let mut seen: Vec<Digest> = Vec::new();
        for contents in ["a", "b", "c", "d"] {
            write_back_then(&space, "f", contents);
            let meta = space.path("f").metadata().unwrap();
            assert_eq!((meta.size(), meta.mtime()), (1, 1_000_000_000));
            let digest = memo.digest(space.top(), &rules).unwrap().digest;
            assert!(!seen.contains(&digest), "{contents}");
            seen.push(digest);
        }
    }
}

#[test]
fn an_old_mtime_does_not_hide_a_young_ctime() {
    let space = Space::new();
    write_back_then(&space, "f", "a");
    let found = digest_file(&space.path("f")).unwrap();
    assert!(found.stat.mtime < found.began);
    assert!(is_racy(&found.stat, found.began));
}

#[test]
fn another_file_of_the_same_size_under_the_same_name() {
    let space = Space::new();
    write_back_then(&space, "f", "a");
    write_back_then(&space, "g", "b");
    let memo = DigestMemo::new(Trust::Stat);
    let digest = || {
        memo.digest(&space.path("f"), &IgnoreRules::defaults_only().unwrap())
            .unwrap()
            .digest
    };
    let before = digest();
    playbook_hash::disk::rename(&space.path("g"), &space.path("f")).unwrap();
    assert_ne!(digest(), before);
}
