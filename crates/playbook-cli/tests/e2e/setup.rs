//! `init`.

use crate::support::Sandbox;

#[test]
fn what_init_writes_runs() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["init"]).says(0), @"
    wrote playbook.yaml, playbook.schema.json, .gitignore, .gitattributes
    next: playbook run
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "-j1"]).says(0), @"
    run    names  no lock file found (first run)
    done   names  0.00 s
    run    greet  no lock file found (first run)
    done   greet  0.00 s
    run    count  no lock file found (first run)
    done   count  0.00 s
    3 run · 0 cached · 0 failed in 0.00 s
    ");
    assert_eq!(
        sandbox.read("out/greetings.txt"),
        "Hello Ada\nHello Grace\nHello Edsger\n"
    );
    assert_eq!(
        sandbox.run(&["validate"]).says(0),
        "playbook.yaml: 3 stages, nothing to complain about\n"
    );
    insta::assert_snapshot!(sandbox.run(&["init"]).says(2), @"
    error: [ROOT]/playbook.yaml exists already; nothing was changed
      hint: 'playbook validate' checks it, 'playbook run' runs it
    ");
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
