//! `status`, `run -n`, `list`, `validate`: they look and write nothing.

use crate::support::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x], description: Copies}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n");
    sandbox.write("in", "1");
    sandbox
}

#[test]
fn looking_writes_nothing() {
    let sandbox = sandbox();
    for args in [&["status"][..], &["run", "-n"], &["list"], &["validate"], &["status", "--json"]] {
        assert_eq!(sandbox.run(args).code, Some(0), "{args:?}");
        assert_eq!(sandbox.names("."), ["in", "playbook.yaml"], "{args:?}");
    }
}

#[test]
fn maybe_is_said_where_it_depends_on_bytes_to_come() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"");
    insta::assert_snapshot!(sandbox.run(&["run", "-n", "--json"]).prints(0), @"");
    sandbox.run(&["status", "--exit-code"]).prints(3);
    sandbox.run(&["run", "-n", "--exit-code"]).prints(3);
    sandbox.ran(&[]);
    sandbox.run(&["status", "--exit-code"]).prints(0);
}

#[test]
fn lists() {
    let sandbox = sandbox();
    sandbox.ran(&["a"]);
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0), @"");
    insta::assert_snapshot!(sandbox.run(&["list", "--json"]).prints(0), @"");
    assert_eq!(sandbox.run(&["list", "--names"]).prints(0), "a\nb\n");
}

#[test]
fn validate_as_json() {
    let sandbox = Sandbox::with_stages("  a: {cmd: x, dep: [in]}\n");
    insta::assert_snapshot!(sandbox.run(&["validate", "--json"]).prints(2), @"");
}
