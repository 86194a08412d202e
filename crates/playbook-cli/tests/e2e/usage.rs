//! What commands used, as it is measured and told.

use serde_json::Value;

use crate::support::Sandbox;

/// A command that has a hundred million bytes in memory at once.
const LARGE: &str = "head -c 100000000 /dev/zero | tail -c 100000000 > /dev/null";
/// One that computes for a while.
const BUSY: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";

/// Runs a playbook with these stages and gives its events.
fn events(sandbox: &Sandbox, stages: &str, code: i32) -> Vec<Value> {
    sandbox.stages(stages);
    let printed = sandbox.run(&["run", "--json", "-k", "-j1"]).prints(code);
    let lines = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// What the one event of this kind says that a stage used.
fn usage<'e>(events: &'e [Value], kind: &str, stage: &str) -> &'e Value {
    let of = |event: &&Value| event["event"] == kind && event["stage"] == stage;
    &events.iter().find(of).unwrap()["usage"]
}

fn most(usage: &Value) -> f64 {
    usage["max_rss_bytes"].as_f64().unwrap_or(0.0)
}

#[test]
fn processor_time_and_memory_of_whatever_a_stage_starts() {
    let sandbox = Sandbox::new().real_clock();
    let stages = [
        format!("  busy: {{cmd: '{BUSY}', outs: []}}\n"),
        format!("  large: {{cmd: '{LARGE}'}}\n"),
        // In its group, but nobody waits for it; and in a group of its own.
        format!("  left: {{cmd: 'mkfifo f; ( ({LARGE}; echo > f) & ); read x < f'}}\n"),
        format!(
            "  gone: {{cmd: \"mkfifo g; ( setsid sh -c '{LARGE}; echo > g' & ); read x < g\"}}\n"
        ),
        format!("  list: {{cmd: ['{LARGE}', '{BUSY}', ':']}}\n"),
        "  none: {cmd: ':'}\n".to_owned(),
        "  cannot: {cmd: ':', deps: [missing]}\n".to_owned(),
        format!("  fails: {{cmd: '{LARGE}; exit 3'}}\n"),
    ];
    let events = events(&sandbox, &stages.concat(), 1);
    for stage in ["large", "left", "gone", "list"] {
        let most = most(usage(&events, "stage_completed", stage));
        assert!((1e8..1.5e8).contains(&most), "{stage}: {most}");
    }
    for stage in ["busy", "list"] {
        let usage = usage(&events, "stage_completed", stage);
        assert!(usage["user_seconds"].as_f64().unwrap() > 0.0, "{usage}");
    }
    // Too little to be told from what the program itself has is not told.
    let none = usage(&events, "stage_completed", "none");
    assert!(
        none["max_rss_bytes"].is_null() && none["system_seconds"].is_number(),
        "{none}"
    );
    assert!(usage(&events, "stage_failed", "cannot").is_null());
    assert!(most(usage(&events, "stage_failed", "fails")) > 1e8);
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(
        !lock.contains("usage") && !lock.contains("rss"),
        "a lock is a proof of what was made"
    );
    let logged = sandbox.read("playbook.events.jsonl");
    assert!(logged.contains("\"max_rss_bytes\":"));
}

#[test]
fn each_try_has_its_own() {
    let sandbox = Sandbox::new().real_clock();
    let stage = format!(
        "  a: {{cmd: '[ -e second ] || {{ touch second; {LARGE}; exit 1; }}', retry: {{limit: 1, backoff: {{initial: 0s}}}}}}\n"
    );
    let events = events(&sandbox, &stage, 0);
    assert!(most(usage(&events, "stage_retry", "a")) > 1e8);
    assert!(usage(&events, "stage_completed", "a")["max_rss_bytes"].is_null());
    let told = sandbox.run(&["log", "show", "last/a"]).prints(0);
    assert!(told.contains("), after "), "{told}");
    let told = sandbox.run(&["log", "show", "last/a", "--json"]).prints(0);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(most(&told["failed_tries"][0]["usage"]) > 1e8, "{told}");
    assert!(told["usage"]["user_seconds"].is_number(), "{told}");
}

#[test]
fn it_is_told_wherever_a_run_of_a_stage_is() {
    let sandbox = Sandbox::new().real_clock();
    events(
        &sandbox,
        &format!("  a: {{cmd: '{LARGE}; echo > x', outs: [x]}}\n"),
        0,
    );
    for args in [
        &["log", "show", "last/a"][..],
        &["why", "a"],
        &["debug", "a"],
    ] {
        let told = sandbox.run(args).prints(0);
        let line = told.lines().find(|line| line.contains("of processor time"));
        let line = line.unwrap_or_else(|| panic!("{told}"));
        assert!(
            line.contains("used")
                && line.contains(", at most 10")
                && line.ends_with(" MB of memory"),
            "{line}"
        );
    }
    for args in [&["why", "a", "--json"][..], &["debug", "a", "--json"]] {
        let told = sandbox.run(args).prints(0);
        assert!(told.contains("\"max_rss_bytes\":10"), "{told}");
    }
    sandbox.run(&["report", "-o", "report.html"]).says(0);
    let page = sandbox.read("report.html");
    assert!(page.contains(">Processor</th>") && page.contains(">Memory</th>"));
    assert!(page.contains(" MB</td>"), "{page}");
}

#[test]
fn nothing_is_told_that_was_not_measured() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'echo > x', outs: [x]}\n");
    sandbox.run(&["run"]).says(0);
    for args in [
        &["log", "show", "last/a"][..],
        &["why", "a"],
        &["debug", "a"],
    ] {
        let told = sandbox.run(args).prints(0);
        assert!(!told.contains("processor"), "{told}");
    }
    sandbox.run(&["report", "-o", "report.html"]).says(0);
    assert!(!sandbox.read("report.html").contains(">Processor<"));
}

#[test]
fn a_control_group_limits_the_memory_and_tells_of_kills() {
    let sandbox = Sandbox::with_stages(
        "  large: {cmd: ':', resources: {memory_gb: 1.5}}\n  told: {cmd: 'sh tell; kill -9 $$'}\n  inner: {cmd: 'sh tell; exit 137'}\n  other: {cmd: 'sh tell; exit 3'}\n  killed: {cmd: 'kill -9 $$'}\n",
    );
    // Both versions, where either looks for the group of a process that is alone.
    sandbox.write("tell", "n=$(cat count 2> /dev/null || echo 0)\necho $((n + 1)) > count\nfor file in memory.events memory/memory.oom_control; do echo \"oom_kill $((n + 1))\" > /sys/fs/cgroup/$file; done\n");
    let run = "set -e\nmount -t tmpfs none /sys/fs/cgroup\nmkdir /sys/fs/cgroup/memory\nsh tell\necho 1000000000 > /sys/fs/cgroup/memory.max\necho 1000000000 > /sys/fs/cgroup/memory/memory.limit_in_bytes\n\"$0\" run -j1";
    let Some(ended) = sandbox.with_mounts(&format!("{run} large")) else {
        return;
    };
    let said = ended.says(2);
    let limit = "asks for 1.5 GB of memory, and the control group of this process allows 1 GB (/sys/fs/cgroup";
    assert!(said.contains(limit), "{said}");
    let ended = sandbox.with_mounts(&format!("{run} -k told inner other killed"));
    let said = ended.unwrap().says(1);
    let failed = said.lines().filter(|line| line.contains("' failed: "));
    let failed: Vec<&str> = failed.collect();
    insta::assert_snapshot!(failed.join("\n"), @"
    error: stage 'told' failed: ended by signal 9 (SIGKILL); meanwhile the system ran out of memory and killed a process
    error: stage 'inner' failed: exit status 137; meanwhile the system ran out of memory and killed a process
    error: stage 'other' failed: exit status 3
    error: stage 'killed' failed: ended by signal 9 (SIGKILL)
    ");
}
