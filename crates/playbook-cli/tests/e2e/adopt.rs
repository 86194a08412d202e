//! `lock adopt`: what is there is recorded as if its stages had made it.

use crate::support::{Sandbox, tree};

const STAGES: &str = "  a: {cmd: 'echo ran >> ran; cp in x', deps: [in], outs: [x]}\n  b: {cmd: 'echo ran >> ran; cat x > y; echo {{params.p}} >> y', deps: [x], outs: [y], after: [c]}\n  c: {cmd: 'echo ran >> ran; mkdir d; cp in d/1; cp in d/2', deps: [in], outs: [d]}\n";

/// A sandbox with all files in place that never ran.
fn made_by_hand() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!("version: \"1.0\"\nname: t\nparams: {{p: 1}}\nstages:\n{STAGES}"),
    );
    sandbox.write("in", "1");
    sandbox.write("x", "by hand");
    sandbox.write("y", "by hand too");
    sandbox.write("d/1", "1");
    sandbox.write("d/2", "1");
    sandbox
}

#[test]
fn what_was_adopted_is_kept_also_when_the_stage_failed_in_between() {
    let sandbox =
        Sandbox::with_stages("  a: {cmd: 'cp in x; test ! -e bad', deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox.write("x", "mine");
    sandbox.run(&["lock", "adopt", "a"]).prints(0);
    sandbox.write("in", "2");
    sandbox.write("bad", "");
    sandbox.run(&["run"]).says(1);
    assert_eq!(sandbox.read("x"), "mine");
    sandbox.remove("bad");
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("x"), "2");
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/x"),
        "mine"
    );
}

#[test]
fn what_was_adopted_is_cached_and_nothing_ran() {
    let sandbox = made_by_hand();
    let before = tree(sandbox.root());
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "*", "-n"]).says(0), @"
    would   a
            dep in (1 B, d63bd9a8)
            out x (7 B, dab3a410)
    would   c
            dep in (1 B, d63bd9a8)
            out d (2 files, 2 B, 29f07e27)
    would   b
            dep x (7 B, dab3a410)
            out y (11 B, c326f688)
    3 to adopt
    ");
    assert_eq!(tree(sandbox.root()), before, "a dry run writes nothing");
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "*"]).says(0), @"
    adopted a
            dep in (1 B, d63bd9a8)
            out x (7 B, dab3a410)
    adopted c
            dep in (1 B, d63bd9a8)
            out d (2 files, 2 B, 29f07e27)
    adopted b
            dep x (7 B, dab3a410)
            out y (11 B, c326f688)
    3 adopted
    ");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0), @"
    cached a
    cached c
    cached b
    0 run · 3 cached · 0 failed in 0.00 s (saved 0.00 s)
    ");
    assert!(!sandbox.exists("ran") && !sandbox.exists("playbook.events.jsonl"));
    assert_eq!(sandbox.run(&["verify", "-q"]).prints(0), "");

    let lock = sandbox.stamp("playbook.lock.yaml");
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "*"]).says(0), @"
    same    a  is recorded like this already
    same    c  is recorded like this already
    same    b  is recorded like this already
    0 adopted · 3 recorded already
    ");
    assert_eq!(sandbox.stamp("playbook.lock.yaml"), lock);
}

#[test]
fn the_entry_is_that_of_a_run_and_says_that_it_was_adopted() {
    let sandbox = made_by_hand();
    sandbox.run(&["lock", "adopt", "*", "-q"]).says(0);
    insta::assert_snapshot!(sandbox.read("playbook.lock.yaml"), @"
    schema: '1.0'
    playbook: t
    generated_at: 2026-02-16T14:00:00Z
    generator: playbook 0.1.0
    blake3_version: '1.8'
    params_hash: blake3:d9338260fc7d36808be408ed6b51c15b4781c19e350d638bb25885caa985cee7
    stages:
      a:
        status: completed
        completed_at: 2026-02-16T14:00:00Z
        deps:
        - path: in
          hash: blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487
          file_count: 1
          total_bytes: 1
        params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
        outs:
        - path: x
          hash: blake3:dab3a41064ffe4379a9704e242229fbdf645d31bb874357825e6a934039d4d2d
          file_count: 1
          total_bytes: 7
        cmd_hash: blake3:aa26a066e0fd34ccc76944089efc2428e5b2a8b56835eff2b6f42640d82ee9ef
        cache_key: blake3:90065429bbe35812204d7730e2bd9f51648f31af4559f994d1baaf547979cd26
        adopted: true
      b:
        status: completed
        completed_at: 2026-02-16T14:00:00Z
        deps:
        - path: x
          hash: blake3:dab3a41064ffe4379a9704e242229fbdf645d31bb874357825e6a934039d4d2d
          file_count: 1
          total_bytes: 7
        params:
          p: 1
        params_hash: blake3:d9338260fc7d36808be408ed6b51c15b4781c19e350d638bb25885caa985cee7
        outs:
        - path: y
          hash: blake3:c326f6889dfde36e3a45416aed55207f4c1561ed9412234345c2c7bc47e7d0e7
          file_count: 1
          total_bytes: 11
        cmd_hash: blake3:d3bdcc1bb7a835adc4d6dd8ccef29c938abe686f4ca785b59591e8b684b3f44a
        cache_key: blake3:4a6c629110f03eef259f88a4bdc758a1c90800407f17c597cb66dd8e9a227126
        after:
        - stage: c
          completed_at: 2026-02-16T14:00:00Z
        adopted: true
      c:
        status: completed
        completed_at: 2026-02-16T14:00:00Z
        deps:
        - path: in
          hash: blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487
          file_count: 1
          total_bytes: 1
        params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
        outs:
        - path: d
          hash: blake3:29f07e2770f64fda20719af0381bd1a262a38fa2b50c981a09c3f3e8c279406c
          file_count: 2
          total_bytes: 2
        cmd_hash: blake3:d1a03673003642cfe4ce4a34e59cb42a2043ab9cc8abcdea8d87acb89864fb2b
        cache_key: blake3:5612c3e92d76f8ebe66474b14cd3874f65119fef994627c5e849b57ffe5291ac
        adopted: true
    ");
}

#[test]
fn a_changed_input_makes_an_adopted_stage_run_and_its_files_are_kept() {
    let sandbox = made_by_hand();
    sandbox.run(&["lock", "adopt", "a", "b", "c", "-q"]).says(0);
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["run", "a"]).says(0), @"
    run    a  in changed
    done   a  0.00 s
    warning: x as it was is not what a recorded run of stage 'a' made; in case you need it, it was moved to .playbook/playbook/kept/0192f3c1-0000/a/x
      hint: what was kept stays until 'playbook clean --kept' removes it
    1 run · 0 cached · 0 failed in 0.00 s
    ");
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/x"),
        "by hand"
    );
    assert!(
        !sandbox
            .read("playbook.lock.yaml")
            .split("  b:")
            .next()
            .unwrap()
            .contains("adopted")
    );
    // What it made itself is dropped as ever.
    sandbox.write("in", "3");
    assert!(!sandbox.run(&["run", "a"]).says(0).contains("kept"));
}

#[test]
fn the_others_entries_stay_and_what_is_ordered_after_it_runs() {
    let sandbox = made_by_hand();
    assert_eq!(sandbox.ran(&["-j1"]).len(), 3);
    sandbox.write("d/1", "mine");
    let mut command = sandbox.command(&["lock", "adopt", "d"]);
    command.env("PLAYBOOK_TEST_CLOCK", "2026-02-16T15:00:00Z");
    insta::assert_snapshot!(sandbox.finish(command).says(0), @"
    adopted c
            dep in (1 B, d63bd9a8)
            out d (2 files, 5 B, 192854b6)
    1 adopted
    ");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    cached a
    cached c
    run    b  'c' has run since this stage last did (after)
    1 to run · 2 cached
    ");
}

#[test]
fn params_of_the_run_that_made_the_files() {
    let sandbox = made_by_hand();
    sandbox.run(&["lock", "adopt", "b", "-p", "p=2"]).says(0);
    assert_eq!(sandbox.ran(&["--only", "b", "-p", "p=2"]), [""; 0]);
    assert_eq!(sandbox.ran(&["--only", "b"]), ["b"]);
}

#[test]
fn everything_that_is_missing_is_named_and_nothing_recorded() {
    let sandbox = made_by_hand();
    sandbox.remove("in");
    sandbox.remove("y");
    let before = tree(sandbox.root());
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "*", "-n"]).says(2), @"
    error: stage 'a': dep in does not exist
    error: stage 'c': dep in does not exist
    error: stage 'b': out y does not exist
    error: these stages cannot be adopted as they are; nothing was recorded
      hint: 'playbook run' makes what is missing; 'playbook why STAGE' shows what a stage reads and makes
    ");
    assert_eq!(tree(sandbox.root()), before);
    sandbox.run(&["lock", "adopt", "*"]).says(2);
    assert!(!sandbox.exists("playbook.lock.yaml"));
}

#[test]
fn a_stage_that_always_runs_still_does() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x], deterministic: false}\n");
    sandbox.write("x", "");
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "a"]).says(0), @"
    adopted a  it runs every time all the same
            out x (0 B, af1349b9)
    1 adopted
    ");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn wrong_command_lines() {
    let sandbox = made_by_hand();
    let mut told = String::new();
    for args in [
        &["lock", "adopt", "aa"][..],
        &["lock", "adopt", "playbook.yaml"],
    ] {
        told += &sandbox.run(args).says(2);
    }
    let playbook = sandbox.read("playbook.yaml");
    sandbox.write(
        "playbook.yaml",
        &format!("{playbook}policy: {{lock_file: false}}\n"),
    );
    told += &sandbox.run(&["lock", "adopt", "a"]).says(2);
    insta::assert_snapshot!(told, @r#"
    error: 'aa' selects nothing: no stage has this name and none makes this path
      hint: 'playbook list' shows the stages
    error: no stage is named
      hint: 'playbook lock adopt STAGE' adopts one, 'playbook lock adopt "*"' all
    error: the playbook says 'lock_file: false' in its policy: nothing is recorded
      hint: without that line 'playbook run' keeps a lock
    "#);
    sandbox.run(&["lock", "adopt"]).says(2);
}

#[test]
fn a_run_that_died_is_put_right_first() {
    let sandbox = made_by_hand();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    let mut command = sandbox.command(&["run", "a"]);
    command.env("PLAYBOOK_TEST_FAULTS", "kill-at=outs-made:1");
    assert_eq!(sandbox.finish(command).code, None);
    let said = sandbox.run(&["lock", "adopt", "a"]).says(0);
    assert!(said.contains("adopted a"), "{said}");
    assert_eq!(
        sandbox.read("x"),
        "1",
        "the former out is back, and that is adopted"
    );
    assert!(!sandbox.exists(".playbook/playbook/journal"));
    assert_eq!(sandbox.ran(&["--only", "a"]), [""; 0]);
}

#[test]
fn while_a_run_holds_the_playbook_nothing_is_adopted() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo started > told; read go < go; echo > x', outs: [x]}\n  b: {cmd: echo > y, outs: [y]}\n",
    );
    let (told, go) = (sandbox.pipe("told"), sandbox.pipe("go"));
    let run = sandbox.live(&["run", "a"]);
    assert_eq!(told.hear(), "started");
    sandbox.write("y", "");
    let said = sandbox.run(&["lock", "adopt", "b", "--no-wait"]).says(5);
    assert!(said.contains("another run holds this playbook"), "{said}");
    go.tell("go");
    run.ended().says(0);
    sandbox.run(&["lock", "adopt", "b", "--no-wait"]).says(0);
}
