//! Every reason there is, and what `status`, `why` and `run` say of it to people and to programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::Sandbox;

/// A reason, how it comes about after a first run, and what is asked then. What runs does so one after the other, so that
/// the order in which it is told is the same everywhere.
struct Case {
    name: &'static str,
    edit: fn(&Sandbox),
    /// With which `run` is called, and `run -n` in place of `status`.
    options: &'static [&'static str],
}

const PLAIN: Case = Case {
    name: "",
    edit: |_| {},
    options: &[],
};

const PLAYBOOK: &str = "\
version: \"1.0\"
name: birds
params: {model: tiny}
stages:
  clean:
    cmd: mkdir clean; cp raw/* clean/
    deps: [raw]
    outs: [clean]
  train:
    cmd: |
      echo model {{ params.model }} > model.txt
      cat clean/* labels.csv >> model.txt
    deps: [clean, labels.csv]
    outs: [model.txt]
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", PLAYBOOK);
    for bird in ["crane", "finch", "heron"] {
        sandbox.write(&format!("raw/{bird}.txt"), &format!("{bird}\n"));
    }
    sandbox.write("labels.csv", "crane,1\n");
    sandbox
}

fn replace(sandbox: &Sandbox, old: &str, new: &str) {
    let text = sandbox.read("playbook.yaml");
    assert!(text.contains(old), "{old}");
    sandbox.write("playbook.yaml", &text.replacen(old, new, 1));
}

/// What is on record happened an hour before the time that stands still.
fn an_hour_ago(sandbox: &Sandbox) {
    for file in ["playbook.lock.yaml", "playbook.events.jsonl"] {
        let earlier = sandbox.read(file).replace("T14:00:00Z", "T13:00:00Z");
        sandbox.write(file, &earlier);
    }
}

const CASES: [Case; 35] = [
    Case {
        name: "up_to_date",
        edit: |_| {},
        ..PLAIN
    },
    Case {
        name: "up_to_date_after_a_change",
        edit: |it| {
            replace(it, "model: tiny", "model: base");
            it.ran(&[]);
        },
        ..PLAIN
    },
    Case {
        name: "no_lock_file",
        edit: |it| it.remove("playbook.lock.yaml"),
        ..PLAIN
    },
    Case {
        name: "stage_not_in_lock",
        edit: |it| replace(it, "  train:", "  learn:"),
        ..PLAIN
    },
    Case {
        name: "previous_run_failed",
        edit: |it| {
            it.write("labels.csv", "finch,1\n");
            it.mode("labels.csv", 0o000);
            replace(it, "cat clean/*", "false; cat clean/*");
            it.mode("labels.csv", 0o644);
            assert_eq!(it.run(&["run"]).code, Some(1));
            replace(it, "false; ", "");
        },
        ..PLAIN
    },
    Case {
        name: "dep_moved",
        edit: |it| {
            replace(it, "cat clean/*", "echo late >> labels.csv; cat clean/*");
            assert_eq!(it.run(&["run"]).code, Some(0));
        },
        ..PLAIN
    },
    Case {
        name: "always_runs",
        edit: |it| {
            replace(
                it,
                "    deps: [clean,",
                "    deterministic: false\n    deps: [clean,",
            );
            assert_eq!(it.run(&["run"]).code, Some(0));
        },
        ..PLAIN
    },
    Case {
        name: "cmd_changed",
        edit: |it| replace(it, "cat clean/*", "cat -- clean/*"),
        ..PLAIN
    },
    Case {
        name: "cmd_changed_and_the_event_log_gone",
        edit: |it| {
            replace(it, "cat clean/*", "cat -- clean/*");
            it.remove("playbook.events.jsonl");
        },
        ..PLAIN
    },
    Case {
        name: "dep_changed_file",
        edit: |it| it.write("labels.csv", "finch,1\n"),
        ..PLAIN
    },
    Case {
        name: "dep_changed_directory",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            it.write("raw/owl.txt", "owl\n");
            it.remove("raw/heron.txt");
        },
        ..PLAIN
    },
    Case {
        name: "dep_changed_directory_of_which_no_list_is_kept",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            std::fs::remove_dir_all(it.path(".playbook")).unwrap();
        },
        ..PLAIN
    },
    Case {
        name: "dep_changed_by_the_stage_that_makes_it",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            assert_eq!(it.run(&["run", "clean"]).code, Some(0));
        },
        ..PLAIN
    },
    Case {
        name: "dep_missing",
        edit: |it| it.remove("labels.csv"),
        ..PLAIN
    },
    Case {
        name: "dep_added",
        edit: |it| {
            it.write("more.csv", "");
            replace(it, "labels.csv]", "labels.csv, more.csv]");
        },
        ..PLAIN
    },
    Case {
        name: "dep_removed",
        edit: |it| replace(it, "[clean, labels.csv]", "[clean]"),
        ..PLAIN
    },
    Case {
        name: "params_changed",
        edit: |it| replace(it, "model: tiny", "model: base"),
        ..PLAIN
    },
    Case {
        name: "param_now_used",
        edit: |it| {
            replace(it, "{model: tiny}", "{model: tiny, lr: 0.1}");
            replace(
                it,
                "    deps: [clean,",
                "    params: [lr]\n    deps: [clean,",
            );
        },
        ..PLAIN
    },
    Case {
        name: "env_changed",
        edit: |it| replace(it, "stages:", "env: {LANG: C}\nstages:"),
        ..PLAIN
    },
    Case {
        name: "env_changed_in_some_variables",
        edit: |it| {
            replace(it, "stages:", "env: {LANG: C, MODE: fast, OLD: x}\nstages:");
            it.ran(&[]);
            replace(it, "MODE: fast, OLD: x", "MODE: slow, TOKEN: sesame");
        },
        ..PLAIN
    },
    Case {
        name: "env_changed_and_what_it_was_is_not_known",
        edit: |it| {
            replace(it, "stages:", "env: {LANG: C}\nstages:");
            it.ran(&[]);
            replace(it, "LANG: C", "LANG: de_DE");
            std::fs::remove_dir_all(it.path(".playbook")).unwrap();
        },
        ..PLAIN
    },
    Case {
        name: "shell_changed",
        edit: |it| {
            replace(
                it,
                "    deps: [clean,",
                "    shell: bash\n    deps: [clean,",
            );
        },
        ..PLAIN
    },
    Case {
        name: "wdir_changed",
        edit: |it| {
            replace(it, "    cmd: |", "    wdir: raw\n    cmd: |");
            replace(it, "> model.txt", "> ../model.txt");
            replace(
                it,
                "cat clean/* labels.csv >>",
                "cat ../clean/* ../labels.csv >> ../",
            );
            replace(it, ">> ../ model", ">> ../model");
        },
        ..PLAIN
    },
    Case {
        name: "outs_changed",
        edit: |it| {
            replace(it, "outs: [model.txt]", "outs: [model.txt, notes.txt]");
            replace(it, "labels.csv >>", "labels.csv | tee notes.txt >>");
        },
        ..PLAIN
    },
    Case {
        name: "split_changed",
        edit: |it| {
            let split = "    parallel: {strategy: per_file}\n    deps: [raw]";
            replace(it, "    deps: [raw]", split);
            replace(
                it,
                "mkdir clean; cp raw/* clean/",
                "cp {{ input }} {{ output }}",
            );
            it.ran(&["-j1"]);
            replace(it, "per_file}", "per_file, glob: '*r*.txt'}");
        },
        ..PLAIN
    },
    Case {
        name: "cache_key_mismatch",
        edit: |it| {
            let lock = it.read("playbook.lock.yaml");
            let at = lock.rfind("cache_key: blake3:").unwrap() + "cache_key: blake3:".len();
            let key = &lock[at..at + 64];
            it.write("playbook.lock.yaml", &lock.replace(key, &"0".repeat(64)));
        },
        ..PLAIN
    },
    Case {
        name: "output_missing",
        edit: |it| it.remove("model.txt"),
        ..PLAIN
    },
    Case {
        name: "upstream_rerun",
        edit: |it| {
            replace(
                it,
                "    outs: [model.txt]",
                "    outs: [model.txt]\n    after: [fetch]\n  fetch: {cmd: echo > mark, deps: [feed, clean], outs: [mark]}",
            );
            it.write("feed", "1");
            it.ran(&[]);
            an_hour_ago(it);
            it.write("feed", "2");
        },
        ..PLAIN
    },
    Case {
        name: "upstream_rerun_earlier",
        edit: |it| {
            replace(
                it,
                "    outs: [model.txt]",
                "    outs: [model.txt]\n    after: [fetch]\n  fetch: {cmd: echo > mark, deps: [feed, clean], outs: [mark]}",
            );
            it.write("feed", "1");
            it.ran(&[]);
            an_hour_ago(it);
            it.write("feed", "2");
            it.ran(&["fetch"]);
        },
        ..PLAIN
    },
    Case {
        name: "forced",
        options: &["--force", "clean", "train"],
        ..PLAIN
    },
    Case {
        name: "forced_and_what_needs_it",
        options: &["--force", "clean"],
        edit: |it| {
            replace(
                it,
                "    deps: [clean,",
                "    after: [clean]\n    deps: [clean,",
            );
        },
    },
    Case {
        name: "frozen",
        edit: |it| {
            replace(it, "    deps: [raw]", "    frozen: true\n    deps: [raw]");
            it.write("raw/crane.txt", "CRANE\n");
        },
        ..PLAIN
    },
    Case {
        name: "nothing_to_decide_by",
        edit: |it| {
            replace(it, "stages:", "stages:\n  greet: {cmd: echo hello}");
            it.run(&["run"]).says(0);
        },
        options: &["greet"],
    },
    Case {
        name: "nothing_is_recorded",
        edit: |it| {
            replace(it, "params:", "policy: {lock_file: false}\nparams:");
            it.run(&["run"]).says(0);
        },
        ..PLAIN
    },
    Case {
        name: "output_modified",
        edit: |it| {
            it.write("clean/finch.txt", "FINCH\n");
            it.write("model.txt", "mine\n");
        },
        ..PLAIN
    },
];

/// Everything that is said of one case.
fn said(case: &Case) -> String {
    let sandbox = edited(case);
    let mut text = String::new();
    let mut say = |args: &[&str]| {
        let ended = sandbox.run(args);
        write!(
            text,
            "$ playbook {}\n{}{}\n",
            args.join(" "),
            ended.stdout,
            ended.stderr
        )
        .unwrap();
        ended.stdout
    };
    let dry = [&["run", "-n"], case.options].concat();
    let ask = if case.options.is_empty() {
        &["status"][..]
    } else {
        &dry
    };
    say(ask);
    let foretold = say(&[ask, &["--json"]].concat());
    let lines: Vec<Value> = json(&foretold).collect();
    for line in &lines {
        say(&["why", line["stage"].as_str().unwrap()]);
    }
    for line in lines.iter().filter(|line| line["decision"] != "hit") {
        say(&["why", "--json", line["stage"].as_str().unwrap()]);
    }
    let told = say(&[&["run", "--json"], case.options].concat());
    keeps_its_word(&lines, &told);
    text + &format!("$ playbook run {}\n{}", case.options.join(" "), again(case))
}

/// What `run` says to people, in a sandbox of its own.
fn again(case: &Case) -> String {
    let run = [&["run"], case.options].concat();
    edited(case).run(&run).stderr
}

/// The run did what was foretold, for these reasons if it was certain.
fn keeps_its_word(foretold: &[Value], told: &str) {
    for stage in foretold {
        let of = |event: &Value| event["stage"] == stage["stage"];
        let mut started = json(told).filter(|event| event["event"] == "stage_started");
        let started = started.find(of);
        match stage["decision"].as_str().unwrap() {
            "hit" => assert_eq!(started, None),
            "miss" if stage["error"].is_null() => {
                assert!(started.is_some(), "{stage} did not come true:\n{told}");
                assert_eq!(started.unwrap()["reasons"], stage["reasons"]);
            }
            _ => {}
        }
    }
}

fn json(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// How the sandbox is after a first run and the edit.
fn edited(case: &Case) -> Sandbox {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    (case.edit)(&sandbox);
    sandbox
}

#[test]
fn every_reason_is_told_by_status_why_and_run() {
    let mut told = BTreeSet::new();
    for case in CASES {
        let said = said(&case);
        for line in said.lines().filter(|line| line.contains("\"decision\":")) {
            let line: Value = serde_json::from_str(line).unwrap();
            let reasons = line["reasons"].as_array().unwrap().iter();
            told.extend(reasons.map(|reason| reason["kind"].as_str().unwrap().to_owned()));
        }
        insta::with_settings!({snapshot_path => "snapshots/reasons", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(case.name, said);
        });
    }
    let missing: Vec<String> = documented().difference(&told).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// The kinds of reasons that `docs/events.md` has; a test of the types sees to it that it has all.
fn documented() -> BTreeSet<String> {
    let docs = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md"));
    let (_, reasons) = docs.split_once("\n## Reasons\n").unwrap();
    let (reasons, _) = reasons.split_once("\n## ").unwrap();
    let rows = reasons.lines().filter(|line| line.starts_with("| `"));
    let kinds = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(", "));
    kinds
        .map(|kind| kind.trim().trim_matches('`').to_owned())
        .collect()
}
