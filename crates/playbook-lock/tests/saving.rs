//! Saving a lock: whatever operation fails, the former lock is there, whole, and nothing else is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;

use playbook_hash::disk::faults;
use playbook_lock::{LockError, load_lock_file, parse_lock, render_lock, save_lock_file};
use playbook_types::record::lock::LockFile;

fn lock(name: &str) -> LockFile {
    let text = format!(
        "schema: '1.0'\nplaybook: {name}\nstages: {{a: {{status: completed, deps: [], outs: []}}}}\n"
    );
    parse_lock(&text, Path::new("x.lock.yaml")).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_nth_operation_fails_for_every_n() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.lock.yaml");
    save_lock_file(&path, &lock("old")).unwrap();
    faults::fail_at(None);
    save_lock_file(&path, &lock("old")).unwrap();
    let operations = faults::count();
    assert!(operations >= 4, "write, sync, rename, sync the directory");
    for n in 1..=operations {
        faults::fail_at(None);
        save_lock_file(&path, &lock("old")).unwrap();
        faults::fail_at(Some(n));
        let error = save_lock_file(&path, &lock("new")).unwrap_err();
        faults::fail_at(None);
        assert!(matches!(error, LockError::Disk(_)), "{error}");
        let found = load_lock_file(&path).unwrap().unwrap().playbook;
        // Only the sync of the directory comes after the rename.
        assert_eq!(
            found,
            if n == operations { "new" } else { "old" },
            "operation {n}"
        );
        assert_eq!(
            names(directory.path()),
            ["x.lock.yaml"],
            "operation {n} leaves something behind"
        );
    }
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.lock.yaml");
    assert_eq!(load_lock_file(&path).unwrap(), None);
    save_lock_file(&path, &lock("odd")).unwrap();
    let again = load_lock_file(&path).unwrap().unwrap();
    assert_eq!(
        render_lock(&again).unwrap(),
        std::fs::read_to_string(&path).unwrap()
    );
}

#[test]
fn a_link_that_leads_nowhere_is_not_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.lock.yaml");
    std::os::unix::fs::symlink("gone", &path).unwrap();
    assert!(matches!(
        load_lock_file(&path),
        Err(LockError::Unreadable { .. })
    ));
}
