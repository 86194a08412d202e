//! Files asked for by name.

use std::fs::{self, File, FileTimes};

use super::{Root, before_and_after_it_is_forgotten, edit_in_secret};
use crate::disk::{rename, write_new};
use crate::stat::{DigestMemo, Trust};

#[test]
fn the_next_process_reads_nothing() {
    let root = Root::new();
    assert_eq!(root.next(), 0);
}

#[test]
fn an_edit_is_seen_even_with_size_and_mtime_restored() {
    let root = Root::new();
    edit_in_secret(&root.path("f"), "new");
    assert_eq!(root.next(), 1);
}

#[test]
fn another_file_renamed_over_it_is_seen() {
    let root = Root::new();
    root.write("g", "new");
    let modified = fs::metadata(root.path("f")).unwrap().modified().unwrap();
    let file = File::options().write(true).open(root.path("g")).unwrap();
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
    rename(&root.path("g"), &root.path("f")).unwrap();
    assert_eq!(root.next(), 1);
}

#[test]
fn what_was_read_as_soon_as_it_was_written_is_read_again() {
    let root = Root::new();
    root.write("f", "new");
    for _ in 0..3 {
        let memo = root.memo(Trust::Stat);
        root.digest(&memo, "f");
        memo.save().unwrap();
    }
    // It could have been written once more within the same tick.
    assert_eq!(root.next(), 1);
}

#[test]
fn an_entry_keeps_the_moment_of_its_own_reading() {
    let root = Root::new();
    root.write("f", "new");
    let memo = root.memo(Trust::Stat);
    root.digest(&memo, "f");
    memo.read_later(1);
    memo.save().unwrap();
    // A later process that learns something else rewrites the cache.
    root.write("g", "1");
    let memo = root.memo(Trust::Stat);
    root.digest(&memo, "g");
    memo.read_later(0);
    memo.save().unwrap();
    assert_eq!(root.next(), 1, "a second is not two");
}

#[test]
fn a_clock_set_back_trusts_nothing() {
    let root = Root::new();
    let memo = root.memo(Trust::Stat);
    memo.read_later(-3600);
    assert_eq!(root.digest(&memo, "f"), root.digest(&memo, "f"));
    assert_eq!(memo.files_read(), 2);
}

#[test]
fn under_another_start_of_the_machine_only_what_is_old_counts() {
    for (seconds, read) in [(100, 1), (130, 0)] {
        let root = Root::new();
        let memo = root.memo(Trust::Stat);
        memo.read_later(seconds - 10);
        memo.read_before_the_machine_started();
        memo.save().unwrap();
        assert_eq!(root.next(), read, "{seconds} s");
    }
}

#[test]
fn a_copied_workspace_is_read_anew() {
    let root = Root::new();
    let copy = Root::new();
    fs::copy(
        root.path(".playbook/stat-cache"),
        copy.path(".playbook/stat-cache"),
    )
    .unwrap();
    edit_in_secret(&copy.path("f"), "new");
    assert_eq!(copy.next(), 1);
    assert_eq!(root.next(), 0);
}

#[test]
fn a_damaged_cache_costs_reading_only() {
    let root = Root::new();
    let whole = fs::read(root.path(".playbook/stat-cache")).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"", b"junk", &[0; 4096]] {
        fs::remove_file(root.path(".playbook/stat-cache")).unwrap();
        write_new(&root.path(".playbook/stat-cache"), bytes).unwrap();
        assert_eq!(root.next(), 1);
    }
    fs::remove_file(root.path(".playbook/stat-cache")).unwrap();
    assert_eq!(root.next(), 1);
}

#[test]
fn trusting_nothing_reads_and_teaches() {
    let root = Root::new();
    fs::remove_file(root.path(".playbook/stat-cache")).unwrap();
    let memo = root.memo(Trust::ReadEverything);
    root.digest(&memo, "f");
    root.digest(&memo, "f");
    assert_eq!(memo.files_read(), 2);
    memo.read_later(10);
    memo.save().unwrap();
    assert_eq!(root.next(), 0);
}

#[test]
fn where_nothing_was_ever_run_nothing_is_made() {
    let root = Root::new();
    fs::remove_dir_all(root.path(".playbook")).unwrap();
    let memo = root.memo(Trust::Stat);
    root.digest(&memo, "f");
    memo.read_later(10);
    memo.save().unwrap();
    assert!(!root.path(".playbook").exists());
}

#[test]
fn what_nobody_asks_for_is_forgotten_in_the_end() {
    let root = Root::new();
    let (before, after) = before_and_after_it_is_forgotten(&root);
    assert_eq!(after, before, "one entry of the same length");
    assert_eq!(root.next(), 1);
}

#[test]
fn two_that_write_at_once_leave_a_whole_cache() {
    let root = Root::new();
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..20 {
                    let memo = root.memo(Trust::Stat);
                    root.digest(&memo, "f");
                    memo.read_later(0);
                    memo.save().unwrap();
                }
            });
        }
    });
    assert_eq!(root.next(), 0);
}

#[test]
fn who_asks_for_a_few_paths_reads_no_more_and_loses_nothing() {
    let root = Root::empty();
    for name in ["f", "g", "d/x", "d/e/y", "d-/z"] {
        let path = root.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        root.write(name, "1");
    }
    let names = ["f", "g", "d", "d-/z"];
    let first = root.memo(Trust::Stat);
    for name in names {
        root.digest(&first, name);
    }
    first.read_later(10);
    first.save().unwrap();

    edit_in_secret(&root.path("f"), &"2".repeat(2 << 20));
    let asked = [root.path("f"), root.path("d")];
    let few = DigestMemo::with_cache_of(Trust::Stat, root.cache(), &asked);
    root.digest(&few, "d");
    assert_eq!(
        few.files_read(),
        0,
        "a directory with all that is in it is known"
    );
    root.digest(&few, "f");
    assert_eq!(few.files_read(), 1);
    root.digest(&few, "d-/z");
    assert_eq!(few.files_read(), 2, "it was not asked for");
    few.read_later(10);
    few.save().unwrap();

    let last = root.memo(Trust::Stat);
    for name in names {
        root.digest(&last, name);
    }
    assert_eq!(last.files_read(), 0);
}
