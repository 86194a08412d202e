//! Replacing a file: old contents or new ones, whatever fails, and nothing else left.
#![cfg(test)]

mod support;

use std::fs;

use playbook_hash::disk::{
    AppendFile, Durability, faults, remove_half_replaced, replace, write_new,
};
use support::Space;

const BOTH: [Durability; 2] = [Durability::Synced, Durability::Fast];

/// Has each operation fail in turn and looks at what is left.
fn fail_everywhere(prepare: fn() -> Space, name: &str, durability: Durability) -> usize {
    for n in 1.. {
        let space = prepare();
        let (names, old) = (
            space.names(),
            space.path(name).exists().then(|| space.read(name)),
        );
        faults::fail_at(Some(n));
        let result = replace(&space.path(name), b"new contents", durability);
        let tried = faults::count();
        faults::fail_at(None);
        let now = space.path(name).exists().then(|| space.read(name));
        assert!(
            now == old || now.as_deref() == Some("new contents"),
            "operation {n}: {now:?}"
        );
        if now == old {
            assert_eq!(
                space.names(),
                names,
                "operation {n} leaves something behind"
            );
        } else {
            assert!(
                space
                    .names()
                    .iter()
                    .all(|found| !found.starts_with(".playbook-tmp-"))
            );
        }
        if result.is_ok() {
            assert!(tried < n, "operation {n} failed and nobody said so");
            assert_eq!(now.as_deref(), Some("new contents"));
            return tried;
        }
    }
    unreachable!("some operation is the last one")
}

#[test]
fn every_operation_may_fail() {
    let spaces: [fn() -> Space; 3] = [
        || Space::with(&[("f", "old"), ("other", "")]),
        || Space::with(&[("other", "")]),
        || {
            let space = Space::with(&[("real", "old")]);
            space.link("f", "real");
            space
        },
    ];
    for prepare in spaces {
        for durability in BOTH {
            let tried = fail_everywhere(prepare, "f", durability);
            assert!(tried >= 3, "only {tried} operations pass the seam");
        }
    }
}

#[test]
fn a_new_file_is_written_whole_or_not_at_all() {
    for n in 1..=2 {
        let space = Space::new();
        faults::fail_at(Some(n));
        let result = write_new(&space.path("f"), b"x");
        faults::fail_at(None);
        assert!(result.is_err());
        assert_eq!(space.names(), [""; 0]);
    }
    let space = Space::with(&[("f", "old")]);
    assert!(write_new(&space.path("f"), b"x").is_err());
    assert_eq!(space.read("f"), "old");
}

#[test]
fn permissions_stay() {
    for mode in [0o600, 0o640, 0o666, 0o444, 0o755] {
        let space = Space::with(&[("f", "old")]);
        space.chmod("f", mode);
        replace(&space.path("f"), b"new", Durability::Synced).unwrap();
        assert_eq!((space.mode("f"), space.read("f").as_str()), (mode, "new"));
    }
}

#[test]
fn a_new_file_is_as_any_other() {
    let space = Space::with(&[("plain", "")]);
    replace(&space.path("f"), b"new", Durability::Fast).unwrap();
    assert_eq!(space.mode("f"), space.mode("plain"));
}

#[test]
fn links_stay_and_their_target_is_replaced() {
    let space = Space::with(&[("real/f", "old"), ("links/x/", "")]);
    space.link("links/x/f", "../hop");
    space.link("links/hop", "../real/f");
    replace(&space.path("links/x/f"), b"new", Durability::Synced).unwrap();
    assert_eq!(space.read("real/f"), "new");
    assert_eq!(
        fs::read_link(space.path("links/x/f")).unwrap().to_str(),
        Some("../hop")
    );
    space.link("dangling", "real/later");
    replace(&space.path("dangling"), b"made", Durability::Fast).unwrap();
    assert_eq!(space.read("real/later"), "made");
    space.link("loop", "loop");
    let error = replace(&space.path("loop"), b"", Durability::Fast).unwrap_err();
    assert!(error.to_string().contains("loop'"), "{error}");
}

#[test]
fn only_files_are_replaced() {
    let space = Space::with(&[("dir/", "")]);
    space.fifo("pipe");
    for name in ["dir", "pipe", "none/f"] {
        let error = replace(&space.path(name), b"x", Durability::Fast).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(space.names(), ["dir", "pipe"]);
}

#[test]
fn appending() {
    let space = Space::new();
    let path = space.path("log");
    let mut first = AppendFile::open(&path).unwrap();
    let mut second = AppendFile::open(&path).unwrap();
    first.append(b"1\n").unwrap();
    second.append(b"2\n").unwrap();
    first.append(b"3\n").unwrap();
    first.sync().unwrap();
    assert_eq!(space.read("log"), "1\n2\n3\n");
}

#[test]
fn what_a_dead_process_left_goes_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.lock.yaml");
    replace(&path, b"whole", Durability::Fast).unwrap();
    let digest = blake3::hash(b"p.lock.yaml").to_hex();
    let torn = dir
        .path()
        .join(format!(".playbook-tmp-{}-abc123", &digest.as_str()[..16]));
    let another = dir.path().join(".playbook-tmp-0000000000000000-abc123");
    for file in [&torn, &another] {
        std::fs::File::create(file).unwrap();
    }
    remove_half_replaced(&path).unwrap();
    assert!(!torn.exists());
    assert!(
        another.exists(),
        "another playbook may be saving its lock now"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
}

#[test]
fn what_is_half_replaced_may_be_gone_before_it_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shared");
    std::thread::scope(|threads| {
        let replacing = threads.spawn(|| {
            for _ in 0..2000 {
                // It may be removed under its hands.
                replace(&path, b"1", Durability::Fast).ok();
            }
        });
        while !replacing.is_finished() {
            remove_half_replaced(&path).unwrap();
        }
    });
    remove_half_replaced(&path).unwrap();
    assert!(std::fs::read_dir(dir.path()).unwrap().count() <= 1);
}
