//! `status`, `run -n`, `list`, `validate`: they look and write nothing.

use crate::support::Sandbox;

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
    {"stage":"a","decision":"miss","reasons":[{"kind":"dep_changed","path":"in","old":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","new":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"waits_for":[]}
    {"stage":"b","decision":"maybe","reasons":[],"waits_for":["a"]}
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
    {"stage":"a","description":"Copies","state":"completed","duration_seconds":0.0}
    {"stage":"b","description":null,"state":null,"duration_seconds":null}
    "#);
    assert_eq!(sandbox.run(&["list", "--names"]).prints(0), "a\nb\n");
}

#[test]
fn validate_as_json() {
    let sandbox = Sandbox::with_stages("  a: {cmd: x, dep: [in]}\n");
    insta::assert_snapshot!(sandbox.run(&["validate", "--json"]).prints(2), @r#"{"severity":"error","message":"unknown field 'dep' in stage 'a'","hint":"did you mean 'deps'?","path":"stages.a.dep","file":"playbook.yaml","line":4,"column":15}"#);
}
