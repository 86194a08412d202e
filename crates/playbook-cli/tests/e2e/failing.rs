//! What a failure means.

use crate::support::Sandbox;

const THREE: &str = "  bad: {cmd: exit 3, outs: [x]}\n  below: {cmd: cp x y, deps: [x], outs: [y]}\n  apart: {cmd: echo > z, outs: [z]}\n";

fn with_policy(failure: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!("version: \"1.0\"\nname: t\npolicy: {{failure: {failure}}}\nstages:\n{THREE}"),
    );
    sandbox
}

#[test]
fn stop_on_first_starts_nothing_new() {
    let sandbox = with_policy("stop_on_first");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(1), @"
    run    bad    no lock file found (first run)
    error: stage 'bad' failed: exit status 3
      command: exit 3
      log:     .playbook/playbook/logs/0192f3c1-0000/bad.1.log (empty)
      hint: 'playbook debug bad' shows how to run it by hand
    skip   below  because 'bad' failed
    skip   apart  because 'bad' failed
    0 run · 0 cached · 1 failed · 2 skipped in 0.00 s
    ");
    assert!(!sandbox.exists("z"));
}

#[test]
fn continue_runs_what_is_not_downstream() {
    for policy in ["continue_on_failure", "continue_independent", "collect_all"] {
        let sandbox = with_policy(policy);
        let said = sandbox.run(&["run", "-j1"]).says(1);
        assert!(
            said.contains("skip   below  because 'bad' failed"),
            "{said}"
        );
        assert!(sandbox.exists("z") && !sandbox.exists("y"));
    }
    let sandbox = with_policy("stop_on_first");
    sandbox.run(&["run", "-j1", "-k"]).says(1);
    assert!(sandbox.exists("z"));
}

#[test]
fn a_failed_stage_runs_again_and_the_others_do_not() {
    let sandbox = with_policy("collect_all");
    sandbox.run(&["run"]).says(1);
    assert!(
        sandbox
            .run(&["status"])
            .prints(0)
            .contains("run    bad    previous run did not complete (failed)")
    );
    sandbox.stages(&THREE.replace("exit 3", "echo > x"));
    assert_eq!(sandbox.ran(&[]), ["bad", "below"]);
}

#[test]
fn a_missing_dep_is_named() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp raw/in x, deps: [raw/in], outs: [x]}\n");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    error: stage 'a' did not start: dep raw/in does not exist, and no stage makes it; make it, or correct the path
    0 run · 0 cached · 1 failed in 0.00 s
    ");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    error  a  dep raw/in does not exist, and no stage makes it; make it, or correct the path
    1 cannot run
    ");
    insta::assert_snapshot!(sandbox.run(&["validate"]).says(0), @"
    warning: raw/in does not exist, and no stage makes it
      --> playbook.yaml:4:32
    4 |   a: {cmd: cp raw/in x, deps: [raw/in], outs: [x]}
      |                                ^^^^^^
      hint: a run that needs it will fail
    playbook.yaml: 1 stage, 1 warning
    ");
    assert!(
        !sandbox.exists("playbook.lock.yaml") && !sandbox.exists("playbook.events.jsonl"),
        "nothing was executed"
    );
}

#[test]
fn an_out_that_was_not_made_is_named() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x, never/made]}\n");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    run    a  no lock file found (first run)
    error: stage 'a' failed: the command succeeded but did not make never/made; correct the command, or the paths in 'outs'
      command: echo > x
      log:     .playbook/playbook/logs/0192f3c1-0000/a.1.log (empty)
      left:    what the command left at x is now .playbook/playbook/failed/a/x
      hint: 'playbook debug a' shows how to run it by hand
    0 run · 0 cached · 1 failed in 0.00 s
    ");
    assert!(!sandbox.exists("x"));
}

#[test]
fn a_working_directory_that_is_not_there_is_named() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [nowhere/x], wdir: gone}\n");
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("its working directory [ROOT]/gone does not exist"),
        "{said}"
    );
}

#[test]
fn what_is_not_supported_yet_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: t\ntargets: {far: {host: far}}\nstages:\n  a: {cmd: echo > x, outs: [x], retry: {limit: 2}, shell: rash}\n  p: {cmd: 'cp {{input}} {{output}}', deps: [d], outs: [q], parallel: {strategy: per_file}}\n  r: {cmd: echo > y, outs: [{path: y, remote: far}], target: far, resources: {memory_gb: 1, gpu: 1, disk_gb: 1}}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2), @"
    error: not supported yet: the shell 'rash' (stages.a.shell)
    error: not supported yet: remote outs (stages.r.outs)
    error: not supported yet: ssh targets (stages.r.target)
    error: this playbook asks for what this version cannot do yet; nothing was run
    ");
    assert_eq!(sandbox.names("."), ["playbook.yaml"]);
    let said = sandbox.run(&["validate"]).says(0);
    assert!(said.contains("not supported yet: remote outs"), "{said}");
    sandbox.run(&["validate", "--strict"]).says(2);
}

#[test]
fn a_run_whose_own_files_cannot_be_written_ends_with_an_error() {
    let sandbox = Sandbox::with_stages(THREE);
    std::fs::create_dir(sandbox.path("playbook.events.jsonl")).unwrap();
    let said = sandbox.run(&["run", "apart"]).says(6);
    assert!(
        said.contains("cannot open '[ROOT]/playbook.events.jsonl'"),
        "{said}"
    );
    assert!(!sandbox.exists(".playbook-aside-0192f3c1-0000-apart-0"));
}
