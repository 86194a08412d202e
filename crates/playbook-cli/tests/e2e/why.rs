//! What `status`, `why` and `run` say, reason by reason, and the whole story that `why` tells.

use std::fmt::Write as _;

use crate::support::Sandbox;

/// A reason, how it comes about after a first run, and what is asked then.
struct Case {
    name: &'static str,
    edit: fn(&Sandbox),
}

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
    replace_in(sandbox, "playbook.yaml", old, new);
}

fn replace_in(sandbox: &Sandbox, file: &str, old: &str, new: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(old), "{old}");
    sandbox.write(file, &text.replacen(old, new, 1));
}

const CASES: [Case; 24] = [
    Case {
        name: "up_to_date",
        edit: |_| {},
    },
    Case {
        name: "no_lock_file",
        edit: |it| it.remove("playbook.lock.yaml"),
    },
    Case {
        name: "stage_not_in_lock",
        edit: |it| replace(it, "  train:", "  learn:"),
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
    },
    Case {
        name: "dep_moved",
        edit: |it| {
            replace(it, "cat clean/*", "echo late >> labels.csv; cat clean/*");
            assert_eq!(it.run(&["run"]).code, Some(0));
        },
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
    },
    Case {
        name: "cmd_changed",
        edit: |it| replace(it, "cat clean/*", "cat -- clean/*"),
    },
    Case {
        name: "cmd_changed_and_the_event_log_gone",
        edit: |it| {
            replace(it, "cat clean/*", "cat -- clean/*");
            it.remove("playbook.events.jsonl");
        },
    },
    Case {
        name: "dep_changed_file",
        edit: |it| it.write("labels.csv", "finch,1\n"),
    },
    Case {
        name: "dep_changed_directory",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            it.write("raw/owl.txt", "owl\n");
            it.remove("raw/heron.txt");
        },
    },
    Case {
        name: "dep_changed_directory_of_which_no_list_is_kept",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            std::fs::remove_dir_all(it.path(".playbook")).unwrap();
        },
    },
    Case {
        name: "dep_changed_by_the_stage_that_makes_it",
        edit: |it| {
            it.write("raw/crane.txt", "CRANE\n");
            assert_eq!(it.run(&["run", "clean"]).code, Some(0));
        },
    },
    Case {
        name: "dep_missing",
        edit: |it| it.remove("labels.csv"),
    },
    Case {
        name: "dep_added",
        edit: |it| {
            it.write("more.csv", "");
            replace(it, "labels.csv]", "labels.csv, more.csv]");
        },
    },
    Case {
        name: "dep_removed",
        edit: |it| replace(it, "[clean, labels.csv]", "[clean]"),
    },
    Case {
        name: "params_changed",
        edit: |it| replace(it, "model: tiny", "model: base"),
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
    },
    Case {
        name: "env_changed",
        edit: |it| replace(it, "stages:", "env: {LANG: C}\nstages:"),
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
    },
    Case {
        name: "outs_changed",
        edit: |it| {
            replace(it, "outs: [model.txt]", "outs: [model.txt, notes.txt]");
            replace(it, "labels.csv >>", "labels.csv | tee notes.txt >>");
        },
    },
    Case {
        name: "cache_key_mismatch",
        edit: |it| {
            let lock = it.read("playbook.lock.yaml");
            let at = lock.rfind("cache_key: blake3:").unwrap() + "cache_key: blake3:".len();
            let key = &lock[at..at + 64];
            it.write("playbook.lock.yaml", &lock.replace(key, &"0".repeat(64)));
        },
    },
    Case {
        name: "output_missing",
        edit: |it| it.remove("model.txt"),
    },
    Case {
        name: "output_modified",
        edit: |it| {
            it.write("clean/finch.txt", "FINCH\n");
            it.write("model.txt", "mine\n");
        },
    },
];

/// Everything that is said of one case.
fn said(sandbox: &Sandbox, stages: &[&str]) -> String {
    let status = sandbox.run(&["status"]);
    let mut text = format!("$ playbook status\n{}", status.stdout);
    for stage in stages {
        let why = sandbox.run(&["why", stage]);
        assert_eq!(
            (why.code, why.stderr.as_str()),
            (Some(0), ""),
            "{}",
            why.stdout
        );
        write!(text, "\n$ playbook why {stage}\n{}", why.stdout).unwrap();
    }
    let run = sandbox.run(&["run"]);
    text + &format!("\n$ playbook run\n{}", run.stderr)
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
    for case in CASES {
        let sandbox = edited(&case);
        let both = sandbox.read("playbook.yaml").contains("  train:");
        let stages = if both {
            ["clean", "train"]
        } else {
            ["clean", "learn"]
        };
        let said = said(&sandbox, &stages);
        insta::with_settings!({snapshot_path => "snapshots/why", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(case.name, said);
        });
    }
}

#[test]
fn a_stage_that_runs_because_another_did_or_was_forced() {
    let sandbox = Sandbox::with_stages(
        "  fetch: {cmd: echo > mark, outs: [mark], deps: [in]}\n  use: {cmd: echo > done, outs: [done], after: [fetch]}\n  read: {cmd: cp mark copy, deps: [mark], outs: [copy]}\n",
    );
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["why", "use"]).prints(0));
    insta::assert_snapshot!(
        sandbox
            .run(&["run", "-n", "--force", "fetch", "read"])
            .prints(0)
    );
}

#[test]
fn frozen_stages_say_how_they_run() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x], frozen: true}\n");
    insta::assert_snapshot!(sandbox.run(&["why", "a"]).prints(0));
}

#[test]
fn why_as_json_has_everything_that_was_compared() {
    let names = ["params_changed", "dep_changed_directory", "cmd_changed"];
    for case in CASES.iter().filter(|case| names.contains(&case.name)) {
        let sandbox = edited(case);
        let told = sandbox.run(&["why", "--json", "clean", "train"]).prints(0);
        for line in told.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["stage"].is_string() && line["deps"].is_array());
        }
        insta::with_settings!({snapshot_path => "snapshots/why", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(format!("{}.json", case.name), told);
        });
    }
}

#[test]
fn why_asks_for_a_stage_and_knows_which_there_are() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["why", "playbook.yaml"]).says(2), @"
    error: which stage? None is named
      hint: 'playbook status' shows all of them, with the reasons in short
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "trian"]).says(2), @"
    error: 'trian' selects nothing: no stage has this name and none makes this path
      hint: did you mean 'train'?
    ");
}

#[test]
fn names_that_would_draw_on_the_terminal_do_not() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("raw/a\u{1b}[2J\nb", "");
    let why = sandbox.run(&["why", "clean"]).prints(0);
    assert!(why.contains("+ raw/a\\x1b[2J\\nb"), "{why}");
    assert!(!why.contains('\u{1b}'), "{why}");
}

#[test]
fn a_directory_with_many_changes_is_told_in_few_lines() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    for n in 0..1_000 {
        sandbox.write(&format!("raw/new{n:04}.txt"), "");
    }
    let why = sandbox.run(&["why", "clean"]).prints(0);
    assert!(why.contains("raw/: 1000 files added"), "{why}");
    assert!(
        why.contains("+ and 990 more") && why.lines().count() < 30,
        "{why}"
    );
    let json = sandbox.run(&["why", "clean", "--json"]).prints(0);
    let line: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        line["deps"][0]["files"]["added"].as_array().unwrap().len(),
        1_000
    );
}

#[test]
fn a_value_from_the_environment_is_not_shown() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo {{ env.TOKEN }} > x', outs: [x], env: {TOKEN: sesame}}\n",
    );
    sandbox.ran(&[]);
    replace(&sandbox, "sesame", "open");
    for args in [&["why", "a"][..], &["why", "--json", "a"]] {
        let told = sandbox.run(args).prints(0);
        assert!(!told.contains("sesame") && !told.contains("open"), "{told}");
    }
    insta::assert_snapshot!(sandbox.run(&["why", "a"]).prints(0));
}
