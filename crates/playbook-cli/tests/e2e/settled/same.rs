//! Whatever happens between two runs, the second says, does and records the same whether stats tell it what to decide
//! or it works everything out.

use super::files::edit_in_secret;
use super::moments::let_time_pass;
use crate::support::{Ended, Sandbox, Tree, tree};

/// Two chains that meet, an order without data, a param, one param too many. `f` may fail, and `g` comes after it.
const PLAYBOOK: &str = "\
version: \"1.0\"
name: six
policy: {failure: stop_on_first}
params: {p: 1, superfluous: 2}
stages:
  a: {cmd: 'cat in1 shared > xa', deps: [in1, shared], outs: [xa]}
  b: {cmd: 'cat in2 shared > xb; echo {{params.p}} >> xb', deps: [in2, shared], outs: [xb]}
  c: {cmd: 'wc -c < xa > dir/xc', deps: [xa], outs: [dir/xc]}
  d: {cmd: 'cat xb dir/xc > xd', deps: [xb, dir/xc], outs: [xd]}
  e: {cmd: 'cp in3 xe', deps: [in3], outs: [xe], after: [b]}
  f: {cmd: 'test ! -e bad || { echo half > xf; exit 3; }; cat xd xe > xf', deps: [xd, xe], outs: [xf]}
  g: {cmd: 'cp xf xg', deps: [xf], outs: [xg]}
";

/// What a run by stats comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing is done.
    Settled,
    /// Only some stages are decided.
    Part,
    /// All are.
    Whole,
}

/// Everything that shows of a run. Its lines are sorted: what was decided before a run is told first.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    code: Option<i32>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    log: Vec<String>,
    /// All but the program's own state, with the lock.
    files: Tree,
}

pub(super) fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

pub(super) fn shown(sandbox: &Sandbox, ended: &Ended) -> Shown {
    let mut files = tree(sandbox.root());
    let log = files.remove(std::ffi::OsStr::new("./playbook.events.jsonl"));
    files.retain(|name, _| {
        let name = name.to_string_lossy();
        !name.starts_with("./.playbook/") && name != "./trace"
    });
    Shown {
        code: ended.code,
        stdout: sorted(&ended.stdout),
        stderr: sorted(&ended.stderr),
        log: sorted(&String::from_utf8(log.unwrap().2).unwrap()),
        files,
    }
}

/// The six stages, up to date, with stats that vouch for them.
pub(super) fn settled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", PLAYBOOK);
    for name in ["in1", "in2", "in3", "shared"] {
        sandbox.write(name, &format!("{name}\n"));
    }
    for _ in 0..2 {
        run(&sandbox, &[]).prints(0);
    }
    let_time_pass(&sandbox);
    sandbox
}

/// Runs it with readings that count as old, and a trace.
pub(super) fn run(sandbox: &Sandbox, args: &[&str]) -> Ended {
    let all: Vec<&str> = ["run"].iter().chain(args).copied().collect();
    sandbox.finish(traced(sandbox, &all))
}

pub(super) fn traced(sandbox: &Sandbox, args: &[&str]) -> std::process::Command {
    let trace = sandbox.path("trace");
    std::fs::remove_file(&trace).ok();
    let mut command = sandbox.command(args);
    command.env(
        "PLAYBOOK_TEST_FAULTS",
        format!("late=10;trace={}", trace.display()),
    );
    command
}

/// The way the last run went.
pub(super) fn way(sandbox: &Sandbox) -> Way {
    let trace = std::fs::read_to_string(sandbox.path("trace")).unwrap_or_default();
    match &trace[..] {
        "" => Way::Settled,
        trace if trace.contains("\tpart-planned\t") => Way::Part,
        _ => Way::Whole,
    }
}

/// Has everything worked out by the next run.
pub(super) fn forget(sandbox: &Sandbox) {
    let settled = sandbox.path(".playbook/playbook/settled");
    std::fs::remove_file(settled).ok();
}

/// Does this to two sandboxes, and runs the one by stats and the other ordinarily, and again.
fn same_both_ways(what: &str, expected: Way, args: &[&str], change: impl Fn(&Sandbox)) {
    let (by_stats, ordinary) = (settled(), settled());
    for sandbox in [&by_stats, &ordinary] {
        change(sandbox);
    }
    for nth in ["first", "second"] {
        forget(&ordinary);
        let found = run(&by_stats, args);
        if nth == "first" {
            assert_eq!(way(&by_stats), expected, "{what}: {}", found.stderr);
        }
        let found = shown(&by_stats, &found);
        let ended = run(&ordinary, args);
        assert_ne!(way(&ordinary), Way::Part);
        assert_eq!(found, shown(&ordinary, &ended), "{what}, {nth}, {args:?}");
    }
}

type Change = (&'static str, Way, fn(&Sandbox));

#[rustfmt::skip]
const CHANGES: [Change; 22] = [
    ("nothing", Way::Settled, |_| {}),
    ("a source", Way::Part, |it| it.write("in1", "other\n")),
    ("a source that makes no difference below", Way::Part, |it| edit_in_secret(it, "in1", "IN1\n")),
    ("what two stages read", Way::Part, |it| edit_in_secret(it, "shared", "SHARED\n")),
    ("what only an order hangs on", Way::Part, |it| it.write("in2", "other\n")),
    ("an out in the middle", Way::Part, |it| edit_in_secret(it, "dir/xc", "99\n")),
    ("the last out", Way::Part, |it| it.write("xg", "mine\n")),
    ("an out gone", Way::Part, |it| it.remove("xb")),
    ("a source and an out", Way::Part, |it| {
        it.write("in3", "other\n");
        it.write("xa", "mine\n");
    }),
    ("only a time", Way::Part, |it| it.write("in2", "in2\n")),
    ("only the lock's time", Way::Part, |it| {
        let text = it.read("playbook.lock.yaml");
        it.write("playbook.lock.yaml", &text);
    }),
    ("only the playbook's time", Way::Part, |it| it.write("playbook.yaml", PLAYBOOK)),
    ("a comment in the playbook", Way::Whole, |it| it.write("playbook.yaml", &format!("# 1\n{PLAYBOOK}"))),
    ("a comment in the playbook, and a source", Way::Whole, |it| {
        it.write("playbook.yaml", &format!("# 1\n{PLAYBOOK}"));
        it.write("in1", "other\n");
    }),
    ("a param", Way::Whole, |it| it.write("playbook.yaml", &PLAYBOOK.replace("p: 1", "p: 2"))),
    ("a comment in the lock, and a source", Way::Whole, |it| {
        let text = it.read("playbook.lock.yaml");
        it.write("playbook.lock.yaml", &format!("# by hand\n{text}"));
        it.write("in1", "other\n");
    }),
    ("an out that is a link to what it was", Way::Part, |it| {
        it.write("elsewhere", &it.read("xg"));
        it.remove("xg");
        std::os::unix::fs::symlink("elsewhere", it.path("xg")).unwrap();
    }),
    ("the lock gone", Way::Whole, |it| it.remove("playbook.lock.yaml")),
    ("the kept form gone, and a source", Way::Whole, |it| {
        it.remove(".playbook/playbook/parsed");
        it.write("in1", "other\n");
    }),
    ("rules of what is ignored", Way::Part, |it| it.write(".playbookignore", "*.tmp\n")),
    ("rules with a mistake", Way::Part, |it| it.write(".playbookignore", "[z-a]\n")),
    ("one more that fails, and what is below it", Way::Part, |it| {
        it.write("bad", "");
        it.write("in3", "other\n");
    }),
];

#[test]
fn every_change_comes_to_the_same() {
    for (what, way, change) in CHANGES {
        for args in [&[][..], &["--json"], &["-j1"]] {
            same_both_ways(what, way, args, change);
        }
    }
}

#[test]
fn a_failure_comes_to_the_same_whether_others_go_on_or_not() {
    for (what, change) in [
        ("a dep is gone", (|it| it.remove("in1")) as fn(&Sandbox)),
        ("two stages cannot be decided", |it| {
            it.remove("in1");
            it.remove("in3");
        }),
        ("one fails and one runs", |it| {
            it.write("bad", "");
            it.write("in1", "others\n");
        }),
    ] {
        for args in [&["-k"][..], &["-k", "--json"], &["-k", "-j1"]] {
            same_both_ways(what, Way::Part, args, change);
        }
    }
}

#[test]
fn another_run_in_between_comes_to_the_same() {
    // Where another run has written the lock, stats say nothing, unless it has also said what they are.
    let in_between: [(&str, &[&str], Way); 4] = [
        ("of a part", &["a", "b"], Way::Whole),
        ("of all", &[], Way::Part),
        (
            "of one, forced, that writes the same lock",
            &["--force", "--only", "g"],
            Way::Part,
        ),
        ("with another param", &["--set", "p=5"], Way::Whole),
    ];
    for (what, args, expected) in in_between {
        for edited in ["in1", "in2"] {
            same_both_ways(what, expected, &[], |it| {
                it.write(edited, "others\n");
                run(it, args).says(0);
                let_time_pass(it);
                it.write("in3", "others\n");
            });
        }
    }
}

#[test]
fn a_lock_of_another_moment_comes_to_the_same() {
    same_both_ways("checked out", Way::Whole, &[], |it| {
        let text = it.read("playbook.lock.yaml");
        it.write("in1", "others\n");
        run(it, &[]).says(0);
        run(it, &[]).says(0);
        let_time_pass(it);
        it.write("playbook.lock.yaml", &text);
        it.write("in3", "others\n");
    });
    same_both_ways("in another order", Way::Whole, &[], |it| {
        let text = it.read("playbook.lock.yaml");
        let (front, entries) = text.split_once("stages:\n").unwrap();
        let at = entries.find("\n  b:").unwrap() + 1;
        let (first, others) = entries.split_at(at);
        it.write(
            "playbook.lock.yaml",
            &format!("{front}stages:\n{others}{first}"),
        );
        it.write("in3", "others\n");
    });
}
