//! Stages that are said to be deterministic and make something else each time.

use crate::support::Sandbox;

/// Makes something else in each run: it counts them.
const COUNTS: &str = "echo run >> runs; wc -l < runs > x; echo same > y";

fn counting(more: &str) -> Sandbox {
    let sandbox = Sandbox::with_stages(&format!(
        "  count: {{cmd: '{COUNTS}', deps: [in], outs: [x, y]{more}}}\n  use: {{cmd: cp x z, deps: [x], outs: [z]}}\n"
    ));
    sandbox.write("in", "1");
    sandbox.write("apart", "1");
    sandbox.run(&["run", "-q"]).says(0);
    sandbox
}

fn is_warned(sandbox: &Sandbox, args: &[&str]) -> bool {
    let said = sandbox.run(&[&["run"], args].concat()).says(0);
    let warned = said.contains("made other bytes than before from the same inputs: x\n");
    assert_eq!(warned, said.contains("hint: find what differs"), "{said}");
    warned
}

#[test]
fn other_bytes_from_the_same_inputs_are_told_once_at_the_end() {
    let sandbox = counting("");
    insta::assert_snapshot!(sandbox.run(&["run", "--force", "count", "use"]).says(0), @"
    run    count  forced (--force)
    done   count  0.00 s
    run    use    forced (--force)
    done   use    0.00 s
    warning: 'count' made other bytes than before from the same inputs: x
      hint: find what differs each time (the time, a random seed, the order of threads, another version of a tool), or write 'deterministic: false': then it always runs, and what it makes decides
    2 run · 0 cached · 0 failed in 0.00 s
    ");
    let printed = sandbox.run(&["run", "--json", "--force", "count"]);
    assert!(
        printed
            .stderr
            .starts_with("warning: 'count' made other bytes"),
        "{printed:?}"
    );
    let printed = printed.prints(0);
    assert!(
        printed.contains(r#""changed":true,"nondeterministic":["x"]"#),
        "{printed}"
    );
    let shown = sandbox.run(&["log", "show", "last/count"]).prints(0);
    assert!(
        shown.contains("  warning  x is not what the same inputs made before\n"),
        "{shown}"
    );
    // Nothing of it makes a run fail, and what reads it goes by the bytes.
    assert_eq!(sandbox.ran(&[]), ["use"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn whatever_made_it_run_again_counts_as_long_as_its_inputs_are_the_same() {
    let sandbox = counting("");
    sandbox.remove("x");
    assert!(is_warned(&sandbox, &[]), "its out was missing");
    sandbox.write("y", "mine");
    assert!(is_warned(&sandbox, &[]), "its out was edited");
    sandbox.write("in", "2");
    assert!(!is_warned(&sandbox, &[]), "its dep changed");
    assert!(is_warned(&sandbox, &["-B", "count"]), "it was forced");
}

#[test]
fn what_cannot_be_compared_is_not() {
    let frank = counting(", deterministic: false");
    assert!(!is_warned(&frank, &[]), "it claims nothing");
    let grows = counting("");
    let text = grows.read("playbook.yaml");
    grows.write(
        "playbook.yaml",
        &text.replace("outs: [x, y]", "outs: [{path: x, persist: true}, y]"),
    );
    assert!(
        !is_warned(&grows, &["-B", "count"]),
        "what was there is one of its inputs"
    );
    let adopted = counting("");
    adopted.write("x", "mine");
    adopted.run(&["lock", "adopt", "count"]).prints(0);
    assert!(
        !is_warned(&adopted, &["-B", "count"]),
        "what was adopted it did not make"
    );
    let failed = counting("");
    let text = failed.read("playbook.yaml");
    failed.write(
        "playbook.yaml",
        &text.replace("echo run", "test ! -e bad; echo run"),
    );
    assert!(!is_warned(&failed, &[]), "its command changed");
    failed.write("bad", "");
    failed.run(&["run", "-B", "count"]).says(1);
    failed.remove("bad");
    assert!(!is_warned(&failed, &[]), "it failed in between");
    let ordered = Sandbox::new().real_clock();
    let text = frank
        .read("playbook.yaml")
        .replace(", deterministic: false", ", after: [first]");
    let first = "stages:\n  first: {cmd: cp apart f, deps: [apart], outs: [f]}";
    ordered.write("playbook.yaml", &text.replace("stages:", first));
    ordered.write("in", "1");
    ordered.write("apart", "1");
    ordered.run(&["run", "-q"]).says(0);
    ordered.write("apart", "2");
    assert!(
        !is_warned(&ordered, &[]),
        "it is ordered after one that ran"
    );
    assert!(
        is_warned(&ordered, &["-B", "count"]),
        "that did not run again"
    );
}

#[test]
fn a_steady_stage_may_be_forced_as_often_as_one_likes() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir d; cp in d/x; chmod 700 d/x', deps: [in], outs: [d]}\n",
    );
    sandbox.write("in", "1");
    for _ in 0..3 {
        let said = sandbox.run(&["run", "-B"]).says(0);
        assert!(!said.contains("warning"), "{said}");
    }
}
