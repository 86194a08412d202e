//! A playbook whose stages are found among files: what is kept of it never hides that there are others.

use std::fs::{self, File};

use super::files::{AGED, run};
use crate::support::Sandbox;

/// Up to date, recognised as such, and with a directory in a directory.
fn settled() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  t_{s}: {cmd: 'cp {{ deps }} {{ outs }}', deps: ['raw/{s}.txt'], outs: ['out/{s}']}
  d_{p}: {cmd: 'cp {{ deps }} {{ outs }}', deps: ['data/{p}/x'], outs: ['d/{p}']}
  all: {cmd: 'cat {{ deps }} > all', deps: ['out/{s}'], outs: [all]}\n",
    );
    for path in ["raw/a.txt", "raw/b.txt", "data/p/x", "data/q/other"] {
        sandbox.write(path, path);
    }
    sandbox.ran(&[]);
    run(&sandbox, &[]);
    assert!(recognises(&sandbox));
    sandbox
}

/// Whether a run finds by stats alone that it has nothing to do: then it opens no file for writing.
fn recognises(sandbox: &Sandbox) -> bool {
    let trace = sandbox.path(".playbook/trace");
    fs::remove_file(&trace).ok();
    let mut command = sandbox.command(&["run"]);
    command.env(
        "PLAYBOOK_TEST_FAULTS",
        format!("{AGED};trace={}", trace.display()),
    );
    let said = sandbox.finish(command).says(0);
    assert!(said.contains("0 run · 4 cached"), "{said}");
    fs::read_to_string(&trace).unwrap_or_default().is_empty()
}

fn rename(sandbox: &Sandbox, from: &str, to: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::rename(sandbox.path(from), sandbox.path(to)).unwrap();
}

/// What is done, how, and which stages then run.
type Change = (&'static str, fn(&Sandbox), &'static [&'static str]);

#[rustfmt::skip]
const CHANGES: [Change; 10] = [
    ("a file comes", |it| it.write("raw/c.txt", "c"), &["t_c", "all"]),
    ("a file goes", |it| it.remove("raw/a.txt"), &["all"]),
    ("a file has another name", |it| rename(it, "raw/a.txt", "raw/z.txt"), &["t_z", "all"]),
    ("a file comes that matches nothing", |it| it.write("raw/c.wav", "c"), &[]),
    ("a file comes where stages make theirs", |it| it.write("out/c", "c"), &[]),
    ("a file comes in a directory that had no match", |it| it.write("data/q/x", "c"), &["d_q"]),
    ("a directory comes with a file", |it| it.write("data/r/x", "c"), &["d_r"]),
    ("a match comes that is to be ignored", |it| { it.write(".playbookignore", "c.*\n"); it.write("raw/c.txt", "c"); }, &[]),
    ("a match is to be ignored from now on", |it| it.write(".playbookignore", "a.txt\n"), &["all"]),
    ("a directory becomes a link to another", |it| {
        rename(it, "raw", "moved");
        it.write("moved/c.txt", "c");
        std::os::unix::fs::symlink("moved", it.path("raw")).unwrap();
    }, &["t_c", "all"]),
];

#[test]
fn whatever_comes_or_goes_is_seen() {
    for (what, change, expected) in CHANGES {
        let sandbox = settled();
        change(&sandbox);
        let mut ran = crate::support::started(&run(&sandbox, &["--json"]));
        let mut expected: Vec<&str> = expected.to_vec();
        ran.sort();
        expected.sort_unstable();
        assert_eq!(ran, expected, "{what}");
    }
}

/// The same, read with nothing that is kept, and with all of it.
#[test]
fn what_is_kept_makes_no_difference() {
    for (what, change, _) in CHANGES {
        let sandbox = settled();
        change(&sandbox);
        let kept = run(&sandbox, &["-n", "--json"]);
        fs::remove_dir_all(sandbox.path(".playbook")).unwrap();
        assert_eq!(run(&sandbox, &["-n", "--json"]), kept, "{what}");
    }
}

/// Within the same second, which no stat may tell from the one before.
#[test]
fn a_file_that_comes_at_once_is_seen() {
    let sandbox = settled();
    for n in 0..20 {
        let name = format!("raw/x{n}.txt");
        File::create(sandbox.path(&name)).unwrap();
        let ran = sandbox.ran(&[]);
        assert_eq!(ran.first(), Some(&format!("t_x{n}")), "{ran:?}");
        fs::remove_file(sandbox.path(&name)).unwrap();
        sandbox.ran(&[]);
    }
}

/// Only what changed is read again, and with it what needs it.
#[test]
fn a_change_in_one_file_is_a_part() {
    let sandbox = settled();
    sandbox.write("raw/a.txt", "edited");
    let said = run(&sandbox, &["--json"]);
    assert_eq!(crate::support::started(&said), ["t_a", "all"]);
    assert_eq!(sandbox.read("all"), "editedraw/b.txt");
    run(&sandbox, &[]);
    assert!(recognises(&sandbox));
}
