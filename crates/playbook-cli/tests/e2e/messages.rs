//! Errors of the command line and of the playbook, as a person is told them.

use std::fmt::Write as _;

use crate::support::Sandbox;

#[test]
fn no_playbook() {
    let sandbox = Sandbox::new();
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("no playbook.yaml or playbook.yml in [ROOT]")
            && said.contains("playbook init"),
        "{said}"
    );
    let said = sandbox.run(&["run", "-f", "gone.yaml"]).says(2);
    assert!(
        said.contains("cannot read the playbook gone.yaml"),
        "{said}"
    );
}

#[test]
fn a_playbook_with_mistakes() {
    let sandbox = Sandbox::with_stages(
        "  train:\n    cmd: python train.py {{ params.lr }}\n    dep: [data.csv]\n    outs: [model.bin]\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2), @"
    error: there is no param 'lr'
      --> playbook.yaml:5:26
    5 |     cmd: python train.py {{ params.lr }}
      |                          ^^^^^^^^^^^^^^^
      hint: define it under 'params', or in a file that 'params_files' names
    error: unknown field 'dep' in stage 'train'
      --> playbook.yaml:6:5
    6 |     dep: [data.csv]
      |     ^^^
      hint: did you mean 'deps'?
    error: playbook.yaml: 2 errors in the playbook; nothing was run
    ");
}

#[test]
fn hostile_playbooks_end_quickly() {
    let sandbox = Sandbox::new();
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
    let nested = "[".repeat(5_000);
    let nested_maps = "{a: ".repeat(5_000);
    let junk = "\u{0}\u{7f}\u{1b}%PDF";
    let texts = [
        bomb,
        &nested,
        &nested_maps,
        junk,
        "",
        "\u{feff}",
        "&a [*a]",
        "? [x]\n: y\n",
        "- - - - -",
        "!!binary aGk=",
    ];
    for text in texts {
        sandbox.write("playbook.yaml", text);
        let said = sandbox.run(&["run"]).says(2);
        assert!(said.starts_with("error: ") && said.len() < 5_000, "{said}");
    }
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    std::fs::write(
        sandbox.path("playbook.yaml"),
        b"version: \"1.0\"\nname: \xff\xfe\n",
    )
    .unwrap();
    assert!(
        sandbox
            .run(&["run"])
            .says(2)
            .contains("playbook.yaml:2: the playbook is not UTF-8 text")
    );
}

#[test]
fn wrong_command_lines() {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.yaml", "version: \"1.0\"\nname: t\nparams: {model: tiny}\nstages:\n  a: {cmd: 'echo {{params.model}} > x', outs: [x]}\n");
    let mut told = String::new();
    for args in [
        &["run", "-p", "modle=base"][..],
        &["run", "-p", "model"],
        &["run", "-p", "model=[1"],
        &["run", "nope"],
        &["run", "state:odd"],
        &["list", "gone.yaml"],
        &["lock"],
    ] {
        let said = sandbox.run(args).says(2);
        write!(
            told,
            "$ playbook {}
{said}",
            args.join(" ")
        )
        .unwrap();
    }
    insta::assert_snapshot!(told);
    sandbox.run(&["run", "-j0"]).says(2);
    sandbox.run(&["frobnicate"]).says(2);
    sandbox.run(&[]).says(2);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    let playbook = env!("CARGO_BIN_EXE_playbook");
    let mut command = sandbox.command(&[]);
    let status = {
        #[expect(clippy::disallowed_methods, reason = "a test starts a shell itself")]
        let mut shell = std::process::Command::new("sh");
        shell
            .current_dir(sandbox.root())
            .arg("-c")
            .arg(format!("'{playbook}' status | true"));
        shell.output().unwrap()
    };
    assert!(
        status.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    command
        .args(["run", "--json"])
        .stdout(std::process::Stdio::null());
    assert_eq!(command.status().unwrap().code(), Some(0));
}
