//! Evidence holds until something it is of changes, and damaged it says no.

use std::ffi::CString;

use std::path::Path;

use crate::disk::write_new;
use crate::stat::boot::Boot;
use crate::stat::evidence::{Evidence, EvidenceItem, TOGETHER, changed};
use crate::stat::key::StatKey;
use crate::stat::racy::Moment;
use crate::stat::seen::{Entries, Entry, Seen};
use crate::tree::EntryKind;

fn stat_of(path: &Path) -> StatKey {
    StatKey::of(&rustix::fs::stat(path).unwrap())
}

/// Whether all of it still is so; bytes that are none say no.
fn still_holds(evidence: &[u8], root: &Path) -> bool {
    EvidenceItem::all(evidence)
        .and_then(|items| changed(&items, root))
        .is_some_and(|changed| changed.is_empty())
}

fn changed_in(evidence: &Evidence, root: &Path) -> Option<Vec<usize>> {
    changed(&EvidenceItem::all(evidence.as_bytes()).unwrap(), root)
}

#[test]
fn it_says_which_paths_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut evidence = Evidence::default();
    for n in 0..1600 {
        let name = format!("f{n}");
        write_new(&dir.path().join(&name), b"1").unwrap();
        match n {
            77 => evidence.add_unknown(Path::new(&name)),
            _ => evidence.add(Path::new(&name), &stat_of(&dir.path().join(&name))),
        }
    }
    let absolute = dir.path().join("f0");
    evidence.add(&absolute, &stat_of(&absolute));
    assert_eq!(changed_in(&evidence, dir.path()), Some(vec![77]));
    let elsewhere = changed_in(&evidence, Path::new("/")).unwrap();
    assert_eq!(elsewhere, (0..1600).collect::<Vec<_>>());
    assert_eq!(changed_in(&evidence, &dir.path().join("none")), None);
    crate::disk::remove_file(&dir.path().join("f599")).unwrap();
    assert_eq!(changed_in(&evidence, dir.path()), Some(vec![77, 599]));
    for n in [599, 3] {
        let path = dir.path().join(format!("f{n}"));
        crate::disk::remove_file(&path).ok();
        write_new(&path, b"1").unwrap();
    }
    assert_eq!(changed_in(&evidence, dir.path()), Some(vec![3, 77, 599]));
}

#[test]
fn what_is_copied_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    write_new(&dir.path().join("f"), b"1").unwrap();
    let mut evidence = directory(dir.path());
    evidence.add(Path::new("f"), &stat_of(&dir.path().join("f")));
    evidence.add_unknown(Path::new("g"));
    evidence.add_absence(Path::new("h"));
    let items = EvidenceItem::all(evidence.as_bytes()).unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[2].path(), Path::new("g"));
    let mut copy = Evidence::default();
    for item in &items {
        copy.add_as_it_was(item);
    }
    assert_eq!(copy, evidence);
}

#[test]
fn damaged_bytes_say_no() {
    let dir = tempfile::tempdir().unwrap();
    write_new(&dir.path().join("f"), b"1").unwrap();
    let mut evidence = Evidence::default();
    evidence.add(Path::new("f"), &stat_of(&dir.path().join("f")));
    let bytes = evidence.as_bytes();
    assert!(still_holds(bytes, dir.path()));
    for cut in 1..bytes.len() {
        assert!(!still_holds(&bytes[..cut], dir.path()), "cut at {cut}");
    }
}

#[test]
fn absence_holds_until_something_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut evidence = Evidence::default();
    evidence.add_absence(Path::new("none"));
    assert!(still_holds(evidence.as_bytes(), dir.path()));
    std::os::unix::fs::symlink("nowhere", dir.path().join("none")).unwrap();
    assert!(!still_holds(evidence.as_bytes(), dir.path()));
}

/// A directory with more names than are digested together, one of which does not count.
fn directory(dir: &Path) -> Evidence {
    let mut entries = Entries::default();
    for n in 0..TOGETHER + 44 {
        let name = format!("{n:04}");
        write_new(&dir.join(&name), b"1").unwrap();
        let seen = match n {
            7 => Seen::Ignored { is_dir: false },
            _ => Seen::Counted(EntryKind::File),
        };
        let entry = Entry {
            stat: stat_of(&dir.join(&name)),
            ..Entry::bare(seen)
        };
        entries.push(&CString::new(name).unwrap(), &entry);
    }
    let record = entries.into_record(stat_of(dir), Moment::now(), Boot::now());
    let mut evidence = Evidence::default();
    evidence.add_directory(Path::new(""), &record, false);
    evidence.add_directory(dir, &record, true);
    evidence
}

#[test]
fn of_a_directory_it_holds_until_one_of_its_files_changes() {
    for (changed, holds) in [
        (0, false),
        (7, true),
        (255, false),
        (256, false),
        (299, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let evidence = directory(dir.path());
        assert!(still_holds(evidence.as_bytes(), dir.path()));
        let file = dir.path().join(format!("{changed:04}"));
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_len(5).unwrap();
        assert_eq!(
            still_holds(evidence.as_bytes(), dir.path()),
            holds,
            "{changed}"
        );
    }
}

#[test]
fn of_a_directory_it_holds_until_its_names_change() {
    let dir = tempfile::tempdir().unwrap();
    let evidence = directory(dir.path());
    write_new(&dir.path().join("new"), b"").unwrap();
    assert!(!still_holds(evidence.as_bytes(), dir.path()));
}

#[test]
fn damaged_bytes_about_a_directory_say_no() {
    let dir = tempfile::tempdir().unwrap();
    let evidence = directory(dir.path());
    let bytes = evidence.as_bytes();
    for at in (0..bytes.len()).step_by(3) {
        // Between the two directories it is whole.
        let whole = at * 2 == bytes.len() - dir.path().as_os_str().len();
        assert!(
            at == 0 || whole || !still_holds(&bytes[..at], dir.path()),
            "cut at {at}"
        );
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        assert!(!still_holds(&flipped, dir.path()), "flipped at {at}");
    }
}
