//! The same where a stage reads or makes a directory: everything in it counts, and what is ignored does not.

use std::fs::{self, File};

use crate::settled::files::{AGED, Change, edit_in_secret, run};
use crate::support::Sandbox;

/// A stage that reads a directory and makes one, up to date, and recognised as such.
fn settled_directories() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir -p o/in && cat d/s/in > o/in/x', deps: [d], outs: [o]}\n",
    );
    for name in [
        "d/in",
        "d/s/in",
        "d/s/t/deep",
        "d/__pycache__/x",
        "d/s/x.pyc",
    ] {
        sandbox.write(name, "1");
    }
    std::os::unix::fs::symlink("in", sandbox.path("d/link")).unwrap();
    sandbox.ran(&[]);
    assert_eq!(run(&sandbox, &[]), DIRECTORIES_UP_TO_DATE);
    sandbox
}

const DIRECTORIES_UP_TO_DATE: &str =
    "cached a\n0 run · 1 cached · 0 failed in 0.00 s (saved 0.00 s)\n";

/// Whether the run says what it says when everything is worked out, and does so without working anything out.
fn recognises_directories(sandbox: &Sandbox) -> bool {
    let trace = sandbox.path(".playbook/trace");
    fs::remove_file(&trace).ok();
    let mut command = sandbox.command(&["run"]);
    command.env(
        "PLAYBOOK_TEST_FAULTS",
        format!("{AGED};trace={}", trace.display()),
    );
    assert_eq!(sandbox.finish(command).says(0), DIRECTORIES_UP_TO_DATE);
    fs::read_to_string(&trace).unwrap_or_default().is_empty()
}

fn chmod(sandbox: &Sandbox, name: &str, mode: u32) {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(sandbox.path(name), permissions).unwrap();
}

fn link(sandbox: &Sandbox, target: &str, name: &str) {
    std::os::unix::fs::symlink(target, sandbox.path(name)).unwrap();
}

#[test]
fn directories_with_nothing_to_do_are_recognised_without_being_worked_out() {
    let sandbox = settled_directories();
    assert!(recognises_directories(&sandbox));
    fs::remove_file(sandbox.path(".playbook/playbook/settled")).unwrap();
    assert!(!recognises_directories(&sandbox));
    assert!(
        recognises_directories(&sandbox),
        "it was written down again"
    );
}

#[rustfmt::skip]
const CHANGES_IN_DIRECTORIES: [Change; 18] = [
    ("a file edited, size and mtime restored", |it| edit_in_secret(it, "d/s/in", "2"), "run    a  d/: 1 file changed\n"),
    ("a deep file edited", |it| edit_in_secret(it, "d/s/t/deep", "2"), "run    a  d/: 1 file changed\n"),
    ("a file added", |it| it.write("d/s/t/new", ""), "run    a  d/: 1 file added\n"),
    ("an empty directory added", |it| fs::create_dir(it.path("d/s/new")).unwrap(), "run    a  d/: 1 file added\n"),
    ("a file removed", |it| it.remove("d/in"), "run    a  d/: 1 file removed\n"),
    ("a file renamed", |it| {
        it.write("d/in2", "1");
        it.remove("d/in");
    }, "run    a  d/: 1 file added, 1 removed\n"),
    ("executable now", |it| chmod(it, "d/in", 0o755), "run    a  d/: 1 file changed\n"),
    ("the link swapped for another", |it| {
        it.remove("d/link");
        link(it, "s", "d/link");
    }, "run    a  d/: 1 file changed\n"),
    ("the link swapped for what it leads to", |it| {
        it.remove("d/link");
        it.write("d/link", "1");
    }, "run    a  d/: 1 file changed\n"),
    ("a directory swapped for a link to its like", |it| {
        it.write("elsewhere/t/deep", "1");
        it.write("elsewhere/in", "1");
        fs::remove_dir_all(it.path("d/s")).unwrap();
        link(it, "../elsewhere", "d/s");
    }, "run    a  d/: 1 file changed, 2 removed\n"),
    ("a directory swapped for a file", |it| {
        fs::remove_dir_all(it.path("d/s/t")).unwrap();
        it.write("d/s/t", "1");
    }, "run    a  d/: 1 file changed, 1 removed\n"),
    ("an ignore file that ignores", |it| it.write(".playbookignore", "link\n"), "run    a  d/: 1 file removed\n"),
    ("an ignore file that does not", |it| it.write(".playbookignore", "!*.pyc\n"), "run    a  d/: 1 file added\n"),
    ("an out edited", |it| edit_in_secret(it, "o/in/x", "2"), "run    a  o/ was modified since it was made: 1 file "),
    ("a file added to an out", |it| it.write("o/in/y", ""), "run    a  o/ was modified since it was made: 1 file "),
    ("an out gone", |it| fs::remove_dir_all(it.path("o")).unwrap(), "run    a  o is missing"),
    ("what is ignored added", |it| it.write("d/s/y.pyc", ""), DIRECTORIES_UP_TO_DATE),
    ("what is ignored edited", |it| it.write("d/s/x.pyc", "22"), DIRECTORIES_UP_TO_DATE),
];

#[test]
fn every_change_in_a_directory_is_seen() {
    for (what, change, expected) in CHANGES_IN_DIRECTORIES {
        let sandbox = settled_directories();
        assert!(recognises_directories(&sandbox), "before {what}");
        change(&sandbox);
        let said = run(&sandbox, &[]);
        assert!(said.contains(expected), "{what}: {said}");
        // From then on it is as before.
        assert_eq!(run(&sandbox, &[]), DIRECTORIES_UP_TO_DATE, "{what}");
        assert!(recognises_directories(&sandbox), "after {what}");
    }
}

#[test]
fn an_ignore_file_edited_is_seen() {
    let sandbox = settled_directories();
    sandbox.write(".playbookignore", "none\n");
    assert_eq!(run(&sandbox, &[]), DIRECTORIES_UP_TO_DATE);
    assert!(recognises_directories(&sandbox));
    edit_in_secret(&sandbox, ".playbookignore", "link\n");
    let said = run(&sandbox, &[]);
    assert!(said.contains("d/: 1 file removed"), "{said}");
    sandbox.remove(".playbookignore");
    let said = run(&sandbox, &[]);
    assert!(said.contains("d/: 1 file added"), "{said}");
}

#[test]
fn evidence_of_directories_damaged_anywhere_is_worked_out() {
    let sandbox = settled_directories();
    let path = sandbox.path(".playbook/playbook/settled");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(11) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for bytes in [&flipped[..], &whole[..at]] {
            fs::remove_file(&path).unwrap();
            std::io::Write::write_all(&mut File::create(&path).unwrap(), bytes).unwrap();
            assert!(!recognises_directories(&sandbox), "byte {at}");
        }
    }
}
