//! A params file is part of what vouches for a run that has nothing to do.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use crate::settled::{edit_in_secret, run};
use crate::support::Sandbox;

fn settled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: test\nparams_files: [p.yaml, q.toml]\nstages:\n  a: {cmd: 'echo {{params.n}} > a', outs: [a]}\n  b: {cmd: 'cp a b', deps: [a], outs: [b]}\n  c: {cmd: 'echo {{params.m}} > c', outs: [c]}\n",
    );
    sandbox.write("p.yaml", "n: 1\n");
    sandbox.write("q.toml", "m = 1\n");
    sandbox.ran(&[]);
    assert!(run(&sandbox, &[]).contains("0 run"));
    sandbox
}

/// What every run after a change says, however it finds it out.
fn after(change: impl Fn(&Sandbox)) -> String {
    let [first, second] = ["", "1"].map(|off| {
        let sandbox = settled();
        change(&sandbox);
        let mut command = sandbox.command(&["run"]);
        command.env("PLAYBOOK_TEST_FAULTS", crate::settled::AGED);
        command.env("PLAYBOOK_NO_STAT_CACHE", off);
        let said = sandbox.finish(command).stderr;
        // The next one has nothing to do.
        let again = run(&sandbox, &[]);
        assert!(
            again.contains("0 run") || again.contains("error"),
            "{again}"
        );
        // Stages that do not wait for each other may be told in any order.
        let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n") + "\n"
    });
    assert_eq!(first, second);
    first
}

#[test]
fn an_edited_file_is_noticed() {
    for (change, runs) in [
        (
            (|it| edit_in_secret(it, "p.yaml", "n: 2\n")) as fn(&Sandbox),
            "run    a  param n: 1 → 2\n",
        ),
        (
            |it| it.write("p.yaml", "n: 22\n"),
            "run    a  param n: 1 → 22\n",
        ),
        (
            |it| edit_in_secret(it, "q.toml", "m = 2\n"),
            "run    c  param m: 1 → 2\n",
        ),
        (
            |it| {
                // Another file takes its place, with the size and the times it had.
                let old = fs::metadata(it.path("p.yaml")).unwrap();
                it.write("new", "n: 3\n");
                let file = File::options().write(true).open(it.path("new")).unwrap();
                file.set_times(FileTimes::new().set_modified(old.modified().unwrap()))
                    .unwrap();
                it.remove("p.yaml");
                fs::hard_link(it.path("new"), it.path("p.yaml")).unwrap();
            },
            "run    a  param n: 1 → 3\n",
        ),
        (
            |it| it.write("q.toml", "m = 1\nn = 5\n"),
            "run    a  param n: 1 → 5\n",
        ),
        (
            |it| it.remove("p.yaml"),
            "the params file p.yaml does not exist",
        ),
        (|it| it.write("p.yaml", "n: [\n"), "not valid YAML"),
    ] {
        let said = after(change);
        assert!(said.contains(runs), "{said}");
        assert_eq!(
            said.contains("cached c"),
            runs.contains("run    a"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_says_the_same_changes_nothing() {
    for change in [
        (|it| it.write("p.yaml", "n: 1\n")) as fn(&Sandbox),
        (|it| it.write("p.yaml", "# other words\nn: 1\n")),
        |it| {
            let file = File::options().write(true).open(it.path("q.toml")).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
            file.set_times(FileTimes::new().set_modified(long_ago))
                .unwrap();
        },
    ] {
        assert!(after(change).contains("0 run · 3 cached"));
    }
}

#[test]
fn a_run_with_other_params_leaves_no_trace_in_what_is_kept() {
    let sandbox = settled();
    sandbox.write("over.json", "{\"n\": 9}");
    let said = run(&sandbox, &["--params-file", "over.json"]);
    assert!(said.contains("run    a  param n: 1 → 9"), "{said}");
    assert_eq!(sandbox.read("b"), "9\n");
    let said = run(&sandbox, &[]);
    assert!(said.contains("run    a  param n: 9 → 1"), "{said}");
    assert_eq!(sandbox.read("b"), "1\n");
    assert!(run(&sandbox, &[]).contains("0 run"));
}
