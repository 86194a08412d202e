//! Checks before and after the pipeline.

use crate::support::Sandbox;

/// Two stages, the one reading what the other makes, and a third, with these checks around them.
fn around(compliance: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    write(&sandbox, compliance);
    sandbox.write("in", "1");
    sandbox
}

fn write(sandbox: &Sandbox, compliance: &str) {
    sandbox.write(
        "playbook.yaml",
        &format!(
            "version: '1.0'\nname: t\ncompliance: {compliance}\nstages:\n  a: {{cmd: cat in > x, deps: [in], outs: [x]}}\n  b: {{cmd: cp x y, deps: [x], outs: [y]}}\n  c: {{cmd: cp in z, deps: [in], outs: [z]}}\n"
        ),
    );
}

#[test]
fn checks_run_before_everything_and_after_everything_and_always() {
    let sandbox = around(
        "{pre_flight: [{cmd: 'test ! -e x'}, {cmd: 'test -e in', name: there}], post_flight: [{cmd: 'test -e y && test -e z', name: whole}]}",
    );
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    run    pre_flight.1       no lock file found (first run)
    pass   pre_flight.1       0.00 s
    run    pre_flight.there   no lock file found (first run)
    pass   pre_flight.there   0.00 s
    run    a                  no lock file found (first run)
    done   a                  0.00 s
    run    b                  no lock file found (first run)
    done   b                  0.00 s
    run    c                  no lock file found (first run)
    done   c                  0.00 s
    run    post_flight.whole  no lock file found (first run)
    pass   post_flight.whole  0.00 s
    6 run · 0 cached · 0 failed in 0.00 s
    ");
    sandbox.run(&["run", "-j1"]).says(1);
    write(
        &sandbox,
        "{pre_flight: [{cmd: 'true'}], post_flight: [{cmd: 'true', name: whole}]}",
    );
    // That a check ran is no reason for a stage to run.
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    run    pre_flight.1       previous run did not complete (failed)
    pass   pre_flight.1       0.00 s
    cached a
    cached c
    cached b
    run    post_flight.whole  always runs (as every check of compliance)
    pass   post_flight.whole  0.00 s
    2 run · 3 cached · 0 failed in 0.00 s (saved 0.00 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    pre_flight.1       always runs (as every check of compliance)
    cached a
    cached b
    cached c
    run    post_flight.whole  always runs (as every check of compliance)
    2 to run · 3 cached
    ");
    sandbox.run(&["status", "--exit-code"]).prints(0);
    sandbox.write("in", "2");
    assert_eq!(
        sandbox.ran(&["-j1"]),
        ["pre_flight.1", "a", "b", "c", "post_flight.whole"]
    );
}

#[test]
fn nothing_runs_until_every_check_before_it_has_passed() {
    let sandbox = around(
        "{pre_flight: [{cmd: echo one}, {cmd: 'echo not today; exit 3', name: day}], post_flight: [{cmd: echo after}]}",
    );
    insta::assert_snapshot!(sandbox.run(&["run", "-j1", "-k"]).says(1), @"
    run    pre_flight.1    no lock file found (first run)
    pass   pre_flight.1    0.00 s
    run    pre_flight.day  no lock file found (first run)
    error: gate 'pre_flight.day' failed: exit status 3
      command: echo not today; exit 3
      log:     .playbook/playbook/logs/0192f3c1-0000/pre_flight.day.1.log (all of it)
        | not today
      hint: nothing new is started until it passes; 'playbook debug pre_flight.day' shows how to run it by hand
    skip   a               because 'pre_flight.day' failed
    skip   b               because 'pre_flight.day' failed
    skip   c               because 'pre_flight.day' failed
    skip   post_flight.1   because 'pre_flight.day' failed
    1 run · 0 cached · 1 failed · 4 skipped in 0.00 s
    ");
    assert!(!sandbox.exists("x") && !sandbox.exists("z"));
}

#[test]
fn a_check_after_it_runs_only_if_all_went_well_and_its_failure_fails_the_run() {
    let sandbox = around("{post_flight: [{cmd: 'grep -q 1 y'}]}");
    assert_eq!(sandbox.ran(&["-j1"]), ["a", "b", "c", "post_flight.1"]);
    sandbox.write("in", "2");
    let said = sandbox.run(&["run", "-j1"]).says(1);
    assert!(
        said.contains("error: gate 'post_flight.1' failed: exit status 1"),
        "{said}"
    );
    assert_eq!(sandbox.read("y"), "2", "what was made stands");
    let text = sandbox.read("playbook.yaml");
    sandbox.write("playbook.yaml", &text.replace("cp in z", "exit 9"));
    let said = sandbox.run(&["run", "-j1", "-k"]).says(1);
    assert!(
        said.contains("skip   post_flight.1  because 'c' failed"),
        "{said}"
    );
}

#[test]
fn selected_stages_come_with_the_checks_before_them_and_not_with_those_after_everything() {
    let sandbox = around("{pre_flight: [{cmd: 'true'}], post_flight: [{cmd: 'true'}]}");
    assert_eq!(sandbox.ran(&["-j1", "a"]), ["pre_flight.1", "a"]);
    assert_eq!(sandbox.ran(&["-j1", "a+"]), ["pre_flight.1", "b"]);
    assert_eq!(sandbox.ran(&["-j1", "--only", "c"]), ["c"]);
    assert_eq!(
        sandbox.ran(&["-j1", "post_flight.*"]),
        ["pre_flight.1", "post_flight.1"]
    );
    assert_eq!(
        sandbox.ran(&["-j1", "--force", "pre_flight.1"]),
        ["pre_flight.1"]
    );
    assert_eq!(sandbox.ran(&["-j1", "--force", "a"]), ["pre_flight.1", "a"]);
    assert_eq!(
        sandbox.ran(&["-j1", "--force", "a+"]),
        ["pre_flight.1", "a", "b"]
    );
}

#[test]
fn a_check_known_by_name_is_a_command_of_pmat() {
    let sandbox = around("{pre_flight: [complexity]}");
    let empty = sandbox.path("bin");
    std::fs::create_dir(&empty).unwrap();
    for program in ["sh", "cat"] {
        let path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(program))
            .find(|path| path.exists())
            .unwrap();
        std::os::unix::fs::symlink(path, empty.join(program)).unwrap();
    }
    let with_path = || {
        let mut command = sandbox.command(&["run", "-j1", "a"]);
        command.env("PATH", &empty);
        command
    };
    insta::assert_snapshot!(sandbox.finish(with_path()).says(1), @"
    run    pre_flight.complexity  no lock file found (first run)
    error: gate 'pre_flight.complexity' failed: exit status 127
      command: command -v pmat > /dev/null || { echo 'pmat is not installed: cargo install pmat' >&2; exit 127; }
               pmat analyze complexity --fail-on-violation
      log:     .playbook/playbook/logs/0192f3c1-0000/pre_flight.complexity.1.log (all of it)
        | pmat is not installed: cargo install pmat
      hint: nothing new is started until it passes; 'playbook debug pre_flight.complexity' shows how to run it by hand
    skip   a                      because 'pre_flight.complexity' failed
    0 run · 0 cached · 1 failed · 1 skipped in 0.00 s
    ");
    // A pmat that tells how it was called.
    sandbox.write("bin/pmat", "#!/bin/sh\necho \"$@\" > called\n");
    sandbox.mode("bin/pmat", 0o755);
    let said = sandbox.finish(with_path()).says(0);
    assert!(said.contains("pass   pre_flight.complexity"), "{said}");
    assert_eq!(
        sandbox.read("called"),
        "analyze complexity --fail-on-violation\n"
    );
}

#[test]
fn checks_are_seen_for_what_they_are() {
    let sandbox = around("{pre_flight: [satd], post_flight: [{cmd: 'true'}]}");
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    pre_flight.satd  not run    (gate)
    a                not run
    b                not run
    c                not run
    post_flight.1    not run    (gate)
    ");
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0), @"
    run    pre_flight.satd (gate)
    run    ├─ a
    run    │  └─ b
    run    ├─ c
    run    └─ post_flight.1 (gate)  ← b, c
    5 to run
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "post_flight.1"]).prints(0), @"
    post_flight.1 would run, because
      - no lock file found (first run)

    command   true
    gate      a quality check; did not run yet. If it fails, nothing new is started
    last run  none on record
    ");
    insta::assert_snapshot!(sandbox.run(&["validate"]).says(0), @"playbook.yaml: 5 stages, nothing to complain about");
}

#[test]
fn with_stats_that_say_what_stands_a_run_says_the_same() {
    let sandbox = around("{pre_flight: [{cmd: test ! -e closed}], post_flight: [{cmd: 'true'}]}");
    sandbox.ran(&["-j1"]);
    let run = |with: &str| {
        let mut command = sandbox.command(&["run", "-j1"]);
        command.env("PLAYBOOK_TEST_FAULTS", "late=10");
        if with == "nothing" {
            command.env("PLAYBOOK_NO_STAT_CACHE", "1");
        }
        sandbox.finish(command)
    };
    for closed in [false, true] {
        if closed {
            sandbox.write("closed", "");
        }
        // The first writes down what the second may go by.
        let all = ["stats", "stats", "nothing"].map(|with| run(with).says(i32::from(closed)));
        assert_eq!(all[1], all[2]);
        assert_eq!(all[1].contains("cached a"), !closed, "{}", all[1]);
    }
}
