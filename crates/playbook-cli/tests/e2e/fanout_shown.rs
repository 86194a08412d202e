//! How far the jobs of fan-outs have come, where stages are listed, drawn and reported on.

use serde_json::Value;

use crate::support::Sandbox;

const UP: &str = "  up: {description: Upper-cases, deps: [raw], outs: [done], cmd: 'grep -q good {{input}}; tr a-z A-Z < {{input}} > {{output}}', parallel: {strategy: per_file}}\n  all: {cmd: 'cat done/* > all', deps: [done], outs: [all]}\n";

/// Of three jobs the second fails.
fn failed() -> Sandbox {
    let sandbox = Sandbox::with_stages(UP);
    sandbox.write("raw/a", "good");
    sandbox.write("raw/b", "bad");
    sandbox.write("raw/c", "good");
    sandbox
}

fn jobs(row: &Value) -> (u64, u64) {
    let count = |name: &str| row["jobs"][name].as_u64().unwrap();
    (count("done"), count("total"))
}

#[test]
fn a_list_says_how_far_jobs_had_come_without_looking_at_files() {
    let sandbox = failed();
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    up   not run    Upper-cases
    all  not run
    ");
    sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    up   failed     (1 of 3 jobs done) Upper-cases
    all  not run
    ");
    let first = |printed: &str| serde_json::from_str::<Value>(printed.lines().next().unwrap());
    let row = first(&sandbox.run(&["list", "--json"]).prints(0)).unwrap();
    assert_eq!(jobs(&row), (1, 3));
    let all = sandbox.run(&["list", "--json"]).prints(0);
    assert_eq!(all.matches("\"jobs\"").count(), 1, "{all}");

    sandbox.write("raw/b", "good now");
    sandbox.run(&["run"]).says(0);
    // Not even the directory is asked.
    std::fs::remove_dir_all(sandbox.path("raw")).unwrap();
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    up   completed  (3 of 3 jobs done) Upper-cases
    all  completed
    ");
    sandbox.run(&["clean", "--jobs", "--yes"]).prints(0);
    let told = sandbox.run(&["list"]).prints(0);
    assert!(!told.contains("jobs"), "{told}");
}

#[test]
fn a_picture_says_what_a_run_would_find_done() {
    let sandbox = failed();
    sandbox.run(&["run", "-k", "-j1"]).says(1);
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0), @"
    run    up (2 of 3 jobs done)
    run    └─ all
    2 to run
    ");
    sandbox.write("raw/d", "good");
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0), @"
    run    up (2 of 4 jobs done)
    run    └─ all
    2 to run
    ");
    // Where nobody looks, it is what is on record.
    insta::assert_snapshot!(sandbox.run(&["dag", "--no-state"]).prints(0), @"
    up (2 of 3 jobs done)
    └─ all
    2 stages
    ");
    let graph: Value =
        serde_json::from_str(&sandbox.run(&["dag", "--format", "json"]).prints(0)).unwrap();
    assert_eq!(jobs(&graph["nodes"][0]), (2, 4));
    assert!(graph["nodes"][1].get("jobs").is_none());
    for format in ["dot", "svg", "html"] {
        let drawn = sandbox.run(&["dag", "--format", format]).prints(0);
        assert!(drawn.contains("2 of 4 jobs done"), "{format}: {drawn}");
    }
}

#[test]
fn a_job_that_is_tried_again_is_told_of() {
    let sandbox = Sandbox::with_stages(
        "  up: {deps: [raw], outs: [done], cmd: 'echo >> tries-{{input_stem}}; test {{input_stem}} = a || test $(wc -l < tries-{{input_stem}}) = 3; cp {{input}} {{output}}', parallel: {strategy: per_file}, retry: {limit: 2, backoff: {initial: 1ms}}}\n",
    );
    for name in ["a", "b", "c", "d", "e"] {
        sandbox.write(&format!("raw/{name}"), name);
    }
    let said = sandbox.run(&["run", "-j1"]).says(0);
    assert_eq!(said.matches("retry  up  job raw/").count(), 8, "{said}");
    assert!(
        said.contains("retry  up  job raw/b: exit status 1; try 2 in 0.00 s\n"),
        "{said}"
    );
    let events = sandbox.read("playbook.events.jsonl");
    let event = events
        .lines()
        .find(|line| line.contains("job_retry"))
        .unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    let id = event["job"]["id"].as_str().unwrap();
    insta::assert_snapshot!(event.to_string().replace(id, "[ID]"), @r#"{"attempt":2,"backoff_seconds":0.001,"error":"exit status 1","event":"job_retry","job":{"command":"echo >> tries-b; test b = a || test $(wc -l < tries-b) = 3; cp raw/b done/b","id":"[ID]","input":"raw/b","work_dir":".playbook/playbook/work/c1/f8efde18ec33a40fed495b01e7522012f7648ae0ced5abec788641e029d034"},"run_id":"0192f3c1-0000-7000-8000-000000000001","stage":"up","ts":"2026-02-16T14:00:00Z"}"#);
    let told = sandbox.run(&["log", "show", "last/up"]).prints(0);
    let tries: Vec<&str> = told.lines().filter(|line| line.contains("tr")).collect();
    assert!(tries[0].starts_with("  try 1    job raw/b ("), "{told}");
    assert!(tries[0].ends_with("): exit status 1"), "{told}");
    assert!(
        told.contains("and 3 more tries of jobs that failed\n"),
        "{told}"
    );
    let row = sandbox.run(&["log", "show", "last/up", "--json"]).prints(0);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["job_retries"].as_array().unwrap().len(), 8);
    assert_eq!(row["job_retries"][0]["job"]["input"], "raw/b");
    assert_eq!(row["attempts"], 1);
}

#[test]
fn a_report_counts_the_jobs_of_its_run() {
    let sandbox = failed();
    sandbox.run(&["run", "-j1"]).says(1);
    let page = sandbox.run(&["report", "-o", "-"]).prints(0);
    let pairs = |page: &str| {
        let card = crate::support::data(page);
        let cards = card["stages"].as_array().unwrap();
        let sections = cards[0]["sections"].as_array().unwrap();
        let found = sections.iter().find(|section| section["head"] == "Jobs");
        found
            .map(|section| section["pairs"].to_string())
            .unwrap_or_default()
    };
    insta::assert_snapshot!(pairs(&page), @r#"[["jobs in all","3"],["ran","1"],["failed","1"],["did not come to their end","1"]]"#);
    sandbox.write("raw/b", "good");
    sandbox.run(&["run"]).says(0);
    insta::assert_snapshot!(pairs(&sandbox.run(&["report", "-o", "-"]).prints(0)), @r#"[["jobs in all","3"],["ran","2"],["were done before","1"]]"#);
    // Of a run that found it done there is nothing to count.
    sandbox.write("all", "edited");
    sandbox.run(&["run"]).says(0);
    assert_eq!(pairs(&sandbox.run(&["report", "-o", "-"]).prints(0)), "");
}
