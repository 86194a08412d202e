//! Effects of fields that no other test looks at.

use std::fs;

use serde_json::Value;

use crate::support::{Sandbox, started};

/// A playbook with these lines at its top and these stages.
fn playbook(top: &str, stages: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    rewrite(&sandbox, top, stages);
    sandbox
}

fn rewrite(sandbox: &Sandbox, top: &str, stages: &str) {
    let text = format!("version: \"1.0\"\nname: t\n{top}\nstages:\n{stages}");
    sandbox.write("playbook.yaml", &text);
}

fn nothing() -> Vec<String> {
    Vec::new()
}

/// The events of a kind, from `run --json`.
fn events(printed: &str, kind: &str) -> Vec<Value> {
    let all = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    all.filter(|event: &Value| event["event"] == kind).collect()
}

#[test]
fn the_version_is_text_or_the_number_it_looks_like() {
    let sandbox = playbook("", "  a: {cmd: echo > x, outs: [x]}\n");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    let text = sandbox.read("playbook.yaml").replace("\"1.0\"", "1.0");
    sandbox.write("playbook.yaml", &text);
    assert_eq!(sandbox.ran(&[]), nothing());
    // Another one is not guessed at.
    sandbox.write("playbook.yaml", &text.replace("1.0", "1.1"));
    let said = sandbox.run(&["run"]).says(2);
    assert!(said.contains("version 1.1 is not supported"), "{said}");
}

#[test]
fn the_lock_and_the_event_log_have_the_name() {
    let sandbox = playbook("", "  a: {cmd: echo > x, outs: [x]}\n");
    let text = sandbox
        .read("playbook.yaml")
        .replace("name: t", "name: all of it");
    sandbox.write("playbook.yaml", &text);
    sandbox.run(&["run"]).says(0);
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(lock.contains("\nplaybook: all of it\n"), "{lock}");
    let log = sandbox.read("playbook.events.jsonl");
    assert!(log.contains(r#""playbook":"all of it""#), "{log}");
    // It is for people, and decides nothing.
    sandbox.write("playbook.yaml", &text.replace("all of it", "another"));
    assert_eq!(sandbox.ran(&[]), nothing());
}

#[test]
fn pictures_have_the_description() {
    let sandbox = playbook(
        "description: Where it all comes from",
        "  a: {cmd: echo > x, outs: [x]}\n",
    );
    for format in ["json", "html", "svg"] {
        let drawn = sandbox.run(&["dag", "--format", format]).prints(0);
        assert!(
            drawn.contains("Where it all comes from"),
            "{format}: {drawn}"
        );
    }
    sandbox.ran(&[]);
    rewrite(
        &sandbox,
        "description: other",
        "  a: {cmd: echo > x, outs: [x], description: one}\n",
    );
    assert_eq!(sandbox.ran(&[]), nothing());
}

#[test]
fn a_path_in_a_map_is_read_and_made_like_any_other() {
    let sandbox = playbook(
        "",
        "  b: {cmd: cp x y, deps: [{path: ./x}], outs: [{path: y}]}\n  a: {cmd: cp in x, deps: [{path: in}], outs: [{path: x}]}\n",
    );
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert_eq!(sandbox.read("y"), "2");
    sandbox.remove("y");
    assert_eq!(sandbox.ran(&[]), ["b"]);
}

#[test]
fn types_are_shown_and_decide_nothing() {
    let stages = |dep: &str, out: &str| {
        format!(
            "  a: {{cmd: cp in x, deps: [{{path: in, type: {dep}}}], outs: [{{path: x, type: {out}}}]}}\n  b: {{cmd: cp x y, deps: [x], outs: [y]}}\n"
        )
    };
    let sandbox = playbook("", &stages("audio", "transcript"));
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    let drawn = sandbox.run(&["dag", "--format", "json"]).prints(0);
    let drawn: Value = serde_json::from_str(&drawn).unwrap();
    assert_eq!(
        drawn["nodes"][0]["types"].to_string(),
        r#"{"in":"audio","x":"transcript"}"#
    );
    assert_eq!(drawn["nodes"][1].get("types"), None);
    for format in ["html", "svg"] {
        let drawn = sandbox.run(&["dag", "--format", format]).prints(0);
        for shown in ["in (audio)", "x (transcript)"] {
            assert!(drawn.contains(shown), "{format}: {drawn}");
        }
    }
    rewrite(&sandbox, "", &stages("video", "subtitles"));
    assert_eq!(sandbox.ran(&[]), nothing());
}

#[test]
fn a_param_that_is_only_named_decides() {
    let stages = "  a: {cmd: cp in x, deps: [in], outs: [x], params: [model.size]}\n  b: {cmd: cp in y, deps: [in], outs: [y]}\n";
    let sandbox = playbook("params: {model: {size: 1, name: m}}", stages);
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert_eq!(sandbox.ran(&["--set", "model.name=n"]), nothing());
    let said = sandbox.run(&["run", "--set", "model.size=2"]).says(0);
    assert!(
        said.contains("run    a  param model.size: 1 → 2\n"),
        "{said}"
    );
    assert!(said.contains("cached b\n"), "{said}");
}

#[test]
fn an_out_elsewhere_is_refused_before_anything_runs() {
    let stages = "  first: {cmd: echo > z, outs: [z]}\n  a: {cmd: echo > x, outs: [{path: x, remote: box}]}\n";
    let sandbox = playbook("targets: {box: {}}", stages);
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("not supported yet: remote outs (stages.a.outs)"),
        "{said}"
    );
    assert_eq!(sandbox.names("."), ["playbook.yaml"]);
}

#[test]
fn a_target_is_this_machine_or_nothing_runs() {
    let stage = "  a: {cmd: echo > x, outs: [x], target: box}\n";
    for here in [
        "{}",
        "{kind: local}",
        "{host: localhost}",
        "{kind: local, host: localhost}",
        "{kind: ssh, host: localhost, ssh_user: me, files: sync}",
    ] {
        let sandbox = playbook(&format!("targets: {{box: {here}}}"), stage);
        assert_eq!(sandbox.ran(&[]), ["a"], "{here}");
        let said = sandbox.run(&["validate"]).says(0);
        for idle in ["ssh_user", "files"] {
            let told = said.contains(&format!(
                "'{idle}' means nothing for target 'box', which is this machine"
            ));
            assert_eq!(told, here.contains(idle), "{here}: {said}");
        }
    }
    for (there, what) in [
        ("{host: far, workdir: /scratch, files: shared}", "ssh"),
        ("{kind: ssh, host: far, ssh_user: me, files: sync}", "ssh"),
        ("{kind: slurm}", "slurm"),
        ("{kind: slurm, host: localhost}", "slurm"),
    ] {
        let sandbox = playbook(&format!("targets: {{box: {there}}}"), stage);
        let said = sandbox.run(&["run"]).says(2);
        assert!(
            said.contains(&format!("not supported yet: {what} targets")),
            "{there}: {said}"
        );
        assert!(!sandbox.exists("x"), "{there}");
    }
}

#[test]
fn waits_grow_by_the_factor_up_to_the_longest() {
    let waits = |backoff: &str| {
        let stage =
            format!("  a: {{cmd: exit 1, outs: [x], retry: {{limit: 5, backoff: {backoff}}}}}\n");
        let printed = playbook("", &stage).run(&["run", "--json"]).prints(1);
        let retries = events(&printed, "stage_retry");
        let seconds = retries
            .iter()
            .map(|event| event["backoff_seconds"].as_f64().unwrap());
        seconds
            .map(|seconds| (seconds * 1e3).round())
            .collect::<Vec<_>>()
    };
    assert_eq!(waits("{initial: 1ms}"), [1.0, 2.0, 4.0, 8.0, 16.0]);
    assert_eq!(waits("{initial: 2ms, factor: 1}"), [2.0; 5]);
    assert_eq!(
        waits("{initial: 1ms, factor: 3}"),
        [1.0, 3.0, 9.0, 27.0, 81.0]
    );
    assert_eq!(
        waits("{initial: 1ms, factor: 3, max: 4ms}"),
        [1.0, 3.0, 4.0, 4.0, 4.0]
    );
    assert_eq!(waits("{initial: 0s, factor: 9}"), [0.0; 5]);
}

#[test]
fn each_item_is_a_stage() {
    let of = |items: &str, cmd: &str| {
        format!(
            "  a:\n    foreach: {items}\n    cmd: 'echo {cmd} > {{{{ outs }}}}'\n    outs: ['{{{{ key }}}}.txt']\n"
        )
    };
    let sandbox = playbook("", &of("{us: {size: 1}, uk: {size: 2}}", "{{ item.size }}"));
    let printed = sandbox.run(&["run", "--json", "-j1"]).prints(0);
    assert_eq!(started(&printed), ["a@us", "a@uk"]);
    assert_eq!(
        (sandbox.read("us.txt"), sandbox.read("uk.txt")),
        ("1\n".to_owned(), "2\n".to_owned())
    );
    rewrite(
        &sandbox,
        "",
        &of(
            "{us: {size: 1}, uk: {size: 3}, fr: {size: 4}}",
            "{{ item.size }}",
        ),
    );
    let printed = sandbox.run(&["run", "--json", "-j1"]).prints(0);
    assert_eq!(started(&printed), ["a@uk", "a@fr"], "each by itself");
    rewrite(&sandbox, "", &of("[p, q]", "{{ item }}"));
    sandbox.ran(&[]);
    assert_eq!(
        (sandbox.read("p.txt"), sandbox.read("q.txt")),
        ("p\n".to_owned(), "q\n".to_owned())
    );
}

const FILES: [&str; 4] = ["a.txt", "b.csv", "deep/c.txt", "d.txt.bak"];

/// A fan-out over some files with these further settings.
fn fan_out(top: &str, cmd: &str, settings: &str) -> Sandbox {
    let stage = format!(
        "  up:\n    cmd: '{cmd}'\n    deps: [raw]\n    outs: [done]\n    parallel: {{strategy: per_file{settings}}}\n"
    );
    let sandbox = playbook(top, &stage);
    for name in FILES {
        sandbox.write(&format!("raw/{name}"), name);
    }
    sandbox
}

#[test]
fn the_glob_says_which_files_are_jobs() {
    for (settings, jobs) in [
        (
            "",
            &["raw/a.txt", "raw/b.csv", "raw/d.txt.bak", "raw/deep/c.txt"][..],
        ),
        (", glob: '*.txt'", &["raw/a.txt"]),
        (", glob: '**/*.txt'", &["raw/a.txt", "raw/deep/c.txt"]),
        (", glob: '*.{txt,csv}'", &["raw/a.txt", "raw/b.csv"]),
        (", glob: 'deep/?.txt'", &["raw/deep/c.txt"]),
    ] {
        let sandbox = fan_out(
            "",
            "echo {{input}} >> jobs; cp {{input}} {{output}}",
            settings,
        );
        sandbox.run(&["run", "-j1"]).says(0);
        let done = sandbox.read("jobs");
        let mut done: Vec<&str> = done.lines().collect();
        done.sort_unstable();
        assert_eq!(done, jobs, "{settings}");
        for job in jobs {
            assert!(
                sandbox.exists(&job.replace("raw/", "done/")),
                "{settings}: {job}"
            );
        }
    }
}

#[test]
fn no_more_jobs_at_once_than_workers() {
    // One at a time: each would find the other's mark.
    let alone = "mkdir busy; rmdir busy; cp {{input}} {{output}}";
    fan_out("", alone, ", max_workers: 1")
        .run(&["run", "-j4"])
        .says(0);
    // Two at a time: the first two wait for each other.
    let met = "touch b{{input_stem}}; case {{input_stem}} in a) until [ -e bb ]; do :; done;; b) until [ -e ba ]; do :; done;; esac; cp {{input}} {{output}}";
    fan_out("", met, ", max_workers: 2, glob: '*.???'")
        .run(&["run", "-j4"])
        .says(0);
}

#[test]
fn jobs_leave_their_directories_where_the_policy_says() {
    let below = |sandbox: &Sandbox, path: &str| {
        fs::read_dir(sandbox.path(path)).map_or(0, std::iter::Iterator::count)
    };
    let make = "cp {{input}} {{work_dir}}/t; cp {{work_dir}}/t {{output}}";
    let sandbox = fan_out("", make, "");
    sandbox.run(&["run"]).says(0);
    assert!(!sandbox.exists("scratch"));
    // They go with success, unless they are to stay.
    for (clean, left) in [("true", 0), ("false", 4)] {
        let top = format!("policy: {{work_dir: scratch/jobs, clean_on_success: {clean}}}");
        let sandbox = fan_out(&top, make, "");
        sandbox.run(&["run"]).says(0);
        let copies = find(&sandbox.path("."), "t");
        assert_eq!(copies.len(), left, "{copies:?}");
        assert!(
            copies.iter().all(|path| path.contains("/scratch/jobs/")),
            "{copies:?}"
        );
        assert_eq!(below(&sandbox, "done"), 4);
    }
    // That of a job that failed stays in any case.
    let sandbox = fan_out("policy: {work_dir: scratch/jobs}", "exit 3", "");
    let said = sandbox.run(&["run", "-j1"]).says(1);
    assert!(said.contains("work:    scratch/jobs/"), "{said}");
    assert_eq!(find(&sandbox.path("scratch"), "command.sh").len(), 1);
}

/// All files of that name.
fn find(directory: &std::path::Path, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(find(&path, name));
        } else if path.file_name().unwrap() == name {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn checks_are_called_by_their_names() {
    let sandbox = playbook(
        "compliance: {pre_flight: [{cmd: test -e in, name: there}, {cmd: test -s in}], post_flight: [{cmd: test -s x, name: some}]}",
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n",
    );
    sandbox.write("in", "1");
    let names = ["pre_flight.there", "pre_flight.2", "a", "post_flight.some"];
    assert_eq!(sandbox.ran(&["-j1"]), names);
    assert_eq!(
        sandbox.ran(&["-j1", "post_flight.some"]),
        ["pre_flight.there", "pre_flight.2", "post_flight.some"]
    );
}
