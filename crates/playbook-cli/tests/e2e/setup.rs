//! `init`.

use crate::support::Sandbox;

#[test]
fn what_init_writes_runs() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["init"]).says(0), @"");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"");
    assert_eq!(sandbox.read("out/greetings.txt"), "Hello Ada\nHello Grace\nHello Edsger\n");
    assert_eq!(sandbox.run(&["validate"]).says(0), "[ROOT]/playbook.yaml: 3 stages, nothing to complain about\n");
    insta::assert_snapshot!(sandbox.run(&["init"]).says(2), @"");
}

#[test]
fn init_adds_to_what_is_there_and_overwrites_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/.gitignore", "target");
    sandbox.run(&["init", "sub", "-q"]).says(0);
    assert_eq!(sandbox.read("sub/.gitignore"), "target\n/.playbook/\n");
    sandbox.remove("sub/playbook.yaml");
    sandbox.run(&["init", "sub"]).says(0);
    assert_eq!(sandbox.read("sub/.gitignore"), "target\n/.playbook/\n");
}
