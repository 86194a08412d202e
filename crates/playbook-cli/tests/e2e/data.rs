//! Deps that are not plain files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use crate::support::Sandbox;

const LIST: &str = "  a: {cmd: 'ls -R d > x', deps: [d], outs: [x]}\n";

#[test]
fn a_directory_changes_with_everything_below_it() {
    let sandbox = Sandbox::with_stages(LIST);
    sandbox.write("d/one", "1");
    sandbox.write("d/sub/two", "2");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    let odd = sandbox
        .path("d")
        .join(OsStr::from_bytes(b"not utf-8 \xff\n-"));
    let change = |what: &str, edit: &dyn Fn()| {
        edit();
        assert_eq!(sandbox.ran(&[]), ["a"], "{what}");
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new(), "{what}");
    };
    change("contents", &|| sandbox.write("d/sub/two", "3"));
    change("a new file with an odd name", &|| {
        drop(fs::File::create(&odd).unwrap());
    });
    change("a link", &|| {
        symlink("one", sandbox.path("d/link")).unwrap();
    });
    change("another link", &|| {
        sandbox.remove("d/link");
        symlink("two", sandbox.path("d/link")).unwrap();
    });
    change("an empty directory", &|| {
        fs::create_dir(sandbox.path("d/empty")).unwrap();
    });
    change("an executable bit", &|| sandbox.mode("d/one", 0o755));
    change("a rename", &|| {
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        fs::rename(sandbox.path("d/one"), sandbox.path("d/uno")).unwrap();
    });
    change("a removal", &|| fs::remove_file(&odd).unwrap());
}

#[test]
fn ignored_files_do_not_count() {
    let sandbox = Sandbox::with_stages(LIST);
    sandbox.write("d/one", "1");
    sandbox.write(".playbookignore", "*.tmp\n/d/scratch/\n!keep.pyc\n");
    sandbox.ran(&[]);
    for ignored in [
        "d/x.tmp",
        "d/scratch/file",
        "d/.git/HEAD",
        "d/__pycache__/m",
        "d/mod.pyc",
        "d/.DS_Store",
    ] {
        sandbox.write(ignored, "");
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new(), "{ignored}");
    }
    sandbox.write("d/keep.pyc", "");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn a_dep_that_is_a_link_is_followed() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cat link > x, deps: [link], outs: [x]}\n");
    sandbox.write("real", "1");
    symlink("real", sandbox.path("link")).unwrap();
    assert_eq!(sandbox.ran(&[]), ["a"]);
    sandbox.write("real", "2");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn dangling_and_looping_links_are_named() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cat link > x, deps: [link], outs: [x]}\n");
    symlink("nowhere", sandbox.path("link")).unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("link"), "{said}");
    sandbox.remove("link");
    symlink("link", sandbox.path("link")).unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("link"), "{said}");
}

#[test]
fn a_fifo_among_the_deps_is_an_error_and_no_hang() {
    let sandbox = Sandbox::with_stages(LIST);
    sandbox.write("d/one", "1");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sandbox.path("d/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("d/pipe"), "{said}");
    sandbox.stages("  a: {cmd: cat d/pipe > x, deps: [d/pipe], outs: [x]}\n");
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("d/pipe"), "{said}");
}

#[test]
fn outs_feed_deps_by_containment_both_ways() {
    let stages = "  reads_inside: {cmd: cat data/x > o1, deps: [data/x], outs: [o1]}\n  makes_dir: {cmd: 'mkdir data; echo 1 > data/x', outs: [data]}\n  reads_dir: {cmd: 'cat many/* > o2', deps: [./many//], outs: [o2]}\n  makes_file: {cmd: echo 2 > many/f, outs: [many/f]}\n";
    let sandbox = Sandbox::with_stages(stages);
    assert_eq!(
        sandbox.ran(&["-j1"]),
        ["makes_dir", "reads_inside", "makes_file", "reads_dir"]
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}
