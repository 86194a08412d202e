//! Locks merged by git itself, with `playbook lock merge` as its driver.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Sandbox};

/// Two stages of data that git does not have.
const STAGES: &str = "  a: {cmd: cp in.a x, deps: [in.a], outs: [x]}\n  b: {cmd: cp in.b y, deps: [in.b], outs: [y]}\n";

/// Git in the sandbox, with the playbook on its path and without the user's settings.
fn git_command(sandbox: &Sandbox, args: &[&str]) -> Command {
    let like = sandbox.command(&[]);
    #[expect(clippy::disallowed_methods, reason = "git is what the test is about")]
    let mut git = Command::new("git");
    git.current_dir(sandbox.root()).args(args).env_clear();
    git.envs(
        like.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let own = Path::new(env!("CARGO_BIN_EXE_playbook")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let all = std::iter::once(own.to_owned()).chain(std::env::split_paths(&path));
    git.env("PATH", std::env::join_paths(all).unwrap());
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    // Nothing that goes on in the background.
    git.env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "maintenance.auto")
        .env("GIT_CONFIG_VALUE_0", "false");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "a");
        git.env(format!("GIT_{who}_EMAIL"), "a@example.org");
    }
    git
}

fn try_git(sandbox: &Sandbox, args: &[&str]) -> Ended {
    sandbox.finish(git_command(sandbox, args))
}

/// Git, which must succeed; gives all it said.
fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let ended = try_git(sandbox, args);
    assert_eq!(ended.code, Some(0), "git {args:?}\n{ended:?}");
    ended.stdout + &ended.stderr
}

/// A repository as `init` sets it up, with both stages run and committed.
fn repository() -> Sandbox {
    let sandbox = Sandbox::new().real_clock();
    git(&sandbox, &["init", "-q", "-b", "main"]);
    sandbox.run(&["init", "-q"]).says(0);
    sandbox.stages(STAGES);
    sandbox.write(".gitignore", "/.playbook/\n/in.*\n/x\n/y\n");
    sandbox.write("in.a", "1");
    sandbox.write("in.b", "1");
    sandbox.ran(&[]);
    commit(&sandbox, "first");
    sandbox
}

fn commit(sandbox: &Sandbox, what: &str) {
    git(sandbox, &["add", "-A"]);
    git(sandbox, &["commit", "-q", "-m", what]);
}

/// On a new branch from `main`, runs with these contents of one input, and commits.
fn branch(sandbox: &Sandbox, name: &str, input: &str, contents: &str) {
    git(sandbox, &["checkout", "-q", "-b", name, "main"]);
    sandbox.write(input, contents);
    sandbox.ran(&[]);
    commit(sandbox, name);
}

/// Asserts that the lock is what this program writes, and gives what `status` says.
fn status(sandbox: &Sandbox) -> String {
    let lock = sandbox.read("playbook.lock.yaml");
    assert_eq!(sandbox.run(&["lock"]).prints(0), lock, "byte for byte");
    sandbox.run(&["status", "--exit-code"]).prints(0)
}

/// Two branches that ran one stage each. On disk is what both made.
fn two_stages() -> Sandbox {
    let sandbox = repository();
    branch(&sandbox, "one", "in.a", "2");
    branch(&sandbox, "two", "in.b", "2");
    // The other branch's lock is of another input, so that it had to run again; now what both made is there.
    sandbox.write("x", "2");
    sandbox
}

#[test]
fn branches_that_ran_different_stages_merge_without_conflict_and_both_stay_done() {
    let sandbox = two_stages();
    git(&sandbox, &["merge", "-q", "--no-edit", "one"]);
    insta::assert_snapshot!(status(&sandbox), @"
    cached a
    cached b
    2 cached
    ");
    assert_eq!(sandbox.ran(&[]), [""; 0]);
}

#[test]
fn a_rebase_and_a_cherry_pick_merge_as_well() {
    let sandbox = two_stages();
    let said = git(&sandbox, &["rebase", "-q", "one"]);
    assert!(!said.contains("CONFLICT"), "{said}");
    status(&sandbox);

    let sandbox = two_stages();
    git(&sandbox, &["cherry-pick", "one"]);
    status(&sandbox);
}

#[test]
fn the_events_of_both_branches_are_kept() {
    let sandbox = two_stages();
    git(&sandbox, &["merge", "-q", "--no-edit", "one"]);
    let log = sandbox.run(&["log", "--json"]).prints(0);
    assert_eq!(log.lines().count(), 3, "{log}");
}

/// Two branches that ran one stage on different inputs. On disk is what `two` made.
fn one_stage() -> Sandbox {
    let sandbox = repository();
    branch(&sandbox, "one", "in.a", "2");
    branch(&sandbox, "two", "in.a", "3");
    sandbox
}

#[test]
fn where_both_ran_a_stage_the_side_whose_outs_are_there_is_taken() {
    let sandbox = one_stage();
    let said = git(&sandbox, &["merge", "-q", "--no-edit", "one"]);
    assert!(
        said.ends_with("playbook.lock.yaml: both sides have run 'a'; our entry is kept\n"),
        "{said}"
    );
    status(&sandbox);

    let sandbox = one_stage();
    git(&sandbox, &["checkout", "-q", "one"]);
    let said = git(&sandbox, &["merge", "-q", "--no-edit", "two"]);
    assert!(
        said.ends_with(
            "playbook.lock.yaml: both sides have run 'a'; their entry is taken, whose outs are the ones on disk\n"
        ),
        "{said}"
    );
    status(&sandbox);

    // In a rebase ours is the branch that is rebased onto, and theirs the one whose files are there.
    let sandbox = one_stage();
    let said = git(&sandbox, &["rebase", "-q", "one"]);
    assert!(said.contains("their entry is taken"), "{said}");
    status(&sandbox);
}

#[test]
fn where_neither_sides_outs_are_there_ours_is_kept_and_the_stage_runs() {
    let sandbox = one_stage();
    sandbox.remove("x");
    let said = git(&sandbox, &["merge", "-q", "--no-edit", "one"]);
    assert!(said.contains("our entry is kept"), "{said}");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn a_lock_below_the_top_of_the_repository_is_merged_beside_its_files() {
    let sandbox = Sandbox::new().real_clock();
    git(&sandbox, &["init", "-q", "-b", "main"]);
    let there = "it's here/p.yaml";
    sandbox.run(&["init", "-q", "it's here"]).says(0);
    sandbox.remove("it's here/playbook.yaml");
    sandbox.write(
        there,
        "version: \"1.0\"\nname: p\nstages:\n  a: {cmd: cp in.a x, deps: [in.a], outs: [x]}\n",
    );
    sandbox.write("it's here/.gitignore", "/.playbook/\n/in.*\n/x\n");
    sandbox.write("it's here/in.a", "1");
    let run = |contents: &str| {
        sandbox.write("it's here/in.a", contents);
        assert_eq!(sandbox.ran(&[there]), ["a"]);
        commit(&sandbox, contents);
    };
    run("1");
    git(&sandbox, &["checkout", "-q", "-b", "one"]);
    run("2");
    git(&sandbox, &["checkout", "-q", "main"]);
    run("3");
    git(&sandbox, &["checkout", "-q", "one"]);
    let said = git(&sandbox, &["merge", "-q", "--no-edit", "main"]);
    assert!(
        said.contains("it's here/p.lock.yaml: both sides have run 'a'; their entry is taken"),
        "{said}"
    );
    sandbox.run(&["status", "--exit-code", there]).prints(0);
}

#[test]
fn a_side_that_is_broken_is_a_conflict_and_nothing_is_written() {
    let sandbox = two_stages();
    for (text, what) in [
        (
            "schema: '1.0'\nstages: [\n",
            "playbook.lock.yaml (theirs):2: the lock file is broken",
        ),
        ("schema: '2.0'\nstages: {}\n", "has schema '2.0'"),
        ("<<<<<<< ours\n", "has git conflict markers"),
        ("\0\u{1}", "the lock file is broken"),
    ] {
        git(&sandbox, &["checkout", "-q", "one"]);
        sandbox.write("playbook.lock.yaml", text);
        commit(&sandbox, "broken");
        git(&sandbox, &["checkout", "-q", "two"]);
        let ours = sandbox.read("playbook.lock.yaml");
        let ended = try_git(&sandbox, &["merge", "--no-edit", "one"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("CONFLICT"), "{ended:?}");
        assert!(ended.stderr.contains(what), "{ended:?}");
        assert_eq!(sandbox.read("playbook.lock.yaml"), ours);
        git(
            &sandbox,
            &["checkout", "--ours", "--", "playbook.lock.yaml"],
        );
        commit(&sandbox, "resolved");
        git(&sandbox, &["reset", "-q", "--hard", "HEAD~"]);
    }
}

#[test]
fn without_the_driver_git_merges_text_and_the_lock_says_so() {
    let sandbox = two_stages();
    git(&sandbox, &["config", "--remove-section", "merge.playbook"]);
    let ended = try_git(&sandbox, &["merge", "--no-edit", "one"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = sandbox.run(&["status"]).says(2);
    assert!(said.contains("has git conflict markers"), "{said}");
    // Git makes the merge anew, with the driver this time.
    sandbox.run(&["lock", "merge", "--install"]).says(0);
    git(&sandbox, &["checkout", "-m", "--", "playbook.lock.yaml"]);
    status(&sandbox);
}

#[test]
fn init_has_git_know_how_to_merge() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init", "-q"]).says(0);
    insta::assert_snapshot!(sandbox.read(".gitattributes"), @"
    playbook.schema.json linguist-generated
    *.lock.yaml linguist-generated
    *.events.jsonl linguist-generated
    *.lock.yaml merge=playbook
    *.events.jsonl merge=union
    ");
    assert!(
        !sandbox.exists(".git"),
        "outside a repository nothing is set"
    );
    insta::assert_snapshot!(sandbox.run(&["lock", "merge", "--install"]).says(2), @"
    error: [ROOT] is in no git repository
      hint: 'git init' makes one
    ");

    git(&sandbox, &["init", "-q"]);
    sandbox.write(".gitattributes", "");
    insta::assert_snapshot!(sandbox.run(&["lock", "merge", "--install"]).says(0), @"
    git merges locks with 'playbook lock merge' in this repository now
    wrote .gitattributes, which belongs in git: git add .gitattributes
    ");
    insta::assert_snapshot!(git(&sandbox, &["config", "--get-regexp", "merge"]), @"
    merge.playbook.name entries of a playbook's lock
    merge.playbook.driver playbook lock merge %O %A %B %P
    ");
    insta::assert_snapshot!(sandbox.run(&["lock", "merge", "--install"]).says(0), @"git knows a merge driver for locks already: playbook lock merge %O %A %B %P");
    assert_eq!(
        sandbox.read(".gitattributes"),
        "*.lock.yaml merge=playbook\n*.events.jsonl merge=union\n"
    );
}

#[test]
fn what_the_user_has_set_stays() {
    let sandbox = Sandbox::new();
    git(&sandbox, &["init", "-q"]);
    git(&sandbox, &["config", "merge.playbook.driver", "mine %A"]);
    sandbox.write(".gitattributes", "*.lock.yaml -merge\n");
    sandbox.run(&["init", "-q"]).says(0);
    assert_eq!(
        git(&sandbox, &["config", "merge.playbook.driver"]),
        "mine %A\n"
    );
    assert!(!sandbox.read(".gitattributes").contains("merge=playbook"));
    insta::assert_snapshot!(sandbox.run(&["lock", "merge", "--install"]).says(2), @"
    error: the attributes of this repository say that locks are merged in another way
      hint: look for 'merge' in [ROOT]/.gitattributes (git check-attr merge playbook.lock.yaml)
    ");
}

#[test]
fn by_hand() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    sandbox.ran(&[]);
    let lock = sandbox.read("playbook.lock.yaml");
    sandbox.write("ours", &lock);
    sandbox.write("theirs", &lock.replace("stages:\n  a:", "stages:\n  b:"));
    sandbox.write("base", "");
    let said = sandbox
        .run(&["lock", "merge", "base", "ours", "theirs"])
        .says(0);
    assert_eq!(said, "");
    assert_eq!(sandbox.read("ours").matches("cache_key").count(), 2);
    sandbox.write("base", "{");
    let mut told = String::new();
    for args in [
        &["lock", "merge", "base", "ours", "theirs"][..],
        &["lock", "merge", "base", "ours", "base", "p.lock.yaml"],
        &["lock", "merge", "base", "ours", "gone"],
    ] {
        let ended = sandbox.run(args);
        writeln!(told, "{:?}\n{}", ended.code, ended.stderr.trim_end()).unwrap();
    }
    insta::assert_snapshot!(told, @"
    Some(0)
    ours (common ancestor):1: the lock file is broken: it ends in the middle of a line: the rest of it is missing; merged as if there were none
    Some(2)
    error: p.lock.yaml (theirs):1: the lock file is broken: it ends in the middle of a line: the rest of it is missing
      hint: the lock is as our side has it, and git reports a conflict; take the side that is whole: git checkout --ours (or --theirs) -- p.lock.yaml && git add p.lock.yaml
    Some(2)
    error: cannot read the lock file ours (theirs): No such file or directory (os error 2)
      hint: the lock is as our side has it, and git reports a conflict; take the side that is whole: git checkout --ours (or --theirs) -- FILE && git add FILE
    ");
    sandbox.run(&["lock", "merge", "base", "ours"]).says(2);
}
