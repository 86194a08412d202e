//! Directories: what was seen of them before is never taken for what they are now.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use playbook_types::digest::Digest;

use super::{Root, before_and_after_it_is_forgotten, edit_in_secret};
use crate::data::PathDigest;
use crate::disk::{rename, write_new};
use crate::ignore_rules::IgnoreRules;
use crate::stat::{DigestMemo, StatKey, Trust};
use crate::tree::{Listings, digest_tree};

/// Files that count in [`tree`].
const FILES: u64 = 5;

/// A root with a directory `d`, which is in the cache as one read long after it was written.
fn tree() -> Root {
    let root = Root::empty();
    for directory in ["d", "d/a", "d/b", "d/b/c", "d/empty", "d/__pycache__"] {
        fs::create_dir(root.path(directory)).unwrap();
    }
    for name in ["d/1", "d/2", "d/a/1", "d/b/1", "d/b/c/1", "d/__pycache__/x"] {
        root.write(name, "old");
    }
    symlink("1", root.path("d/link")).unwrap();
    let memo = root.memo(Trust::Stat);
    look(&root, &memo);
    assert_eq!(memo.files_read(), FILES);
    memo.read_later(10);
    memo.save().unwrap();
    root
}

fn rules(root: &Root) -> IgnoreRules {
    IgnoreRules::load(root.dir.path()).unwrap()
}

fn look(root: &Root, memo: &DigestMemo) -> PathDigest {
    let found = memo.digest_listed(&root.path("d"), &rules(root), Listings::Make);
    found.unwrap()
}

/// What it is, read without anything known.
fn truth(root: &Root) -> Digest {
    let tree = digest_tree(&root.path("d"), &rules(root), Listings::Make).unwrap();
    let read = look(root, &DigestMemo::new(Trust::ReadEverything));
    assert_eq!(
        (
            read.digest,
            read.file_count,
            read.total_bytes,
            read.ignored,
            read.listing
        ),
        (
            tree.digest,
            tree.file_count,
            tree.total_bytes,
            tree.ignored,
            tree.listing
        )
    );
    tree.digest
}

/// What a new process finds, and how many files it reads for that. It must be right, and so must what that process
/// finds when it looks again, and what the one after it finds.
fn next(root: &Root) -> u64 {
    let truth = truth(root);
    let memo = root.memo(Trust::Stat);
    let found = look(root, &memo);
    assert_eq!(found.digest, truth);
    let read = memo.files_read();
    assert_eq!(look(root, &memo), found);
    memo.read_later(10);
    memo.save().unwrap();
    let memo = root.memo(Trust::Stat);
    assert_eq!(look(root, &memo), found);
    assert_eq!(memo.files_read(), 0, "everything was learned");
    read
}

fn chmod(root: &Root, name: &str, mode: u32) {
    fs::set_permissions(root.path(name), Permissions::from_mode(mode)).unwrap();
}

fn swap(root: &Root, one: &str, other: &str) {
    for (from, to) in [(one, "aside"), (other, one), ("aside", other)] {
        rename(&root.path(from), &root.path(to)).unwrap();
    }
}

/// Gives a file or directory another's mtime.
fn set_mtime(path: &Path, like: &fs::Metadata) {
    let times = FileTimes::new().set_modified(like.modified().unwrap());
    File::open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn the_next_process_reads_nothing() {
    let root = tree();
    assert_eq!(next(&root), 0);
}

/// What is done, how, how many files are read then, and whether that makes another directory.
type Change = (&'static str, fn(&Root), u64, bool);

#[rustfmt::skip]
const CHANGES: [Change; 21] = [
    ("edited, size and mtime restored", |it| edit_in_secret(&it.path("d/a/1"), "new"), 1, true),
    ("another renamed over it, size and mtime the same", |it| {
        let old = fs::metadata(it.path("d/a/1")).unwrap();
        it.write("other", "new");
        set_mtime(&it.path("other"), &old);
        rename(&it.path("other"), &it.path("d/a/1")).unwrap();
    }, 1, true),
    ("the same, and the directory's mtime restored", |it| {
        let old = fs::metadata(it.path("d/a/1")).unwrap();
        let directory = fs::metadata(it.path("d/a")).unwrap();
        it.write("other", "new");
        set_mtime(&it.path("other"), &old);
        rename(&it.path("other"), &it.path("d/a/1")).unwrap();
        set_mtime(&it.path("d/a"), &directory);
    }, 1, true),
    ("added, and the directory's mtime restored", |it| {
        let directory = fs::metadata(it.path("d/b/c")).unwrap();
        it.write("d/b/c/2", "new");
        set_mtime(&it.path("d/b/c"), &directory);
    }, 1, true),
    ("added in an empty directory", |it| it.write("d/empty/1", "new"), 1, true),
    ("removed", |it| fs::remove_file(it.path("d/2")).unwrap(), 0, true),
    // A rename sets the ctime of what is renamed.
    ("renamed", |it| rename(&it.path("d/2"), &it.path("d/3")).unwrap(), 1, true),
    ("two files swapped that are the same", |it| swap(it, "d/1", "d/2"), 2, false),
    ("two directories swapped that are the same", |it| {
        rename(&it.path("d/b/c"), &it.path("d/c")).unwrap();
        rename(&it.path("d/c"), &it.path("d/b/c")).unwrap();
    }, 0, false),
    ("two directories swapped", |it| swap(it, "d/a", "d/b"), 3, true),
    ("a directory from elsewhere in its place", |it| {
        fs::create_dir(it.path("other")).unwrap();
        it.write("other/1", "new");
        swap(it, "d/a", "other");
    }, 1, true),
    ("a link in a directory's place", |it| {
        rename(&it.path("d/a"), &it.path("other-a")).unwrap();
        symlink("../other-a", it.path("d/a")).unwrap();
    }, 0, true),
    ("a directory in a file's place", |it| {
        fs::remove_file(it.path("d/2")).unwrap();
        fs::create_dir(it.path("d/2")).unwrap();
    }, 0, true),
    ("a link in a file's place", |it| {
        fs::remove_file(it.path("d/2")).unwrap();
        symlink("1", it.path("d/2")).unwrap();
    }, 0, true),
    ("a file in a link's place", |it| {
        fs::remove_file(it.path("d/link")).unwrap();
        it.write("d/link", "1");
    }, 1, true),
    ("a link that leads elsewhere", |it| {
        fs::remove_file(it.path("d/link")).unwrap();
        symlink("2", it.path("d/link")).unwrap();
    }, 0, true),
    ("executable", |it| chmod(it, "d/1", 0o755), 1, true),
    ("executable for others only", |it| chmod(it, "d/1", 0o655), 1, false),
    ("what is ignored edited", |it| it.write("d/__pycache__/x", "new"), 0, false),
    ("what is ignored added", |it| it.write("d/a/x.pyc", "new"), 0, false),
    ("what is ignored replaced by what is not", |it| {
        fs::remove_dir_all(it.path("d/__pycache__")).unwrap();
        it.write("d/__pycache__", "new");
    }, 1, true),
];

#[test]
fn every_change_is_seen_and_nothing_else_is_read() {
    for (what, change, read, differs) in CHANGES {
        println!("{what}");
        let root = tree();
        let before = truth(&root);
        change(&root);
        assert_eq!(truth(&root) != before, differs);
        assert_eq!(next(&root), read);
    }
}

#[test]
fn within_one_process_changes_are_seen_as_well() {
    for (what, change, _, _) in CHANGES {
        println!("{what}");
        let root = tree();
        let memo = root.memo(Trust::Stat);
        look(&root, &memo);
        change(&root);
        assert_eq!(look(&root, &memo).digest, truth(&root));
    }
}

#[test]
fn other_rules_are_another_directory() {
    let root = tree();
    let mut found = vec![truth(&root)];
    for (text, read) in [
        ("2\n", 0),
        ("!__pycache__/\n", 2),
        ("/d/b/c\n", 0),
        ("link\na/\n", 0),
    ] {
        root.write(".playbookignore", text);
        assert_eq!(next(&root), read, "{text}");
        found.push(truth(&root));
        assert!(!found[..found.len() - 1].contains(&truth(&root)), "{text}");
    }
    fs::remove_file(root.path(".playbookignore")).unwrap();
    next(&root);
    assert_eq!(truth(&root), found[0]);
}

/// A directory that was listed, and then changed within one tick of the clock, has one stat and two sets of names.
#[test]
fn names_are_taken_from_a_stat_only_if_it_is_old_enough() {
    for (later, boot, taken) in [
        (0, true, false),
        (1, true, false),
        (10, true, true),
        (10, false, false),
        (100, false, false),
        (130, false, true),
    ] {
        let root = tree();
        let memo = root.memo(Trust::Stat);
        memo.read_later(later - 10);
        if !boot {
            memo.read_before_the_machine_started();
        }
        root.write("d/empty/new", "new");
        // As if that had not shown.
        memo.restat();
        memo.save().unwrap();
        let memo = root.memo(Trust::Stat);
        let found = look(&root, &memo).digest;
        assert_eq!(found != truth(&root), taken, "{later} s, boot {boot}");
    }
}

#[test]
fn under_another_start_of_the_machine_only_what_is_old_counts() {
    for (seconds, read) in [(100, FILES), (130, 0)] {
        let root = tree();
        let memo = root.memo(Trust::Stat);
        memo.read_later(seconds - 10);
        memo.read_before_the_machine_started();
        memo.save().unwrap();
        assert_eq!(next(&root), read, "{seconds} s");
    }
}

#[test]
fn what_was_read_as_soon_as_it_was_written_is_read_again() {
    let root = tree();
    root.write("d/a/1", "new");
    for _ in 0..3 {
        let memo = root.memo(Trust::Stat);
        look(&root, &memo);
        assert_eq!(memo.files_read(), 1);
        look(&root, &memo);
        assert_eq!(memo.files_read(), 2);
        memo.save().unwrap();
    }
    assert_eq!(next(&root), 1);
}

#[test]
fn a_clock_set_back_trusts_nothing() {
    let root = tree();
    let memo = root.memo(Trust::Stat);
    memo.read_later(-3600);
    assert_eq!(look(&root, &memo), look(&root, &memo));
    assert_eq!(memo.files_read(), 2 * FILES);
}

#[test]
fn trusting_nothing_reads_and_teaches() {
    let root = tree();
    fs::remove_file(root.path(".playbook/stat-cache")).unwrap();
    let memo = root.memo(Trust::ReadEverything);
    look(&root, &memo);
    look(&root, &memo);
    assert_eq!(memo.files_read(), 2 * FILES);
    memo.read_later(10);
    memo.save().unwrap();
    assert_eq!(next(&root), 0);
}

#[test]
fn what_is_known_of_a_file_is_known_of_its_directory_and_the_other_way_round() {
    let root = tree();
    let memo = root.memo(Trust::Stat);
    root.digest(&memo, "d/b/1");
    assert_eq!(memo.files_read(), 0);
    fs::remove_file(root.path(".playbook/stat-cache")).unwrap();
    let memo = root.memo(Trust::Stat);
    root.digest(&memo, "d/b/1");
    root.digest(&memo, "d/link");
    memo.read_later(10);
    look(&root, &memo);
    assert_eq!(
        memo.files_read(),
        1 + FILES,
        "d/1 is known by the name of a link to it"
    );
    memo.read_later(10);
    memo.save().unwrap();
    assert_eq!(next(&root), 0);
}

#[test]
fn a_damaged_cache_costs_reading_only() {
    let root = tree();
    let path = root.path(".playbook/stat-cache");
    let whole = fs::read(&path).unwrap();
    let truth = truth(&root);
    let finds = |bytes: &[u8]| {
        fs::remove_file(&path).unwrap();
        write_new(&path, bytes).unwrap();
        let memo = root.memo(Trust::Stat);
        assert_eq!(look(&root, &memo).digest, truth);
        memo.files_read()
    };
    assert_eq!(finds(&whole), 0);
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        assert_eq!(finds(&flipped), FILES, "flipped at {at}");
        assert_eq!(finds(&whole[..at]), FILES, "cut at {at}");
    }
}

/// Byte for byte what the version before wrote about a file `f`.
#[test]
fn a_cache_of_another_version_is_left_alone_and_then_replaced() {
    let root = tree();
    let path = root.path(".playbook/stat-cache");
    let body = [&1_u32.to_le_bytes()[..], b"f", &[7; 32 + 16 + 36 + 8 + 1]].concat();
    let checksum = blake3::hash(&body);
    let old = [b"playbook stat 1\n", &checksum.as_bytes()[..8], &body].concat();
    fs::remove_file(&path).unwrap();
    write_new(&path, &old).unwrap();
    let memo = root.memo(Trust::Stat);
    look(&root, &memo);
    assert_eq!(memo.files_read(), FILES);
    memo.save().unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        old,
        "nothing worth keeping was learned"
    );
    assert_eq!(next(&root), FILES);
    assert!(fs::read(&path).unwrap().starts_with(b"playbook stat 2\n"));
}

#[test]
fn a_copied_workspace_is_read_anew() {
    let root = tree();
    let copy = tree();
    for name in ["d/1", "d/2", "d/a/1", "d/b/1", "d/b/c/1"] {
        edit_in_secret(&copy.path(name), "new");
    }
    fs::copy(
        root.path(".playbook/stat-cache"),
        copy.path(".playbook/stat-cache"),
    )
    .unwrap();
    assert_eq!(next(&copy), FILES);
    assert_eq!(next(&root), 0);
}

#[test]
fn what_nobody_asks_for_is_forgotten_in_the_end() {
    let root = tree();
    let (before, after) = before_and_after_it_is_forgotten(&root);
    assert!(after < before, "one file instead of a tree");
    assert_eq!(next(&root), FILES);
}

#[test]
fn two_that_write_at_once_leave_a_whole_cache() {
    let root = tree();
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..20 {
                    let memo = root.memo(Trust::Stat);
                    look(&root, &memo);
                    memo.read_later(0);
                    memo.save().unwrap();
                }
            });
        }
    });
    assert_eq!(next(&root), 0);
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let root = tree();
    let inode = || StatKey::of(&rustix::fs::stat(root.path(".playbook/stat-cache")).unwrap());
    let before = inode();
    let memo = root.memo(Trust::Stat);
    look(&root, &memo);
    memo.save().unwrap();
    assert_eq!(inode(), before);
}

/// More than one batch, more than one thread, and one that differs.
#[test]
fn one_among_many_is_found() {
    let root = tree();
    for n in 0..1_000 {
        root.write(&format!("d/a/{n:03}"), "old");
    }
    assert_eq!(next(&root), 1_000);
    assert_eq!(next(&root), 0);
    for name in ["d/a/000", "d/a/063", "d/a/064", "d/a/999"] {
        edit_in_secret(&root.path(name), "new");
        assert_eq!(next(&root), 1, "{name}");
    }
}
