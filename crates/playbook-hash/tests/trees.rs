//! What makes two trees differ, what does not, and what has no digest.
#![cfg(test)]

mod support;

use std::fs;
use std::path::Path;

use playbook_hash::{
    DigestMemo, HashError, IgnoreRules, ListingDiff, Listings, SpecialKind, Trust, digest_command,
    digest_file, digest_tree,
};
use playbook_types::digest::Digest;
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use support::{Space, permissions_count, raw};

fn all_differ(digests: &[Digest]) {
    for (i, digest) in digests.iter().enumerate() {
        assert!(
            !digests[..i].contains(digest),
            "number {i} is like one before it"
        );
    }
}

#[test]
fn names_and_contents_do_not_run_together() {
    let trees: [&[(&str, &str)]; 6] = [
        &[("a", "bc")],
        &[("ab", "c")],
        &[("a", "b"), ("c", "d")],
        &[("a", "bcd")],
        &[("a/b", "c")],
        &[],
    ];
    let mut digests: Vec<Digest> = trees
        .iter()
        .map(|files| Space::with(files).digest())
        .collect();
    digests.push(digest_command("abc"));
    digests.push(digest_command(""));
    all_differ(&digests);
}

#[test]
fn kinds_differ() {
    let make: [fn(&Space); 6] = [
        |space| space.write("x", "y"),
        |space| {
            space.write("x", "y");
            space.chmod("x", 0o755);
        },
        |space| space.link("x", "y"),
        |space| space.link("x", "z"),
        |space| fs::create_dir(space.path("x")).unwrap(),
        |space| space.write("x/y", ""),
    ];
    let digest = |make: &fn(&Space)| {
        let space = Space::new();
        make(&space);
        space.digest()
    };
    all_differ(&make.iter().map(digest).collect::<Vec<_>>());
}

#[test]
fn what_does_not_count() {
    let space = Space::with(&[("a", "1"), ("b/c", "2"), ("b/d", "3")]);
    let before = space.digest();
    let turned = Space::with(&[("b/d", "3"), ("b/c", "2"), ("a", "1")]);
    assert_eq!(turned.digest(), before);
    space.chmod("a", 0o600);
    space.chmod("b", 0o700);
    space.chmod("b/c", 0o655);
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options()
        .write(true)
        .open(space.path("a"))
        .unwrap()
        .set_times(old)
        .unwrap();
    assert_eq!(space.digest(), before);
    for ignored in [
        ".git/x",
        "b/.playbook-tmp-1",
        "b/__pycache__/x",
        "x.pyc",
        ".playbook/x",
    ] {
        space.write(ignored, "");
    }
    assert_eq!(space.digest(), before);
}

#[test]
fn counts() {
    let space = Space::with(&[("a", "12"), ("b/c", "345"), ("b/e/", "")]);
    space.link("l", "a");
    let tree = space.tree().unwrap();
    assert_eq!((tree.file_count, tree.total_bytes), (2, 5));
}

#[test]
fn odd_names() {
    let names: [&[u8]; 6] = [b"\xff\xfe", b"a\nb", b"-rf", b" ", b"\x01", "é".as_bytes()];
    let digest = |name: &&[u8]| {
        let space = Space::new();
        space.write(raw(name), "");
        let tree = space.tree().unwrap();
        assert_eq!(
            tree.listing.unwrap().entries()[0].path,
            Path::new(raw(name))
        );
        tree.digest
    };
    all_differ(&names.iter().map(digest).collect::<Vec<_>>());
}

#[test]
fn links_inside_are_not_followed() {
    let space = Space::with(&[("data/x", "1"), ("elsewhere", "2")]);
    for (name, target) in [
        ("data/out", "../elsewhere"),
        ("data/nowhere", "gone"),
        ("data/self", "self"),
        ("data/up", ".."),
    ] {
        space.link(name, target);
    }
    let data = space.path("data");
    let digest = || {
        digest_tree(
            &data,
            &IgnoreRules::defaults_only().unwrap(),
            Listings::Skip,
        )
        .unwrap()
        .digest
    };
    let before = digest();
    space.write("elsewhere", "3");
    assert_eq!(digest(), before);
}

#[test]
fn a_link_named_directly_is_followed() {
    let space = Space::with(&[("data/x", "1"), ("file", "2")]);
    space.link("to-data", "data");
    space.link("to-file", "file");
    let memo = DigestMemo::new(Trust::Stat);
    let digest = |name: &str| {
        memo.digest(&space.path(name), &IgnoreRules::load(space.top()).unwrap())
            .unwrap()
    };
    assert_eq!(digest("to-data"), digest("data"));
    assert_eq!(digest("to-file"), digest("file"));
    assert_eq!(digest("file").file_count, 1);
}

#[test]
fn special_files_are_named_at_once() {
    let space = Space::with(&[("a/b/ok", "")]);
    space.fifo("a/b/pipe");
    let error = space.tree().unwrap_err();
    assert!(
        matches!(&error, HashError::Special { path, kind: SpecialKind::Fifo } if *path == space.path("a/b/pipe"))
    );
    assert!(error.to_string().ends_with(
        "a/b/pipe' is a fifo; only files, directories and symbolic links have a digest"
    ));
    let direct = digest_file(&space.path("a/b/pipe"));
    assert!(matches!(direct, Err(HashError::Special { .. })));
    let device = DigestMemo::new(Trust::Stat).digest(
        Path::new("/dev/null"),
        &IgnoreRules::defaults_only().unwrap(),
    );
    assert!(matches!(
        device,
        Err(HashError::Special {
            kind: SpecialKind::Device,
            ..
        })
    ));
    let _socket = std::os::unix::net::UnixListener::bind(space.path("sock")).unwrap();
    assert!(matches!(
        digest_file(&space.path("sock")),
        Err(HashError::Special {
            kind: SpecialKind::Socket,
            ..
        })
    ));
}

#[test]
fn what_is_not_there() {
    let space = Space::with(&[("file", ""), ("dir/", "")]);
    space.link("dangling", "gone/away");
    space.link("loop", "loop");
    let memo = DigestMemo::new(Trust::Stat);
    let error = |name: &str| {
        memo.digest(&space.path(name), &IgnoreRules::load(space.top()).unwrap())
            .unwrap_err()
    };
    assert!(matches!(error("none"), HashError::NotFound { path } if path == space.path("none")));
    assert!(error("none/below").is_not_found());
    assert!(error("file/below").is_not_found());
    assert!(
        matches!(error("dangling"), HashError::DanglingLink { target, .. } if target == Path::new("gone/away"))
    );
    assert!(error("dangling").is_not_found());
    assert!(matches!(error("loop"), HashError::LinkLoop { .. }));
    assert!(!error("loop").is_not_found());
    assert!(matches!(
        digest_file(&space.path("dir")),
        Err(HashError::IsDirectory { .. })
    ));
    let tree = digest_tree(
        &space.path("file"),
        &IgnoreRules::load(space.top()).unwrap(),
        Listings::Skip,
    );
    assert!(matches!(tree, Err(HashError::NotADirectory { .. })));
}

#[test]
fn what_cannot_be_read_is_named() {
    let space = Space::with(&[("d/secret", "x")]);
    space.chmod("d/secret", 0o000);
    if permissions_count() {
        let error = space.tree().unwrap_err();
        assert_eq!(error.path(), space.path("d/secret"));
        assert!(!error.is_not_found());
    }
}

#[test]
fn the_ignore_file_and_its_mistakes() {
    let space = Space::with(&[("a", "1")]);
    let before = space.tree().unwrap().file_count;
    space.write(".playbookignore", "*.tmp\n.playbookignore\n!x.pyc\n");
    space.write("b.tmp", "");
    assert_eq!(space.tree().unwrap().file_count, before);
    space.write("x.pyc", "");
    assert_eq!(space.tree().unwrap().file_count, before + 1);
    space.write(".playbookignore", "ok\n[z-a]\n");
    let error = IgnoreRules::load(space.top()).unwrap_err();
    assert!(matches!(error, HashError::IgnorePattern { line: 2, .. }));
}

#[test]
fn a_playbooks_own_files_do_not_count_beside_it() {
    let space = Space::with(&[
        ("p.yaml", ""),
        ("p.lock.yaml", ""),
        ("p.events.jsonl", ""),
        ("o.lock.yaml", ""),
    ]);
    assert_eq!(space.tree().unwrap().file_count, 2);
}

#[test]
fn a_listing_tells_what_changed() {
    let space = Space::with(&[("a", "1"), ("b/c", "2"), ("b/d", "3")]);
    let before = space.tree().unwrap().listing.unwrap();
    space.write("a", "9");
    space.write("b/e", "4");
    fs::remove_file(space.path("b/c")).unwrap();
    let after = space.tree().unwrap().listing.unwrap();
    let diff = ListingDiff::between(&before, &after);
    let paths = |names: &[&str]| {
        names
            .iter()
            .map(Into::into)
            .collect::<Vec<std::path::PathBuf>>()
    };
    assert_eq!(
        (diff.added, diff.removed, diff.changed),
        (paths(&["b/e"]), paths(&["b/c"]), paths(&["a"]))
    );
}

#[test]
fn many_files_in_one_directory() {
    let space = Space::new();
    for n in 0..5_000 {
        space.write(format!("{n}"), "");
    }
    assert_eq!(space.tree().unwrap().file_count, 5_000);
}

/// Far deeper than a path can name, or a thread's stack would bear a call for each.
#[test]
fn ten_thousand_levels() {
    let space = Space::with(&[("deep/", "")]);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut below = openat(CWD, space.path("deep"), flags, Mode::empty()).unwrap();
    for _ in 0..10_000 {
        mkdirat(&below, "d", Mode::RWXU).unwrap();
        below = openat(&below, "d", flags, Mode::empty()).unwrap();
    }
    let file = openat(&below, "f", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
    rustix::io::write(&file, b"1").unwrap();
    let deep = space.path("deep");
    let digest = || {
        digest_tree(
            &deep,
            &IgnoreRules::defaults_only().unwrap(),
            Listings::Skip,
        )
        .unwrap()
    };
    let before = digest();
    assert_eq!((before.file_count, before.total_bytes), (1, 1));
    rustix::io::write(&file, b"2").unwrap();
    assert_ne!(digest().digest, before.digest);
    playbook_hash::disk::remove_tree(&deep).unwrap();
    assert!(!deep.exists());
}
