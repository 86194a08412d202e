//! `status`, `run -n`, `list`, `validate`: they look and write nothing.

use crate::support::{Sandbox, tree};

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

#[test]
fn no_command_that_looks_writes_outside_the_state_directory() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    let outside = || {
        let mut tree = tree(sandbox.root());
        tree.retain(|path, _| !std::path::Path::new(path).starts_with("./.playbook"));
        tree
    };
    let before = outside();
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["run", "-n"],
        &["why", "a", "b"],
        &["why", "--json", "a"],
        &["list"],
        &["validate"],
        &["dag"],
        &["dag", "--format", "svg"],
        &["dag", "--format", "html"],
        &["lock"],
        &["log"],
        &["log", "show", "last/a"],
        &["report", "-o", "-"],
    ] {
        assert_eq!(sandbox.run(args).code, Some(0), "{args:?}");
        assert!(outside() == before, "{args:?}");
    }
    std::fs::remove_dir_all(sandbox.path(".playbook")).unwrap();
    sandbox.run(&["why", "a"]).prints(0);
    assert!(outside() == before, "nor without one");
}

#[test]
fn maybe_is_said_where_it_depends_on_bytes_to_come() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    a  in changed
    maybe  b  only if a makes something new
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
    maybe  b  only if a makes something new
    run    c  in changed
    2 to run · 1 maybe
    takes about 1 min 30 s with 2 jobs; 2 min 1 s if all of it runs
    longest chain: a → b (2 min 1 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "-j1"]).prints(0), @"
    run    a  in changed
    maybe  b  only if a makes something new
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
    maybe  b  only if a makes something new
    run    d  not in the lock file (new stage)
    2 to run · 1 maybe
    takes about 1 min 30 s with 2 jobs; 2 min 1 s if all of it runs; not counting 1 stage that never ran
    longest chain: a → b (2 min 1 s)
    ");
}
