//! What a stage may ask for beside its command: to be frozen, to keep its out in place, to come after another; and the policy.

use crate::support::Sandbox;

const FROZEN: &str = "  a: {cmd: 'cp in x; echo {{params.p}} >> x', deps: [in], outs: [x], env: {E: '1'}, frozen: true}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n  c: {cmd: cp x w, deps: [x], outs: [w], after: [a]}\n";

fn frozen() -> Sandbox {
    let sandbox = Sandbox::new();
    let thawed = format!("version: '1.0'\nname: t\nparams: {{p: 1}}\nstages:\n{FROZEN}");
    sandbox.write("playbook.yaml", &thawed.replace(", frozen: true", ""));
    sandbox.write("in", "1\n");
    sandbox.run(&["run", "-q"]).says(0);
    sandbox.write("playbook.yaml", &thawed);
    sandbox
}

#[test]
fn a_frozen_stage_stands_whatever_changes() {
    let sandbox = frozen();
    sandbox.write("in", "2\n");
    let text = sandbox.read("playbook.yaml");
    let text = text
        .replace("cp in x", "cp in  x")
        .replace("E: '1'", "E: '2'");
    sandbox.write("playbook.yaml", &text.replace("{p: 1}", "{p: 2}"));
    sandbox.write("x", "mine\n");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    frozen a  runs only with --force (frozen: true)
    run    b  x changed
    done   b  0.00 s
    run    c  x changed
    done   c  0.00 s
    2 run · 0 cached · 1 frozen · 0 failed in 0.00 s (saved 0.00 s)
    ");
    assert_eq!(
        sandbox.read("x"),
        "mine\n",
        "not even an edited out is made anew"
    );
}

#[test]
fn a_frozen_stage_stands_without_its_out_and_then_a_reader_fails_and_says_what_to_do() {
    let sandbox = frozen();
    sandbox.remove("x");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    frozen a  runs only with --force (frozen: true)
    error  b  dep x does not exist although stage 'a' makes it; make it anew with 'playbook run --force a'
    error  c  dep x does not exist although stage 'a' makes it; make it anew with 'playbook run --force a'
    1 frozen · 2 cannot run
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1", "-k"]).says(1), @"
    frozen a  runs only with --force (frozen: true)
    error: stage 'b' did not start: dep x does not exist although stage 'a' makes it; make it anew with 'playbook run --force a'
    error: stage 'c' did not start: dep x does not exist although stage 'a' makes it; make it anew with 'playbook run --force a'
    0 run · 0 cached · 1 frozen · 2 failed in 0.00 s (saved 0.00 s)
    ");
    assert_eq!(sandbox.ran(&["--force", "a"]), ["a"]);
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "the same bytes as ever"
    );
}

#[test]
fn a_frozen_stage_that_never_ran_stands_too() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: echo > x, outs: [x], frozen: true}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("frozen a  runs only with --force (frozen: true)\n"),
        "{said}"
    );
    assert!(
        said.contains("make it anew with 'playbook run --force a'"),
        "{said}"
    );
    sandbox.write("x", "mine\n");
    assert_eq!(sandbox.ran(&[]), ["b"], "somebody else made it");
}

#[test]
fn forcing_what_is_above_does_not_thaw_and_forcing_everything_does() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: echo > x, outs: [x]}\n  b: {cmd: cp x y, deps: [x], outs: [y], frozen: true}\n",
    );
    sandbox.run(&["run", "-B"]).says(0);
    assert_eq!(sandbox.ran(&["--force", "a"]), ["a"]);
    assert_eq!(sandbox.ran(&["--force"]), ["a", "b"]);
    sandbox.stages("  a: {cmd: echo > x, outs: [x], frozen: sometimes}\n");
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("'frozen' must be true or false, not 'sometimes'"),
        "{said}"
    );
}

#[test]
fn an_out_that_persists_is_left_in_place_whatever_happens() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in >> log; test ! -e bad; cat in >> log', deps: [in], outs: [{path: log, persist: true}]}\n  b: {cmd: cp log y, deps: [log], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("log", "mine");
    let said = sandbox.run(&["run", "-j1"]).says(0);
    assert!(!said.contains("warning"), "nothing is moved aside: {said}");
    assert_eq!(sandbox.read("log"), "mine11");
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "its digest is on record"
    );
    // A failure takes nothing back.
    sandbox.write("in", "2");
    sandbox.write("bad", "");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(1), @"
    run    a  in changed
    error: stage 'a' failed: exit status 1
      command: cat in >> log; test ! -e bad; cat in >> log
      log:     .playbook/playbook/logs/0192f3c1-0000/a.1.log (empty)
      hint: 'playbook debug a' shows how to run it by hand
    skip   b  because 'a' failed
    0 run · 0 cached · 1 failed · 1 skipped in 0.00 s
    ");
    assert_eq!(sandbox.read("log"), "mine112");
    sandbox.remove("bad");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert_eq!(sandbox.read("log"), "mine11222");
    // What was edited is not what was recorded, and is updated like anything else.
    sandbox.write("log", "edited");
    let said = sandbox.run(&["run", "-j1"]).says(0);
    assert!(
        said.contains("run    a  log was modified since it was made"),
        "{said}"
    );
    assert_eq!(sandbox.read("log"), "edited22");
    assert!(!sandbox.exists(".playbook/playbook/kept"));
}

#[test]
fn killed_in_the_middle_an_out_that_persists_is_what_the_command_made_of_it() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in >> log; test ! -e slow || { echo up > began; sleep 600; }; cat in >> log', deps: [in], outs: [{path: log, persist: true}]}\n",
    );
    let began = sandbox.pipe("began");
    sandbox.write("in", "1");
    sandbox.write("slow", "");
    let mut live = sandbox.live(&["run"]);
    assert_eq!(began.hear(), "up");
    live.die();
    sandbox.remove("slow");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("cut off:   a\n"), "{said}");
    assert_eq!(sandbox.read("log"), "111");
    let wrong = "  a: {cmd: x, outs: [{path: log, persist: 'yes'}]}\n";
    sandbox.stages(wrong);
    let said = sandbox.run(&["validate"]).says(2);
    assert!(
        said.contains("'persist' must be true or false, not 'yes'"),
        "{said}"
    );
}

#[test]
fn a_stage_runs_again_for_each_run_of_what_it_is_ordered_after_and_only_then() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  b: {cmd: echo > y, outs: [y], after: [a]}\n  c: {cmd: cp y z, deps: [y], outs: [z]}\n",
    )
    .real_clock();
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&["-j1"]), ["a", "b", "c"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    // The bytes do not matter: it runs because the other ran, and what reads it goes by its bytes.
    assert_eq!(sandbox.ran(&["--force", "a"]), ["a"]);
    assert_eq!(sandbox.ran(&[]), ["b"]);
    assert_eq!(sandbox.ran(&["--only", "--force", "a"]), ["a"]);
    let said = sandbox.run(&["status", "b"]).prints(0);
    assert!(
        said.contains("run    b  'a' has run since this stage last did (after)"),
        "{said}"
    );
    assert_eq!(sandbox.ran(&["--only", "b"]), ["b"]);
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "it has followed that run"
    );
    // An order that is new counts from the last run of the other, and once.
    let text = sandbox.read("playbook.yaml");
    sandbox.write(
        "playbook.yaml",
        &text.replace("outs: [z]", "outs: [z], after: [a]"),
    );
    assert_eq!(sandbox.ran(&[]), ["c"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&["-j1"]), ["a", "b", "c"]);
    sandbox.write("playbook.yaml", &text.replace("cp in x", "exit 3"));
    let said = sandbox.run(&["run", "-k"]).says(1);
    assert!(said.contains("skip   b  because 'a' failed"), "{said}");
}

fn with_policy(policy: &str, stages: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let text = format!("version: '1.0'\nname: t\npolicy: {policy}\nstages:\n{stages}");
    sandbox.write("playbook.yaml", &text);
    sandbox
}

#[test]
fn without_a_lock_file_nothing_is_remembered_and_nothing_is_read() {
    let sandbox = with_policy("{lock_file: false}", "  a: {cmd: echo > x, outs: [x]}\n");
    sandbox.write("playbook.lock.yaml", "this is: [no lock");
    for _ in 0..2 {
        assert_eq!(sandbox.ran(&[]), ["a"]);
    }
    assert_eq!(sandbox.read("playbook.lock.yaml"), "this is: [no lock");
}

#[test]
fn where_existence_is_enough_an_edited_out_stands_and_a_missing_one_does_not() {
    let sandbox = with_policy(
        "{validation: none}",
        "  a: {cmd: echo 1 > x, outs: [x]}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    sandbox.ran(&[]);
    sandbox.write("x", "mine");
    assert_eq!(
        sandbox.ran(&[]),
        ["b"],
        "a dep is still known by its contents"
    );
    sandbox.remove("x");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
}

#[test]
fn where_work_directories_are_and_whether_they_go_may_be_said() {
    let sandbox = with_policy(
        "{work_dir: scratch/jobs, clean_on_success: false}",
        "  a: {cmd: echo > x, outs: [x]}\n",
    );
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert!(!sandbox.exists("scratch"), "there is nothing to do there");
}

#[test]
fn a_wrong_policy_is_refused_all_of_it_at_once() {
    let sandbox = with_policy(
        "\n  failure: stop\n  validation: sometimes\n  lock_file: 'no'\n  concurrency: queue\n  work_dir: [x]\n  clean_on_success: 1\n  retries: 2",
        "  a: {cmd: echo > x, outs: [x]}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2), @"
    error: 'stop' is not one of: stop_on_first, continue_on_failure, continue_independent, collect_all
      --> playbook.yaml:4:12
    4 |   failure: stop
      |            ^^^^
      hint: did you mean 'stop_on_first'?
    error: 'sometimes' is not one of: checksum, none
      --> playbook.yaml:5:15
    5 |   validation: sometimes
      |               ^^^^^^^^^
    error: 'lock_file' must be true or false, not 'no'
      --> playbook.yaml:6:14
    6 |   lock_file: 'no'
      |              ^^^^
      hint: write false, without quotes
    error: 'queue' is not one of: wait, fail
      --> playbook.yaml:7:16
    7 |   concurrency: queue
      |                ^^^^^
    error: 'work_dir' must be text, not a list
      --> playbook.yaml:8:13
    8 |   work_dir: [x]
      |             ^
    error: 'clean_on_success' must be true or false, not 1
      --> playbook.yaml:9:21
    9 |   clean_on_success: 1
      |                     ^
    error: unknown field 'retries' in 'policy'
       --> playbook.yaml:10:3
    10 |   retries: 2
       |   ^^^^^^^
      hint: 'policy' may have: failure, validation, lock_file, concurrency, environment, work_dir, clean_on_success
    error: playbook.yaml: 7 errors in the playbook; nothing was run
    ");
    assert!(!sandbox.exists("x"));
}
