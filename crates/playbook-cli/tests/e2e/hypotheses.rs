//! What one would try first to prove the program wrong.

use crate::support::Sandbox;

/// Five stages in a row, of which the third does this.
fn five(third: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let rest = "  s4: {cmd: 'echo ran >> s4.ran; cp c d', deps: [c], outs: [d]}\n  s5: {cmd: 'echo ran >> s5.ran; cp d e', deps: [d], outs: [e]}\n";
    sandbox.write(
        "playbook.yaml",
        &format!(
            "version: '1.0'\nname: five\nparams: {{lr: 0.1, depth: 2}}\nstages:\n  s1: {{cmd: cp in a, deps: [in], outs: [a]}}\n  s2: {{cmd: 'cat a > b; echo {{{{params.lr}}}} >> b', deps: [a], outs: [b]}}\n  s3: {{cmd: '{third}', deps: [b], outs: [c]}}\n{rest}"
        ),
    );
    sandbox.write("in", "1\n");
    sandbox
}

#[test]
fn after_a_failure_in_the_middle_of_five_the_later_two_never_start() {
    for jobs in ["-j1", "-j4"] {
        let sandbox = five("exit 7");
        let printed = sandbox.run(&["run", "--json", jobs]).prints(1);
        assert_eq!(crate::support::started(&printed), ["s1", "s2", "s3"]);
        assert!(!sandbox.exists("s4.ran") && !sandbox.exists("s5.ran"));
        // What was done stays done.
        let text = sandbox.read("playbook.yaml").replace("exit 7", "cp b c");
        sandbox.write("playbook.yaml", &text);
        assert_eq!(sandbox.ran(&[jobs]), ["s3", "s4", "s5"]);
    }
}

#[test]
fn a_new_stage_leaves_every_other_cached_wherever_it_stands() {
    let sandbox = five("cp b c");
    sandbox.ran(&[]);
    let text = sandbox.read("playbook.yaml");
    let new = "  new: {cmd: cp in n, deps: [in], outs: [n]}\n";
    sandbox.write(
        "playbook.yaml",
        &text.replace("  s1:", &format!("{new}  s1:")),
    );
    assert_eq!(sandbox.ran(&[]), ["new"]);
    sandbox.write("playbook.yaml", &format!("{text}{new}"));
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("playbook.yaml", &text);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_changed_param_is_named_with_what_it_was_and_only_what_uses_it_runs() {
    let sandbox = five("wc -l < b > c");
    sandbox.ran(&[]);
    insta::assert_snapshot!(sandbox.run(&["run", "--set", "lr=0.2"]).says(0), @"
    warning: no stage uses the param 'depth'
      --> playbook.yaml:3:19
    3 | params: {lr: 0.1, depth: 2}
      |                   ^^^^^
      hint: use it as {{ params.depth }} in a 'cmd', name it in a stage's 'params', or remove it
    cached s1
    run    s2  param lr: 0.1 → 0.2
    done   s2  0.00 s
    run    s3  b changed
    done   s3  0.00 s, made the same as before
    cached s4
    cached s5
    2 run · 3 cached · 0 failed in 0.00 s (saved 0.00 s)
    ");
    assert_eq!(
        sandbox.ran(&["--set", "depth=3", "--set", "lr=0.2"]),
        Vec::<String>::new()
    );
}

#[test]
fn tries_come_to_an_end() {
    let sandbox = five("echo try >> tries; exit 1");
    let text = sandbox.read("playbook.yaml");
    let retry = "outs: [c], retry: {limit: 4, backoff: {initial: 1ms}}";
    sandbox.write("playbook.yaml", &text.replace("outs: [c]", retry));
    let printed = sandbox.run(&["run", "--json"]).prints(1);
    assert_eq!(sandbox.read("tries").lines().count(), 5);
    assert_eq!(printed.matches("\"event\":\"stage_retry\"").count(), 4);
    assert_eq!(printed.matches("\"event\":\"stage_failed\"").count(), 1);
}

#[test]
fn a_gate_in_the_middle_of_five_stops_them_and_leaves_its_report() {
    let sandbox = five("wc -l < b > c; test $(cat c) -lt 2");
    let text = sandbox.read("playbook.yaml");
    let gate = "outs: [c], gate: true";
    sandbox.write("playbook.yaml", &text.replace("outs: [c]", gate));
    let printed = sandbox.run(&["run", "--json", "-k"]).prints(1);
    assert_eq!(crate::support::started(&printed), ["s1", "s2", "s3"]);
    assert!(
        printed.contains(r#""event":"gate_failed","stage":"s3","report":"c""#),
        "{printed}"
    );
    assert_eq!(sandbox.read("c").trim(), "2");
}
