//! `status`, `run -n`, `list`, `validate`: they look and write nothing.

use crate::support::{Sandbox, Tree, tree};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x], description: Copies}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox
}

#[test]
fn looking_writes_nothing() {
    let sandbox = sandbox();
    for args in [
        &["status"][..],
        &["run", "-n"],
        &["list"],
        &["validate"],
        &["status", "--json"],
    ] {
        assert_eq!(sandbox.run(args).code, Some(0), "{args:?}");
        assert_eq!(sandbox.names("."), ["in", "playbook.yaml"], "{args:?}");
    }
}

/// Every command that only looks.
const LOOKING: [&[&str]; 28] = [
    &["status"],
    &["status", "--json"],
    &["status", "state:stale"],
    &["run", "-n"],
    &["run", "-n", "--json", "--force"],
    &["why", "a", "b"],
    &["why", "--json", "a"],
    &["list"],
    &["list", "--names"],
    &["list", "--json"],
    &["validate"],
    &["validate", "--strict", "--json"],
    &["dag"],
    &["dag", "--format", "mermaid"],
    &["dag", "--format", "dot"],
    &["dag", "--format", "json"],
    &["dag", "--format", "svg"],
    &["dag", "--format", "html"],
    &["lock"],
    &["lock", "--json"],
    &["verify"],
    &["lock", "--verify", "--json"],
    &["log"],
    &["log", "--json"],
    &["log", "show", "last/a"],
    &["debug", "a"],
    &["schema"],
    &["completions", "bash"],
];

/// Everything outside the state directory.
fn outside(sandbox: &Sandbox) -> Tree {
    let mut tree = tree(sandbox.root());
    tree.retain(|path, _| !std::path::Path::new(path).starts_with("./.playbook"));
    tree
}

fn look_and_change_nothing(sandbox: &Sandbox) {
    let before = outside(sandbox);
    let elsewhere = tempfile::tempdir().unwrap();
    let page = elsewhere.path().join("page.html");
    let page = page.to_str().unwrap();
    let pages: [&[&str]; 2] = [&["report", "-o", page], &["dag", "-o", page]];
    for args in LOOKING.into_iter().chain(pages) {
        let ended = sandbox.run(args);
        let code = ended.code.unwrap();
        assert!([0, 2, 4].contains(&code), "{args:?}: {ended:?}");
        assert!(outside(sandbox) == before, "{args:?}");
    }
}

#[test]
fn no_command_that_looks_writes_outside_the_state_directory() {
    let sandbox = sandbox();
    look_and_change_nothing(&sandbox);
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    look_and_change_nothing(&sandbox);
    std::fs::remove_dir_all(sandbox.path(".playbook")).unwrap();
    look_and_change_nothing(&sandbox);
    sandbox.remove("playbook.lock.yaml");
    look_and_change_nothing(&sandbox);
}

#[test]
fn maybe_is_said_where_it_depends_on_bytes_to_come() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    a  in changed
    maybe  b  only if the outputs of a change
    1 to run · 1 maybe
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "--json"]).prints(0), @r#"
    {"stage":"a","decision":"miss","reasons":[{"kind":"dep_changed","path":"in","old":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","new":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"waits_for":[],"usual_seconds":0.0}
    {"stage":"b","decision":"maybe","reasons":[],"waits_for":["a"],"usual_seconds":0.0}
    "#);
    sandbox.run(&["status", "--exit-code"]).prints(3);
    sandbox.run(&["run", "-n", "--exit-code"]).prints(3);
    sandbox.ran(&[]);
    sandbox.run(&["status", "--exit-code"]).prints(0);
}

#[test]
fn lists() {
    let sandbox = sandbox();
    sandbox.ran(&["a"]);
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"
    a  completed  Copies
    b  not run
    ");
    insta::assert_snapshot!(sandbox.run(&["list", "--json"]).prints(0), @r#"
    {"stage":"a","description":"Copies","gate":false,"state":"completed","duration_seconds":0.0}
    {"stage":"b","description":null,"gate":false,"state":null,"duration_seconds":null}
    "#);
    assert_eq!(sandbox.run(&["list", "--names"]).prints(0), "a\nb\n");
}

#[test]
fn validate_as_json() {
    let sandbox = Sandbox::with_stages("  a: {cmd: x, dep: [in]}\n");
    insta::assert_snapshot!(sandbox.run(&["validate", "--json"]).prints(2), @r#"{"severity":"error","message":"unknown field 'dep' in stage 'a'","hint":"did you mean 'deps'?","path":"stages.a.dep","file":"playbook.yaml","line":4,"column":15}"#);
}

#[test]
fn what_is_to_come_is_estimated_from_how_long_it_took() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n  c: {cmd: cp in z, deps: [in], outs: [z]}\n",
    );
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    let mut lock = sandbox.read("playbook.lock.yaml");
    for seconds in ["90.0", "30.5", "61.0"] {
        lock = lock.replacen(
            "duration_seconds: 0.0",
            &format!("duration_seconds: {seconds}"),
            1,
        );
    }
    sandbox.write("playbook.lock.yaml", &lock);
    insta::assert_snapshot!(sandbox.run(&["run", "-n"]).prints(0), @"
    cached a
    cached b
    cached c
    3 cached
    ");
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "-j2"]).prints(0), @"
    run    a  in changed
    maybe  b  only if the outputs of a change
    run    c  in changed
    2 to run · 1 maybe
    takes about 1 min 30 s with 2 jobs; 2 min 1 s if all of it runs
    longest chain: a → b (2 min 1 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "-j1"]).prints(0), @"
    run    a  in changed
    maybe  b  only if the outputs of a change
    run    c  in changed
    2 to run · 1 maybe
    takes about 2 min 31 s one stage at a time; 3 min 2 s if all of it runs
    longest chain: a → b (2 min 1 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "--json", "b"]).prints(0), @r#"
    {"stage":"a","decision":"miss","reasons":[{"kind":"dep_changed","path":"in","old":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","new":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"waits_for":[],"usual_seconds":90.0}
    {"stage":"b","decision":"maybe","reasons":[],"waits_for":["a"],"usual_seconds":30.5}
    "#);
    sandbox.stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n  d: {cmd: cp y z, deps: [y], outs: [z]}\n");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "-j2"]).prints(0), @"
    run    a  in changed
    maybe  b  only if the outputs of a change
    run    d  not in the lock file (new stage)
    2 to run · 1 maybe
    takes about 1 min 30 s with 2 jobs; 2 min 1 s if all of it runs; not counting 1 stage that never ran
    longest chain: a → b (2 min 1 s)
    ");
}

#[test]
fn no_name_and_no_value_reaches_the_terminal_as_a_command() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: \"n\\e[2J\"\nparams: {p: \"v\\e[2J\\r\"}\nstages:\n  a:\n    description: \"d\\e[2J\\nx\"\n    cmd: \"printf '%s' {{params.p}} > {{outs[0].path}}; exit 1\"\n    deps: [\"i\\e[2J\"]\n    outs: [\"o\\e[2J\"]\n  b: {cmd: true, deps: [\"gone\\e[2J\"], outs: [\"c\\e[2J\"]}\n",
    );
    sandbox.write("i\u{1b}[2J", "");
    sandbox.write("o\u{1b}[2J", "mine");
    let looking = LOOKING.into_iter().filter(|args| args[0] != "completions");
    for args in [&["run", "-v"][..]].into_iter().chain(looking) {
        for colour in ["never", "always"] {
            let ended = sandbox.run(&[&["--color", colour], args].concat());
            for text in [ended.stdout, ended.stderr] {
                let told = text.replace("\u{1b}[0m", "");
                assert!(
                    !told.contains("\u{1b}[2J") && !told.contains('\r'),
                    "{args:?}: {told:?}"
                );
            }
        }
    }
}
