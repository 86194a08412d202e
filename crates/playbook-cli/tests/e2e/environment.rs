//! What a command finds around it: variables, a directory, a shell.

use crate::support::Sandbox;

fn with(top: &str, stages: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    edit(&sandbox, top, stages);
    sandbox
}

fn edit(sandbox: &Sandbox, top: &str, stages: &str) {
    sandbox.write(
        "playbook.yaml",
        &format!("version: \"1.0\"\nname: test\n{top}stages:\n{stages}"),
    );
}

/// Runs with these variables around it.
fn run_in(sandbox: &Sandbox, vars: &[(&str, &str)]) -> String {
    let mut command = sandbox.command(&["run"]);
    command.envs(vars.iter().copied());
    sandbox.finish(command).says(0)
}

const PRINT: &str = "  a: {cmd: 'echo \"$A $B\" > x', outs: [x], env: {B: stage}}\n";

#[test]
fn a_stages_variables_win_over_the_playbooks_and_they_over_the_callers() {
    let sandbox = with("env: {A: playbook, B: playbook}\n", PRINT);
    run_in(&sandbox, &[("A", "caller"), ("B", "caller")]);
    assert_eq!(sandbox.read("x"), "playbook stage\n");
    edit(&sandbox, "", PRINT);
    run_in(&sandbox, &[("A", "caller")]);
    assert_eq!(sandbox.read("x"), "caller stage\n");
}

#[test]
fn a_declared_variable_decides_and_is_not_shown_and_a_callers_does_not() {
    let sandbox = with("env: {A: secret-1, B: x}\n", PRINT);
    run_in(&sandbox, &[]);
    assert!(run_in(&sandbox, &[("OTHER", "1"), ("A", "caller")]).contains("0 run"));
    // One that the stage itself declares otherwise is not what its command sees.
    edit(&sandbox, "env: {A: secret-1, B: y}\n", PRINT);
    assert!(run_in(&sandbox, &[]).contains("0 run"));
    edit(&sandbox, "env: {A: secret-2, B: y}\n", PRINT);
    for args in [
        &["status"][..],
        &["run", "-n"],
        &["why", "a"],
        &["run"],
        &["log", "show"],
    ] {
        let ended = sandbox.run(args);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!said.contains("secret"), "{said}");
        if args[0] != "log" {
            assert!(
                said.contains("env: A changed") || said.contains("env "),
                "{said}"
            );
        }
    }
    for file in ["playbook.lock.yaml", "playbook.events.jsonl"] {
        assert!(!sandbox.read(file).contains("secret"), "{file}");
    }
}

#[test]
fn names_and_values_that_cannot_be_are_refused() {
    let sandbox = with(
        "env: {A-B: 1, '': x, C: [1], D: null, E: \"a\\0b\", F: 1}\n",
        "  a: {cmd: x, outs: [x], env: {1A: x}}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2));
}

#[test]
fn in_a_clean_environment_there_is_what_is_declared_and_little_more() {
    let cmd = "  a: {cmd: 'env > x', outs: [x], env: {OWN: 1, LANG: mine}}\n";
    let sandbox = with("policy: {environment: clean}\nenv: {ALL: 2}\n", cmd);
    let around = [
        ("HOME", "/mine"),
        ("LANG", "C"),
        ("TMPDIR", "/mine/tmp"),
        ("SECRET", "1"),
        ("LD_LIBRARY_PATH", "/nowhere"),
        ("HTTP_PROXY", "http://x"),
    ];
    run_in(&sandbox, &around);
    let text = sandbox.read("x");
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    // The shell's own are its own.
    names.retain(|name| !["_", "SHLVL", "OLDPWD"].contains(name));
    assert_eq!(
        names,
        [
            "ALL",
            "HOME",
            "LANG",
            "OWN",
            "PATH",
            "PLAYBOOK_STAGE",
            "PLAYBOOK_STATE_DIR",
            "PWD",
            "TMPDIR"
        ]
    );
    assert!(
        text.contains("LANG=mine\n") && text.contains("HOME=/mine\n"),
        "{text}"
    );
    assert!(
        run_in(&sandbox, &[]).contains("0 run"),
        "what is passed decides nothing"
    );
}

#[test]
fn commands_without_a_shell_have_a_clean_environment_too() {
    let stage =
        |n: usize| format!("  a{n}: {{cmd: 'cat /proc/self/environ > x{n}', outs: [x{n}]}}\n");
    let stages: String = (0..8).map(stage).collect();
    let sandbox = with("policy: {environment: clean}\n", &stages);
    run_in(&sandbox, &[("SECRET", "1"), ("_", "caller")]);
    for n in 0..8 {
        let text = sandbox.read(&format!("x{n}"));
        let name = |var: &str| var.split('=').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = text.split_terminator('\0').map(name).collect();
        names.sort();
        names.retain(|name| !["_", "SHLVL", "OLDPWD"].contains(&name.as_str()));
        assert_eq!(
            names,
            ["PATH", "PLAYBOOK_STAGE", "PLAYBOOK_STATE_DIR", "PWD"],
            "x{n}"
        );
    }
}

#[test]
fn whether_it_is_clean_decides() {
    let cmd = "  a: {cmd: 'echo > x', outs: [x]}\n  b: {cmd: 'echo > y', outs: [y], env: {B: 1}}\n";
    let sandbox = with("", cmd);
    sandbox.ran(&[]);
    edit(&sandbox, "policy: {environment: inherit}\n", cmd);
    assert!(sandbox.ran(&[]).is_empty());
    edit(&sandbox, "policy: {environment: clean}\n", cmd);
    insta::assert_snapshot!(sandbox.run(&["why", "*"]).prints(0));
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    assert!(sandbox.ran(&[]).is_empty());
    insta::assert_snapshot!(sandbox.run(&["why", "a"]).prints(0));
    edit(&sandbox, "", cmd);
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    edit(&sandbox, "policy: {environment: empty}\n", cmd);
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2));
}

#[test]
fn paths_are_written_as_they_are_seen_from_the_working_directory() {
    let stages = "  a: {cmd: 'pwd > where; cp {{deps[0].path}} {{outs[0].path}}', deps: [data/in], outs: [out/x, sub/where], wdir: sub}\n";
    let sandbox = with("", stages);
    sandbox.write("data/in", "1\n");
    sandbox.write("sub/keep", "");
    insta::assert_snapshot!(
        sandbox
            .run(&["debug", "a"])
            .prints(0)
            .lines()
            .filter(|line| line.contains("cp "))
            .collect::<String>()
    );
    sandbox.ran(&[]);
    assert_eq!(sandbox.read("out/x"), "1\n");
    let real = sandbox.root().canonicalize().unwrap().join("sub");
    let given = sandbox.root().join("sub");
    let said = sandbox.read("sub/where");
    assert!(
        [real, given]
            .iter()
            .any(|path| said == format!("{}\n", path.display())),
        "{said}"
    );
}

#[test]
fn a_working_directory_may_be_outside_if_the_paths_can_be_told_from_there() {
    let sandbox = Sandbox::new();
    let project = "version: \"1.0\"\nname: test\nstages:\n  a: {cmd: 'cp {{deps[0].path}} {{outs[0].path}}', deps: [../data/in], outs: [x], wdir: ../data}\n";
    sandbox.write("project/playbook.yaml", project);
    sandbox.write("data/in", "1\n");
    insta::assert_snapshot!(sandbox.run(&["run", "-f", "project/playbook.yaml"]).says(2));
    let reachable = project.replace("[x]", "[../data/x]");
    sandbox.write("project/playbook.yaml", &reachable);
    sandbox.run(&["run", "-f", "project/playbook.yaml"]).says(0);
    assert_eq!(sandbox.read("data/x"), "1\n");
}

#[test]
fn a_working_directory_that_is_not_there_or_no_directory_is_told_of() {
    for wdir in ["gone", "file"] {
        let sandbox = with(
            "",
            &format!("  a: {{cmd: 'echo > ../x', outs: [x], wdir: {wdir}}}\n"),
        );
        sandbox.write("file", "");
        insta::assert_snapshot!(format!("wdir_{wdir}"), sandbox.run(&["run"]).says(1));
    }
}

#[test]
fn each_shell_stops_where_it_says() {
    for (shell, cmd, ends) in [
        ("sh", "false; echo > x", 1),
        ("sh", "false | cat > x", 0),
        ("bash", "false | cat > x", 1),
        ("bash", "false; echo > x", 1),
        ("bash", "[[ a == a ]] && echo > x", 0),
        ("raw", "false; echo > x", 0),
    ] {
        let sandbox = with(
            "",
            &format!("  a: {{cmd: '{cmd}', outs: [x], shell: {shell}}}\n"),
        );
        let said = sandbox.run(&["run"]).says(ends);
        assert!(
            said.contains(if ends == 0 { "1 run" } else { "1 failed" }),
            "{said}"
        );
    }
}

#[test]
fn the_items_of_a_list_are_shells_of_their_own_and_stop_at_the_first_that_fails() {
    let list = |items: &str| format!("  a: {{cmd: [{items}], outs: [x]}}\n");
    let sandbox = with(
        "",
        &list("'V=1; cd /; echo one > \"$OLDPWD/x\"', 'echo \"two$V\" >> x'"),
    );
    sandbox.ran(&[]);
    assert_eq!(sandbox.read("x"), "one\ntwo\n");
    edit(
        &sandbox,
        "",
        &list("'echo one > x', 'exit 3', 'echo three > never'"),
    );
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("exit status 3"), "{said}");
    assert!(!sandbox.exists("never"));
    for wrong in ["", "'x', ''", "'x', 5"] {
        edit(&sandbox, "", &list(wrong));
        sandbox.run(&["run"]).says(2);
    }
}

#[test]
fn another_shell_or_directory_is_a_reason() {
    let sandbox = with("", "  a: {cmd: 'echo > {{outs[0].path}}', outs: [x]}\n");
    sandbox.write("sub/keep", "");
    sandbox.ran(&[]);
    for (field, reason) in [
        ("shell: bash", "shell: sh → bash"),
        ("shell: bash, wdir: sub", "wdir: . → sub"),
    ] {
        edit(
            &sandbox,
            "",
            &format!("  a: {{cmd: 'echo > {{{{outs[0].path}}}}', outs: [x], {field}}}\n"),
        );
        let said = sandbox.run(&["run"]).says(0);
        assert!(said.contains(reason), "{said}");
    }
}
