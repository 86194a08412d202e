//! What runs again, and what does not.

use crate::support::Sandbox;

const PIPELINE: &str = r#"
version: "1.0"
name: test
params: {greeting: hello, width: 3, unused_by_all: 1}
stages:
  first: {cmd: "echo {{params.greeting}} > {{outs[0].path}}; cat {{deps[0].path}} >> {{outs[0].path}}", deps: [in], outs: [mid]}
  lines: {cmd: "wc -l < {{deps[0].path}} | tr -d ' ' > {{outs[0].path}}", deps: [mid], outs: [count]}
  last: {cmd: "printf %{{params.width}}s $(cat {{deps[0].path}}) > {{outs[0].path}}", deps: [count], outs: [final]}
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", PIPELINE);
    sandbox.write("in", "a\nb\n");
    sandbox
}

#[test]
fn the_second_run_runs_nothing_and_leaves_lock_and_log_untouched() {
    let sandbox = sandbox();
    assert_eq!(sandbox.ran(&[]), ["first", "lines", "last"]);
    let before = (
        sandbox.stamp("playbook.lock.yaml"),
        sandbox.stamp("playbook.events.jsonl"),
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    assert_eq!(
        before,
        (
            sandbox.stamp("playbook.lock.yaml"),
            sandbox.stamp("playbook.events.jsonl")
        )
    );
    assert_eq!(
        sandbox.names("."),
        [
            ".playbook",
            "count",
            "final",
            "in",
            "mid",
            "playbook.events.jsonl",
            "playbook.lock.yaml",
            "playbook.yaml"
        ]
    );
}

#[test]
fn the_same_bytes_stop_a_change() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    // Another text with as many lines: 'lines' makes the same out, so 'last' does not run.
    sandbox.write("in", "c\nd\n");
    assert_eq!(sandbox.ran(&[]), ["first", "lines"]);
}

#[test]
fn a_param_runs_what_uses_it_and_what_really_changes_below() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    assert_eq!(sandbox.ran(&["-p", "width=5"]), ["last"]);
    assert_eq!(
        sandbox.ran(&["--set", "greeting=hi", "--set", "width=5"]),
        ["first", "lines"]
    );
    assert_eq!(
        sandbox.ran(&[
            "--param",
            "unused_by_all=2",
            "-p",
            "greeting=hi",
            "-p",
            "width=5"
        ]),
        Vec::<String>::new()
    );
}

#[test]
fn reasons_name_what_changed() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    let why = |sandbox: &Sandbox| sandbox.run(&["status"]).prints(0);
    sandbox.write(
        "playbook.yaml",
        &PIPELINE.replace("greeting: hello", "greeting: hi"),
    );
    insta::assert_snapshot!(why(&sandbox), @"
    run    first  param greeting: hello → hi
    maybe  lines  only if the outputs of first change
    maybe  last   only if the outputs of lines change
    1 to run · 2 maybe
    ");
    sandbox.write("playbook.yaml", &PIPELINE.replace("wc -l", "wc -c"));
    insta::assert_snapshot!(why(&sandbox), @"
    cached first
    run    lines  command changed
    maybe  last   only if the outputs of lines change
    1 to run · 1 maybe · 1 cached
    ");
    sandbox.write(
        "playbook.yaml",
        &PIPELINE.replace("deps: [count]", "deps: [count, in]"),
    );
    insta::assert_snapshot!(why(&sandbox), @"
    cached first
    cached lines
    run    last   in is a new dep
    1 to run · 2 cached
    ");
    sandbox.write("playbook.yaml", PIPELINE);
    sandbox.write("final", "tampered");
    sandbox.remove("count");
    insta::assert_snapshot!(why(&sandbox), @"
    cached first
    run    lines  count is missing
    run    last   final was modified since it was made
    2 to run · 1 cached
    ");
}

#[test]
fn environment_shell_and_directory_are_part_of_the_key() {
    let with = |more: &str| {
        format!("  a: {{cmd: 'echo $V > \"$OUT\"', outs: [o/x], env: {{V: 1, OUT: {more}}}\n")
    };
    let sandbox = Sandbox::with_stages(&with("o/x}"));
    sandbox.write("sub/keep", "");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.stages(&with("o/x}, shell: bash"));
    assert_eq!(sandbox.ran(&[]), ["a"]);
    sandbox.stages(&with("../o/x}, shell: bash, wdir: sub"));
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    a  env: OUT changed; wdir: . → sub
    1 to run
    ");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    assert!(
        !sandbox.read("playbook.lock.yaml").contains("OUT"),
        "values of the environment stay out of the lock"
    );
}

#[test]
fn after_runs_again_whenever_the_other_ran() {
    let stages =
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  b: {cmd: echo > y, outs: [y], after: [a]}\n";
    let sandbox = Sandbox::with_stages(stages).real_clock();
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("in", "2");
    assert!(
        sandbox
            .run(&["status"])
            .prints(0)
            .contains("'a' would run first, and this stage runs after each run of it (after)")
    );
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    sandbox.write("in", "3");
    assert_eq!(sandbox.ran(&["a"]), ["a"]);
    assert_eq!(
        sandbox.ran(&[]),
        ["b"],
        "a run of the other in an earlier run counts too"
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn frozen_stages_run_only_when_forced() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x], frozen: true}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    let said = sandbox.run(&["run"]).says(1);
    insta::assert_snapshot!(said, @"
    frozen a  runs only with --force (frozen: true)
    error: stage 'b' did not start: dep x does not exist although stage 'a' makes it; make it anew with 'playbook run --force a'
    0 run · 0 cached · 1 frozen · 1 failed in 0.00 s (saved 0.00 s)
    ");
    assert_eq!(sandbox.ran(&["--force", "a"]), ["a"]);
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&[]), ["b"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn stages_that_are_not_deterministic_always_run_and_their_bytes_decide() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, outs: [x], deterministic: false}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(
        sandbox.run(&["status", "--exit-code", "a"]).prints(0),
        "run    a  always runs (deterministic: false)\n1 to run\n"
    );
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
}

#[test]
fn force_reaches_down_and_not_up() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    assert_eq!(
        sandbox.ran(&["--force", "lines"]),
        ["lines"],
        "only what is selected"
    );
    assert_eq!(sandbox.ran(&["-B", "lines+"]), ["lines", "last"]);
    assert_eq!(sandbox.ran(&["--force"]), ["first", "lines", "last"]);
}

#[test]
fn selections() {
    let sandbox = sandbox();
    assert_eq!(
        sandbox.ran(&["lines"]),
        ["first", "lines"],
        "with what it needs"
    );
    assert_eq!(sandbox.ran(&["-s", "last,lines"]), ["last"]);
    sandbox.write("in", "x\n");
    assert_eq!(sandbox.ran(&["--only", "last"]), Vec::<String>::new());
    assert_eq!(
        sandbox.ran(&["--only", "first", "l*"]),
        ["first", "lines", "last"]
    );
    sandbox.write("in", "y\n");
    assert_eq!(
        sandbox.ran(&["mid"]),
        ["first"],
        "an out stands for the stage that makes it"
    );
    assert_eq!(sandbox.ran(&["state:failed"]), Vec::<String>::new());
    assert_eq!(sandbox.ran(&["state:stale"]), ["lines"]);
    let said = sandbox.run(&["run", "lnies"]).says(2);
    insta::assert_snapshot!(said, @"
    warning: no stage uses the param 'unused_by_all'
      --> playbook.yaml:4:37
    4 | params: {greeting: hello, width: 3, unused_by_all: 1}
      |                                     ^^^^^^^^^^^^^
      hint: use it as {{ params.unused_by_all }} in a 'cmd', name it in a stage's 'params', or remove it
    error: 'lnies' selects nothing: no stage has this name and none makes this path
      hint: did you mean 'lines'?
    ");
}

#[test]
fn entries_of_other_stages_are_kept_and_those_of_gone_stages_go() {
    let sandbox =
        Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n  b: {cmd: echo > y, outs: [y]}\n");
    sandbox.ran(&[]);
    assert_eq!(sandbox.ran(&["--force", "b"]), ["b"]);
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "the entry of 'a' is still there"
    );
    sandbox.stages("  c: {cmd: echo > z, outs: [z]}\n  b: {cmd: echo > y, outs: [y]}\n");
    assert_eq!(sandbox.ran(&[]), ["c"]);
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(!lock.contains("\n  a:"));
    assert!(
        lock.find("\n  c:") < lock.find("\n  b:"),
        "in the playbook's order"
    );
}

#[test]
fn every_run_without_a_lock_runs_everything() {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", "version: \"1.0\"\nname: t\npolicy: {lock_file: false}\nstages:\n  a: {cmd: echo > x, outs: [x]}\n");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert!(!sandbox.exists("playbook.lock.yaml"));
}

#[test]
fn where_existence_is_enough_an_edited_output_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", "version: \"1.0\"\nname: t\npolicy: {validation: none}\nstages:\n  a: {cmd: echo made > x, outs: [x]}\n");
    sandbox.ran(&[]);
    sandbox.write("x", "edited");
    assert_eq!(sandbox.run(&["status"]).prints(0), "cached a\n1 cached\n");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.remove("x");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn what_is_stale_is_meant_and_forced_beside_what_is_named() {
    let stages = "  a: {cmd: cat x > a, deps: [x], outs: [a]}
  b: {cmd: cat y > b, deps: [y], outs: [b]}
  c: {cmd: cat z > c, deps: [z], outs: [c]}
";
    let sandbox = Sandbox::with_stages(stages);
    for file in ["x", "y", "z"] {
        sandbox.write(file, "1");
    }
    sandbox.ran(&[]);
    assert_eq!(
        sandbox.run(&["run", "state:stale"]).says(0),
        "there is no stage to run\n"
    );
    sandbox.write("y", "2");
    assert_eq!(sandbox.ran(&["-j1", "-B", "state:stale", "c"]), ["b", "c"]);
    assert_eq!(sandbox.ran(&["-B", "state:stale"]), Vec::<String>::new());
}
