//! Removing a tree: all of it, and nothing beyond.
#![cfg(test)]

mod support;

use playbook_hash::disk::{faults, remove_tree};
use support::{Space, raw};

#[test]
fn everything_goes() {
    let space = Space::with(&[
        ("t/a/b/c", "1"),
        ("t/a/d", "2"),
        ("t/e/", ""),
        ("stays", ""),
    ]);
    space.write(raw(b"t/\xff\n"), "");
    space.fifo("t/pipe");
    space.chmod("t/a/b", 0o555);
    space.chmod("t/a", 0o500);
    remove_tree(&space.path("t")).unwrap();
    assert_eq!(space.names(), ["stays"]);
}

#[test]
fn links_are_never_followed() {
    let space = Space::with(&[("precious/x", "1"), ("t/a/", "")]);
    space.link("t/to-dir", "../precious");
    space.link("t/a/up", "../..");
    space.link("t/a/dangling", "gone");
    space.link("alias", "precious");
    remove_tree(&space.path("t")).unwrap();
    remove_tree(&space.path("alias")).unwrap();
    assert_eq!(space.names(), ["precious"]);
    assert_eq!(space.read("precious/x"), "1");
}

#[test]
fn files_and_nothing_at_all() {
    let space = Space::with(&[("f", "")]);
    for name in ["f", "f", "none", "none/below"] {
        remove_tree(&space.path(name)).unwrap();
    }
    assert_eq!(space.names(), [""; 0]);
    let nested = Space::with(&[("a/b", "")]);
    assert!(remove_tree(&nested.path("a/..")).is_err());
    assert_eq!(nested.read("a/b"), "");
}

#[test]
fn a_failure_names_what_stays() {
    for n in 1..=3 {
        let space = Space::with(&[("t/a/f", ""), ("t/g", "")]);
        faults::fail_at(Some(n));
        let error = remove_tree(&space.path("t")).unwrap_err();
        faults::fail_at(None);
        assert!(error.path.symlink_metadata().is_ok(), "{error}");
        remove_tree(&space.path("t")).unwrap();
        assert_eq!(space.names(), [""; 0]);
    }
}
