//! After a run the files that belong in git are named, once.

use std::path::Path;
use std::process::Command;

use crate::support::Sandbox;

const STAGES: &str = "  a: {cmd: cp in x, deps: [in], outs: [x]}\n";
const BOTH: &str = "to keep in git: git add playbook.lock.yaml playbook.events.jsonl\n";

/// A git work tree with a playbook in it.
fn work_tree() -> Sandbox {
    let sandbox = Sandbox::with_stages(STAGES);
    sandbox.write("in", "1");
    git(sandbox.root(), &["init", "-q"]);
    sandbox
}

/// Runs git without the user's settings.
fn git(directory: &Path, args: &[&str]) {
    #[expect(clippy::disallowed_methods, reason = "git is what the test is about")]
    let mut git = Command::new("git");
    git.current_dir(directory).args(args);
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "a");
        git.env(format!("GIT_{who}_EMAIL"), "a@example.org");
    }
    assert!(git.status().unwrap().success(), "git {args:?}");
}

/// Runs the playbook with something to do, and gives what is said after the total.
fn after_a_run(sandbox: &Sandbox, args: &[&str]) -> String {
    let all: Vec<&str> = ["run", "-B"].iter().chain(args).copied().collect();
    let said = sandbox.run(&all).says(0);
    let total = said.find("1 run · 0 cached").unwrap_or(0);
    said[total..]
        .split_once('\n')
        .map_or("", |(_, rest)| rest)
        .to_owned()
}

#[test]
fn what_belongs_in_git_is_named_after_the_first_run_that_writes_it() {
    let sandbox = work_tree();
    assert_eq!(after_a_run(&sandbox, &[]), BOTH);
    assert_eq!(after_a_run(&sandbox, &[]), "");
}

#[test]
fn a_run_that_is_quiet_prints_json_or_fails_names_nothing_and_the_next_does() {
    let sandbox = work_tree();
    sandbox.stages(&STAGES.replace("cp in x", "exit 3"));
    assert!(!sandbox.run(&["run"]).says(1).contains("git add"));
    sandbox.stages(STAGES);
    assert_eq!(sandbox.run(&["run", "-q"]).says(0), "");
    assert_eq!(sandbox.run(&["run", "-B", "--json"]).says(0), "");
    assert_eq!(after_a_run(&sandbox, &[]), BOTH);
}

#[test]
fn where_there_is_no_git_nothing_is_said() {
    let sandbox = Sandbox::with_stages(STAGES);
    sandbox.write("in", "1");
    assert_eq!(after_a_run(&sandbox, &[]), "");
    assert!(!sandbox.exists(".playbook/playbook/named-for-git"));
    // A directory of that name is no repository.
    sandbox.write(".git/notes", "");
    assert_eq!(after_a_run(&sandbox, &[]), "");
}

#[test]
fn what_is_tracked_or_ignored_is_not_named() {
    let sandbox = work_tree();
    sandbox.write("deep/playbook.lock.yaml", "not the one");
    git(sandbox.root(), &["add", "deep"]);
    assert_eq!(after_a_run(&sandbox, &[]), BOTH);
    let sandbox = work_tree();
    sandbox.run(&["run", "-q"]).says(0);
    git(sandbox.root(), &["add", "playbook.lock.yaml"]);
    let events = "to keep in git: git add playbook.events.jsonl\n";
    assert_eq!(after_a_run(&sandbox, &[]), events);
    for (file, rules) in [
        (".gitignore", "*.jsonl\n*.lock.yaml\n"),
        (".git/info/exclude", "/playbook.*\n"),
    ] {
        let sandbox = work_tree();
        sandbox.write(file, rules);
        assert_eq!(after_a_run(&sandbox, &[]), "", "{file}");
    }
    let sandbox = work_tree();
    sandbox.write(".gitignore", "*.jsonl\n*.yaml\n!playbook.lock.yaml\n");
    let lock = "to keep in git: git add playbook.lock.yaml\n";
    assert_eq!(after_a_run(&sandbox, &[]), lock);
}

#[test]
fn in_an_index_of_any_version_what_is_tracked_is_not_named() {
    for version in ["2", "3", "4"] {
        let sandbox = work_tree();
        sandbox.run(&["run", "-q"]).says(0);
        git(sandbox.root(), &["add", "."]);
        git(sandbox.root(), &["commit", "-qm", "all"]);
        if version == "3" {
            // What is only intended to be added needs the newer form.

            git(
                sandbox.root(),
                &["rm", "-q", "--cached", "playbook.events.jsonl"],
            );
            git(sandbox.root(), &["add", "-N", "playbook.events.jsonl"]);
        }
        git(
            sandbox.root(),
            &["update-index", "--index-version", version],
        );
        assert_eq!(after_a_run(&sandbox, &[]), "", "version {version}");
    }
}

#[test]
fn a_work_tree_of_a_branch_counts_and_so_does_a_playbook_below_the_top() {
    let sandbox = work_tree();
    git(sandbox.root(), &["add", "."]);
    git(sandbox.root(), &["commit", "-qm", "all"]);
    let elsewhere = Sandbox::new();
    let tree = elsewhere.path("tree").display().to_string();
    git(sandbox.root(), &["worktree", "add", "-q", &tree]);
    let mut there = elsewhere.command(&["run"]);
    there.current_dir(&tree);
    assert!(elsewhere.finish(there).says(0).ends_with(BOTH));
    sandbox.write("a b/p.yaml", &sandbox.read("playbook.yaml"));
    sandbox.write("a b/in", "1");
    let said = after_a_run(&sandbox, &["a b/p.yaml"]);
    assert_eq!(
        said,
        "to keep in git: git -C 'a b' add p.lock.yaml p.events.jsonl\n"
    );
}
