//! Stages that are tried again.

use rustix::process::Signal;

use crate::support::Sandbox;

/// A stage that fails this way until its `n`-th try, which makes `x`.
fn fails_until(n: u32, how: &str, retry: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!(
            "version: '1.0'\nname: p\nstages:\n  a:\n    cmd: |\n      echo try >> tries; echo said $(wc -l < tries)\n      if [ $(wc -l < tries) -lt {n} ]; then echo half > x; {how}; fi\n      echo whole > x\n    outs: [x]\n    retry: {retry}\n  b: {{cmd: cp x y, deps: [x], outs: [y]}}\n"
        ),
    );
    sandbox
}

fn tries(sandbox: &Sandbox) -> usize {
    sandbox.read("tries").lines().count()
}

#[test]
fn a_stage_is_tried_again_until_it_makes_its_outs() {
    let sandbox = fails_until(
        3,
        "exit 1",
        "{limit: 5, backoff: {initial: 1ms, factor: 2}}",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0), @"
    run    a  no lock file found (first run)
    retry  a  exit status 1; try 2 in 0.00 s
    run    a  try 2
    retry  a  exit status 1; try 3 in 0.00 s
    run    a  try 3
    done   a  0.00 s
    run    b  no lock file found (first run)
    done   b  0.00 s
    2 run · 0 cached · 0 failed in 0.00 s
    ");
    assert_eq!(tries(&sandbox), 3);
    assert_eq!(
        (sandbox.read("x"), sandbox.read("y")),
        ("whole\n".to_owned(), "whole\n".to_owned())
    );
    let log = |attempt: u32| {
        sandbox.read(&format!(
            ".playbook/playbook/logs/0192f3c1-0000/a.{attempt}.log"
        ))
    };
    assert_eq!(
        [log(1), log(2), log(3)],
        ["said 1\n", "said 2\n", "said 3\n"]
    );
    assert!(
        sandbox
            .read("playbook.lock.yaml")
            .contains("    retries: 2\n")
    );
    let events = sandbox.read("playbook.events.jsonl");
    let waits: Vec<&str> = events
        .lines()
        .filter(|line| line.contains("stage_retry"))
        .collect();
    insta::assert_snapshot!(waits.join("\n"), @r#"
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_retry","stage":"a","attempt":2,"backoff_seconds":0.001,"error":"exit status 1","log":".playbook/playbook/logs/0192f3c1-0000/a.1.log"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_retry","stage":"a","attempt":3,"backoff_seconds":0.002,"error":"exit status 1","log":".playbook/playbook/logs/0192f3c1-0000/a.2.log"}
    "#);
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "what was made in the end stands"
    );
}

#[test]
fn tries_are_bounded_and_the_last_one_is_told() {
    let sandbox = fails_until(9, "exit 7", "{limit: 2, backoff: {initial: 1ms}}");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    run    a  no lock file found (first run)
    retry  a  exit status 7; try 2 in 0.00 s
    run    a  try 2
    retry  a  exit status 7; try 3 in 0.00 s
    run    a  try 3
    error: stage 'a' failed: exit status 7
      command: echo try >> tries; echo said $(wc -l < tries)
               if [ $(wc -l < tries) -lt 9 ]; then echo half > x; exit 7; fi
               echo whole > x
      log:     .playbook/playbook/logs/0192f3c1-0000/a.3.log (all of it)
        | said 3
      left:    what the command left at x is now .playbook/playbook/failed/a/x
      hint: 'playbook debug a' shows how to run it by hand
    skip   b  because 'a' failed
    0 run · 0 cached · 1 failed · 1 skipped in 0.00 s
    ");
    assert_eq!(tries(&sandbox), 3);
    assert!(
        !sandbox.exists("x"),
        "what the last try left is not taken for an out"
    );
}

#[test]
fn a_try_that_is_due_at_once_is_not_waited_for_in_vain() {
    let sandbox = fails_until(
        100,
        "exit 1",
        "{limit: 200, backoff: {initial: 1ms, factor: 1, max: 1ms}}",
    );
    sandbox.run(&["run", "-q"]).says(0);
    assert_eq!(tries(&sandbox), 100);
}

#[test]
fn each_policy_knows_its_failures() {
    for (policy, how, expected) in [
        ("on_transient", "exit 1", 2),
        ("on_transient", "exit 75", 2),
        ("on_transient", "exit 137", 2),
        ("on_transient", "exit 143", 2),
        ("on_transient", "rm x; exit 0", 1),
        ("on_transient", "kill -9 $$", 2),
        ("on_transient", "exit 3", 1),
        ("on_timeout", "exit 75", 1),
        ("on_failure", "exit 3", 2),
        ("on_failure", "rm x; exit 0", 2),
        ("never", "exit 1", 1),
    ] {
        let retry = format!("{{limit: 9, policy: {policy}, backoff: {{initial: 1ms}}}}");
        let sandbox = fails_until(2, how, &retry);
        let code = sandbox.run(&["run"]).code;
        assert_eq!(
            (code, tries(&sandbox)),
            (Some(i32::from(expected == 1)), expected),
            "{policy}: {how}"
        );
    }
}

#[test]
fn a_timeout_is_tried_again() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo try >> tries; cat hold', outs: [x], resources: {timeout: 50ms}, retry: {limit: 1, policy: on_timeout, backoff: {initial: 1ms}}}\n",
    )
    .real_clock();
    sandbox.fifo("hold");
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("retry  a  timed out after 0.05 s; try 2 in 0.00 s"),
        "{said}"
    );
    assert!(
        said.contains("stage 'a' failed: timed out after 0.05 s"),
        "{said}"
    );
    assert_eq!(tries(&sandbox), 2);
}

#[test]
fn a_timeout_is_nothing_that_goes_away_by_itself() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo try >> tries; cat hold', outs: [x], resources: {timeout: 50ms}, retry: {limit: 9, policy: on_transient, backoff: {initial: 0s}}}\n",
    )
    .real_clock();
    sandbox.fifo("hold");
    sandbox.run(&["run"]).says(1);
    assert_eq!(tries(&sandbox), 1);
}

#[test]
fn no_retries_are_one_try() {
    let sandbox = fails_until(2, "exit 1", "{limit: 0}");
    let said = sandbox.run(&["run"]).says(1);
    assert!(!said.contains("retry"), "{said}");
    assert_eq!(tries(&sandbox), 1);
}

#[test]
fn a_wait_of_ages_can_be_interrupted() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'exit 1', outs: [x], retry: {limit: 9, backoff: {initial: 9000000000000000000s, factor: 1e300, max: 9000000000000000000s}}}\n  b: {cmd: 'echo > y; echo up > news', outs: [y]}\n",
    )
    .real_clock();
    let news = sandbox.pipe("news");
    let run = sandbox.live(&["run", "-j1"]);
    assert_eq!(news.hear(), "up");
    run.signal(Signal::INT);
    let ended = run.ended();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
}

#[test]
fn who_is_to_be_tried_again_waits_for_room_like_any_other() {
    // Due at once, it finds its cores taken by 'b', which ends only when 'c' has run in the room that is left.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo try >> tries; [ -e c ]', resources: {cores: 2}, retry: {limit: 1, backoff: {initial: 0s}}}\n  b: {cmd: 'touch began; until [ -e c ]; do :; done; echo > y', outs: [y], resources: {cores: 2}}\n  c: {cmd: 'echo > c', outs: [c], after: [d]}\n  d: {cmd: 'until [ -e began ]; do :; done; echo > d', outs: [d]}\n",
    );
    let said = sandbox.run(&["run", "-j3"]).says(0);
    assert!(said.contains("run    a  try 2"), "{said}");
    assert_eq!(tries(&sandbox), 2);
}

/// One that waits an hour for its next try, and another beside it.
fn waits_long(other: &str) -> Sandbox {
    Sandbox::with_stages(&format!(
        "  a: {{cmd: 'echo try >> tries; exit 1', outs: [x], retry: {{limit: 1, backoff: {{initial: 1h, max: 1h}}}}}}\n  b: {{cmd: '{other}', outs: [y]}}\n"
    ))
    .real_clock()
}

#[test]
fn who_waits_takes_no_place_and_an_interrupt_ends_the_waiting() {
    let sandbox = waits_long("echo > y; echo up > news");
    let news = sandbox.pipe("news");
    let run = sandbox.live(&["run", "-j1"]);
    assert_eq!(news.hear(), "up");
    run.signal(Signal::INT);
    let ended = run.ended();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_eq!(tries(&sandbox), 1);
    assert!(
        ended
            .stderr
            .contains("retry  a  exit status 1; try 2 in 1 h"),
        "{}",
        ended.stderr
    );
    let status = sandbox.run(&["status"]).prints(0);
    assert!(
        status.contains("run    a  previous run did not complete (failed)"),
        "{status}"
    );
}

#[test]
fn another_failure_ends_the_waiting() {
    let sandbox = waits_long("exit 2");
    let said = sandbox.run(&["run", "-j1"]).says(1);
    assert!(said.contains("stage 'a' failed: exit status 1"), "{said}");
    assert!(said.contains("stage 'b' failed: exit status 2"), "{said}");
    assert_eq!(tries(&sandbox), 1);
}

#[test]
fn a_run_killed_while_a_stage_waits_tries_it_anew() {
    let sandbox = waits_long("echo > y; echo up > news; cat hold");
    sandbox.fifo("hold");
    let news = sandbox.pipe("news");
    let mut run = sandbox.live(&["run", "-j1"]);
    assert_eq!(news.hear(), "up");
    run.die();
    drop(run);
    let status = sandbox.run(&["status"]).prints(0);
    assert!(
        status.contains("run    a  previous run did not complete (failed)"),
        "{status}"
    );
}
