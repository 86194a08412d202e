//! Gates: quality checks whose failure stops the pipeline and whose reports stay.

use rustix::process::Signal;

use crate::support::{Sandbox, until};

/// A gate over `in` that writes what it found, and a stage that reads what it wrote; another stage does not.
const GATED: &str = "  check:
    gate: true
    cmd: |
      echo checked > report.txt
      cat in >> report.txt
      grep -q good in
    deps: [in]
    outs: [report.txt]
  use: {cmd: cat report.txt in > used, deps: [report.txt, in], outs: [used]}
  apart: {cmd: echo > z, outs: [z]}
";

fn gated(input: &str) -> Sandbox {
    let sandbox = Sandbox::with_stages(GATED);
    sandbox.write("in", input);
    sandbox
}

#[test]
fn a_gate_that_passes_lets_the_run_go_on_and_stands() {
    let sandbox = gated("good\n");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    run    check  no lock file found (first run)
    pass   check  0.00 s
    run    use    no lock file found (first run)
    done   use    0.00 s
    run    apart  no lock file found (first run)
    done   apart  0.00 s
    3 run · 0 cached · 0 failed in 0.00 s
    ");
    insta::assert_snapshot!(verdicts(&sandbox), @r#"{"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_passed","stage":"check","report":"report.txt"}"#);
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    cached check
    cached apart
    cached use
    0 run · 3 cached · 0 failed in 0.00 s (saved 0.00 s)
    ");
    let again = sandbox.run(&["run", "--json"]).prints(0);
    assert!(!again.contains("gate_"), "it did not run: {again}");
}

#[test]
fn a_gate_that_fails_stops_the_run_and_its_report_stays() {
    let sandbox = gated("bad\n");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(1), @"
    run    check  no lock file found (first run)
    error: gate 'check' failed: exit status 1
      report:  report.txt
      command: echo checked > report.txt
               cat in >> report.txt
               grep -q good in
      log:     .playbook/playbook/logs/0192f3c1-0000/check.1.log (empty)
      hint: nothing new is started until it passes; 'playbook debug check' shows how to run it by hand
    skip   use    because 'check' failed
    skip   apart  because 'check' failed
    0 run · 0 cached · 1 failed · 2 skipped in 0.00 s
    ");
    assert_eq!(sandbox.read("report.txt"), "checked\nbad\n");
    assert!(!sandbox.exists("used") && !sandbox.exists("z"));
    insta::assert_snapshot!(verdicts(&sandbox), @r#"{"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_failed","stage":"check","report":"report.txt"}"#);
    insta::assert_snapshot!(sandbox.read("playbook.lock.yaml"), @"
    schema: '1.0'
    playbook: test
    generated_at: 2026-02-16T14:00:00Z
    generator: playbook 0.1.0
    blake3_version: '1.8'
    params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
    stages:
      check:
        status: failed
        started_at: 2026-02-16T14:00:00Z
        completed_at: 2026-02-16T14:00:00Z
        duration_seconds: 0.0
        deps:
        - path: in
          hash: blake3:d25ea0de69d4c2e9d17547cb9d5f46324cbea7b1a768bdfdba0aaac68a43e7e3
          file_count: 1
          total_bytes: 4
        params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
        outs:
        - path: report.txt
          hash: blake3:af496b48752b7d934c9f8f8e72d0e2502f2b20ba605d455522526dbd0adb6aae
          file_count: 1
          total_bytes: 12
        cmd_hash: blake3:49906bd31524f0f86703bb3e2bfad5e767bf4814bf1a36f2b14b0d317b582270
    ");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    check  previous run did not complete (failed)
    run    use    not in the lock file (new stage)
    run    apart  not in the lock file (new stage)
    3 to run
    ");
}

#[test]
fn whatever_the_policy_says_a_gate_stops_the_run() {
    for policy in ["stop_on_first", "continue_on_failure", "collect_all"] {
        let sandbox = gated("bad\n");
        let text = sandbox.read("playbook.yaml");
        let policy = format!("policy: {{failure: {policy}}}\nstages:");
        sandbox.write("playbook.yaml", &text.replace("stages:", &policy));
        for args in [&["run", "-j1"][..], &["run", "-j1", "-k"]] {
            let said = sandbox.run(args).says(1);
            for stage in ["use  ", "apart"] {
                let skip = format!("skip   {stage}  because 'check' failed");
                assert!(said.contains(&skip), "{policy}: {said}");
            }
            assert!(!sandbox.exists("z"), "{policy}");
        }
    }
}

#[test]
fn what_runs_beside_a_failing_gate_may_finish_and_what_failed_before_is_told_as_it_was() {
    let sandbox = Sandbox::with_stages(
        "  bad: {cmd: exit 3, outs: [x]}\n  below: {cmd: cp x y, deps: [x], outs: [y]}\n  long: {cmd: 'echo up > began; read line < go; echo > made', outs: [made]}\n  check: {gate: true, cmd: 'read line < began; exit 1', outs: [report]}\n  last: {cmd: echo > z, outs: [z]}\n",
    );
    let go = sandbox.pipe("go");
    let began = sandbox.pipe("began");
    let live = sandbox.live(&["run", "-j2", "-k", "--json"]);
    // The gate has failed once its report is missed; only then may the long stage end.
    let log = sandbox.path("playbook.events.jsonl");
    until("the gate fails", || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.contains("gate_failed").then_some(())
    });
    go.tell("go");
    let ended = live.ended();
    drop((go, began));
    assert_eq!(ended.code, Some(1));
    let skipped: Vec<String> = events(&ended.stdout)
        .iter()
        .filter(|event| event["event"] == "stage_skipped")
        .map(|event| format!("{} because {}", event["stage"], event["because"]))
        .collect();
    assert_eq!(
        skipped,
        [r#""below" because "bad""#, r#""last" because "check""#]
    );
    assert!(sandbox.exists("made") && !sandbox.exists("z"));
}

fn events(printed: &str) -> Vec<serde_json::Value> {
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The lines of the event log that tell of a verdict.
fn verdicts(sandbox: &Sandbox) -> String {
    let log = sandbox.read("playbook.events.jsonl");
    let lines = log.lines().filter(|line| line.contains("\"gate_"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failed_gate_runs_again_until_it_passes_and_its_reports_replace_each_other() {
    let sandbox = gated("good\n");
    sandbox.ran(&[]);
    sandbox.write("in", "bad\n");
    sandbox.run(&["run"]).says(1);
    assert_eq!(sandbox.read("report.txt"), "checked\nbad\n");
    // Nothing changed, and still it does not count as passed.
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("previous run did not complete (failed)"),
        "{said}"
    );
    assert!(
        !sandbox.exists(".playbook/playbook/kept"),
        "reports are the gate's own"
    );
    sandbox.write("in", "good\n");
    assert_eq!(
        sandbox.ran(&["-j1"]),
        ["check"],
        "the same report as when it passed before"
    );
    assert_eq!(sandbox.read("report.txt"), "checked\ngood\n");
    assert!(!sandbox.exists(".playbook/playbook/kept"));
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_gate_that_fails_without_a_report_says_so_and_its_former_one_is_gone() {
    let sandbox = Sandbox::with_stages(
        "  check: {gate: true, cmd: 'grep -q good in; echo fine > report.txt; echo > more', deps: [in], outs: [report.txt, more]}\n",
    );
    sandbox.write("in", "good\n");
    sandbox.ran(&[]);
    sandbox.write("in", "bad\n");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    run    check  in changed
    error: gate 'check' failed: exit status 1
      report:  none: it did not write report.txt
      report:  none: it did not write more
      command: grep -q good in; echo fine > report.txt; echo > more
      log:     .playbook/playbook/logs/0192f3c1-0000/check.1.log (empty)
      hint: nothing new is started until it passes; 'playbook debug check' shows how to run it by hand
    0 run · 0 cached · 1 failed in 0.00 s
    ");
    assert!(
        !sandbox.exists("report.txt") && !sandbox.exists("more"),
        "what says that all is well must not lie there now"
    );
    insta::assert_snapshot!(verdicts(&sandbox), @r#"
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_passed","stage":"check","report":"report.txt"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_failed","stage":"check","report":null,"missing":["report.txt","more"]}
    "#);
}

#[test]
fn a_gate_that_ends_well_without_its_report_has_not_passed() {
    let sandbox = Sandbox::with_stages(
        "  check: {gate: true, cmd: 'echo > one', outs: [one, two]}\n  use: {cmd: cp one three, deps: [one], outs: [three]}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    run    check  no lock file found (first run)
    error: gate 'check' failed: the command succeeded but did not make two; correct the command, or the paths in 'outs'
      report:  one
      report:  none: it did not write two
      command: echo > one
      log:     .playbook/playbook/logs/0192f3c1-0000/check.1.log (empty)
      hint: nothing new is started until it passes; 'playbook debug check' shows how to run it by hand
    skip   use    because 'check' failed
    0 run · 0 cached · 1 failed · 1 skipped in 0.00 s
    ");
    assert!(sandbox.exists("one") && !sandbox.exists("three"));
}

#[test]
fn a_report_of_somebody_else_is_kept() {
    for input in ["good\n", "bad\n"] {
        let sandbox = gated(input);
        sandbox.write("report.txt", "mine\n");
        let said = sandbox
            .run(&["run", "-j1"])
            .says(i32::from(input == "bad\n"));
        let kept = ".playbook/playbook/kept/0192f3c1-0000/check/report.txt";
        let line = format!(
            "warning: report.txt as it was is not what a recorded run of stage 'check' made; in case you need it, it was moved to {kept}"
        );
        assert!(said.contains(&line), "{said}");
        assert!(!said.contains("what the command left"), "{said}");
        assert_eq!(sandbox.read(kept), "mine\n");
        assert_eq!(sandbox.read("report.txt"), format!("checked\n{input}"));
    }
}

#[test]
fn a_gate_is_tried_again_as_any_stage_and_only_its_last_word_counts() {
    let sandbox = Sandbox::with_stages(
        "  check:\n    gate: true\n    cmd: |\n      echo try >> tries; wc -l < tries > report.txt\n      [ $(wc -l < tries) -ge 3 ]\n    outs: [report.txt]\n    retry: {limit: 2, backoff: {initial: 1ms}}\n  use: {cmd: cp report.txt x, deps: [report.txt], outs: [x]}\n",
    );
    assert_eq!(sandbox.ran(&[]), ["check", "check", "check", "use"]);
    assert_eq!(sandbox.read("x").trim(), "3");
    insta::assert_snapshot!(verdicts(&sandbox), @r#"{"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_passed","stage":"check","report":"report.txt"}"#);
    assert!(
        !sandbox.exists(".playbook/playbook/kept"),
        "the reports of the first tries are the gate's own"
    );
    // Without the tries that passed, it fails in the end and the report of the last try stays.
    sandbox.write("tries", "");
    sandbox.stages(
        "  check:\n    gate: true\n    cmd: |\n      echo try >> tries; wc -l < tries > report.txt; exit 4\n    outs: [report.txt]\n    retry: {limit: 1, backoff: {initial: 1ms}}\n",
    );
    sandbox.run(&["run"]).says(1);
    assert_eq!(sandbox.read("report.txt").trim(), "2");
    assert!(!sandbox.exists(".playbook/playbook/kept"));
}

#[test]
fn a_gate_that_the_run_ends_has_not_said_anything() {
    let sandbox = Sandbox::with_stages(
        "  check: {gate: true, cmd: 'echo half > report.txt; cat go; echo whole > report.txt', outs: [report.txt], resources: {timeout: 200ms}}\n",
    );
    let go = sandbox.pipe("go");
    let said = sandbox.run(&["run"]).says(1);
    insta::assert_snapshot!(said, @"
    run    check  no lock file found (first run)
    error: gate 'check' failed: timed out after 0.2 s
      command: echo half > report.txt; cat go; echo whole > report.txt
      log:     .playbook/playbook/logs/0192f3c1-0000/check.1.log (empty)
      left:    what the command left at report.txt is now .playbook/playbook/failed/check/report.txt
      hint: nothing new is started until it passes; 'playbook debug check' shows how to run it by hand
    0 run · 0 cached · 1 failed in 0.00 s
    ");
    assert!(!sandbox.exists("report.txt"), "half a report is none");
    insta::assert_snapshot!(verdicts(&sandbox), @r#"{"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"gate_failed","stage":"check","report":null}"#);
    drop(go);
}

#[test]
fn interrupted_in_the_middle_of_a_gate_the_former_report_comes_back() {
    let sandbox = gated("good\n");
    sandbox.ran(&[]);
    let began = sandbox.pipe("began");
    let text = sandbox.read("playbook.yaml");
    let slow = "echo half > report.txt; echo up > began; sleep 600";
    sandbox.write(
        "playbook.yaml",
        &text.replace("echo checked > report.txt", slow),
    );
    for signal in [Signal::INT, Signal::KILL] {
        let mut live = sandbox.live(&["run"]);
        assert_eq!(began.hear(), "up");
        if signal == Signal::KILL {
            live.die();
        } else {
            live.signal(signal);
            assert_eq!(live.ended().code, Some(130));
            assert_eq!(sandbox.read("report.txt"), "checked\ngood\n");
        }
    }
    drop(began);
    sandbox.write("playbook.yaml", &text);
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("cut off:   check; the former report.txt is back"),
        "{said}"
    );
    let log = sandbox.read("playbook.events.jsonl");
    assert!(!log.contains("gate_failed"), "{log}");
}

#[test]
fn a_gate_that_never_began_has_not_passed_either() {
    let sandbox = Sandbox::with_stages(GATED);
    insta::assert_snapshot!(sandbox.run(&["run", "-j1", "-k"]).says(1), @"
    error: gate 'check' did not start: dep in does not exist, and no stage makes it; make it, or correct the path
      hint: nothing new is started until it passes
    skip   use    because 'check' failed
    skip   apart  because 'check' failed
    0 run · 0 cached · 1 failed · 2 skipped in 0.00 s
    ");
}

#[test]
fn gates_look_like_gates() {
    let sandbox = gated("bad\n");
    sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0), @"
    run    check (gate)
    run    └─ use
    run    apart
    3 to run
    ");
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "mermaid"]).prints(0), @r#"
    flowchart TD
      s0{{"▶ check"}}:::run
      s1["▶ use"]:::run
      s2["▶ apart"]:::run
      s0 --> s1
      classDef run fill:#dcecf9,stroke:#0067a8,color:#1b2430
    "#);
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    check  failed     (gate)
    use    not run
    apart  not run
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "check"]).prints(0), @"
    check would run, because
      - previous run did not complete (failed)

    Compared with the run that failed:

    command   same
              echo checked > report.txt
              cat in >> report.txt
              grep -q good in
    reads     in  same (4 B)
    makes     report.txt  same (12 B)
    gate      a quality check; did not pass when it last ran. If it fails, nothing new is started
    last run  failed at 2026-02-16T14:00:00Z, took 0.00 s
              in run 0192f3c1-0000-7000-8000-000000000001
              because: no lock file found (first run)
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "last/check"]).prints(0), @"
    stage 'check' in run 0192f3c1-0000: failed
      error    exit status 1
      why      no lock file found (first run)
      began    2026-02-16 14:00:00 (+0.00 s), took 0.00 s
      command  echo checked > report.txt
               cat in >> report.txt
               grep -q good in
      gate     failed
      report   report.txt
      log      .playbook/playbook/logs/0192f3c1-0000/check.1.log (no output)
    ");
    let dot = sandbox.run(&["dag", "--format", "dot"]).prints(0);
    assert!(dot.contains("shape=hexagon"), "{dot}");
    let svg = sandbox.run(&["dag", "--format", "svg"]).prints(0);
    assert_eq!(svg.matches("class=\"post\"").count(), 1);
    let json = sandbox.run(&["dag", "--format", "json"]).prints(0);
    assert_eq!(json.matches("\"gate\":true").count(), 1);
    let json = sandbox
        .run(&["log", "show", "last/check", "--json"])
        .prints(0);
    assert!(
        json.contains(r#""gate":{"passed":false,"report":"report.txt","missing":[]}"#),
        "{json}"
    );
    let page = sandbox.run(&["report", "-o", "-"]).prints(0);
    assert!(page.contains("Its report is report.txt."), "{page}");
}

#[test]
fn a_gate_is_not_adopted() {
    let sandbox = gated("bad\n");
    sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(sandbox.run(&["lock", "adopt", "check"]).says(2), @"
    error: stage 'check': it is a gate: only a run can tell whether it passes
    error: these stages cannot be adopted as they are; nothing was recorded
      hint: 'playbook run' makes what is missing; 'playbook why STAGE' shows what a stage reads and makes
    ");
}

#[test]
fn a_frozen_gate_that_failed_holds_the_run_until_it_is_forced() {
    let sandbox = gated("bad\n");
    sandbox.run(&["run", "-j1"]).says(1);
    let frozen = sandbox.read("playbook.yaml");
    let frozen = frozen.replace("gate: true", "gate: true\n    frozen: true");
    sandbox.write("playbook.yaml", &frozen);
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(1), @"
    error: gate 'check' did not start: the gate is frozen and did not pass when it last ran; run it with 'playbook run --force check', or take 'frozen' away
      hint: nothing new is started until it passes
    skip   use    because 'check' failed
    skip   apart  because 'check' failed
    0 run · 0 cached · 1 failed · 2 skipped in 0.00 s
    ");
    sandbox.write("in", "good\n");
    sandbox.run(&["run", "-j1"]).says(1);
    assert_eq!(sandbox.ran(&["--force", "check"]), ["check"]);
    assert_eq!(sandbox.ran(&["-j1"]), ["apart", "use"]);
}
