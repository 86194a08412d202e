//! How commands are run.

use crate::support::Sandbox;

#[test]
fn paths_are_relative_to_the_root_wherever_one_stands() {
    let sandbox = Sandbox::new();
    sandbox.write("deep/er/keep", "");
    sandbox.write(
        "pipe/etl.yml",
        "version: \"1.0\"\nname: t\nstages:\n  a: {cmd: pwd > o/x, outs: [o/x]}\n",
    );
    let mut command = sandbox.command(&["run", "../pipe/etl.yml"]);
    command.current_dir(sandbox.path("deep"));
    sandbox.finish(command).says(0);
    assert!(sandbox.read("pipe/o/x").trim_end().ends_with("/pipe"));
    assert_eq!(
        sandbox.names("pipe"),
        [
            ".playbook",
            "etl.events.jsonl",
            "etl.lock.yaml",
            "etl.yml",
            "o"
        ]
    );
    assert_eq!(sandbox.names("deep"), ["er"]);
    assert_eq!(
        sandbox.ran(&["-f", "pipe/etl.yml"]),
        Vec::<String>::new(),
        "the same playbook, seen from elsewhere"
    );
}

#[test]
fn a_playbook_is_found_in_a_directory_above() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    sandbox.write("deep/er/keep", "");
    let mut command = sandbox.command(&["run", "-q"]);
    command.current_dir(sandbox.path("deep/er"));
    assert_eq!(sandbox.finish(command).says(0), "");
    assert!(sandbox.exists("x"));
}

#[test]
fn how_the_playbook_is_named() {
    let one = |name: &str| {
        format!("version: \"1.0\"\nname: t\nstages:\n  s: {{cmd: echo > {name}, outs: [{name}]}}\n")
    };
    let sandbox = Sandbox::new();
    for name in ["playbook.yaml", "a.yaml", "b.yml"] {
        sandbox.write(name, &one(&name.replace('.', "_")));
    }
    let made = |args: &[&str], file: Option<&str>| {
        let mut command = sandbox.command(args);
        command.envs(file.map(|file| ("PLAYBOOK_FILE", file)));
        sandbox.finish(command).says(0);
        let names = sandbox
            .names(".")
            .into_iter()
            .filter(|name| name.ends_with("ml") && name.contains('_'));
        let made: Vec<String> = names.collect();
        for name in &made {
            sandbox.remove(name);
        }
        made.concat()
    };
    assert_eq!(made(&["run"], None), "playbook_yaml");
    assert_eq!(
        made(&["run", "a.yaml"], Some("b.yml")),
        "a_yaml",
        "a positional before the environment"
    );
    assert_eq!(made(&["run", "s"], Some("b.yml")), "b_yml");
    assert_eq!(made(&["run", "-f", "a.yaml", "s"], Some("b.yml")), "a_yaml");
    let said = sandbox.run(&["run", "-f", "a.yaml", "b.yml"]).says(2);
    assert!(
        said.contains("'b.yml' selects nothing"),
        "with -f, positionals are stages: {said}"
    );
    let said = sandbox.run(&["run", "gone.yaml"]).says(2);
    assert!(said.contains("there is no such playbook file"), "{said}");
}

#[test]
fn a_reader_that_goes_away_does_not_hide_a_failure() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'exit 3', outs: [x]}\n");
    let mut command = sandbox.command(&["run", "--json"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let status = command
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_line_in_the_middle_that_fails_fails_the_stage() {
    let sandbox = Sandbox::with_stages(
        "  a:\n    cmd: |\n      echo one > x\n      false\n      echo two > x\n    outs: [x]\n",
    );
    sandbox.run(&["run"]).says(1);
    assert!(!sandbox.exists("x"));
    sandbox.stages("  a:\n    cmd: |\n      echo one > x\n      false\n      echo two > x\n    outs: [x]\n    shell: raw\n");
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("x"), "two\n");
    sandbox.stages("  a: {cmd: 'false | cat > x', outs: [x], shell: bash}\n");
    sandbox.run(&["run"]).says(1);
}

#[test]
fn a_list_of_commands_stops_at_the_first_that_fails() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: ['cd /; V=1; echo one > $OLDPWD/x', 'echo \"$V\" >> x'], outs: [x]}\n",
    );
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("x"), "one\n\n", "each in a shell of its own");
    sandbox.stages("  a: {cmd: ['echo one > x', 'exit 7', 'echo > y'], outs: [x]}\n");
    assert!(sandbox.run(&["run"]).says(1).contains("exit status 7"));
    assert!(!sandbox.exists("y"));
}

#[test]
fn values_never_change_the_shape_of_a_command() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: t\nparams: {v: 'x; touch INJECTED', l: ['a b', \"c'd\"]}\nstages:\n  a:\n    cmd: |\n      {\n        printf '<%s>' {{params.v}} \"{{params.v}}\" '{{params.v}}' {{params.l}} \"${#v}\"\n      } > {{outs[0].path}}\n    outs: [\"my file; touch INJECTED\"]\n",
    );
    sandbox.run(&["run"]).says(0);
    assert_eq!(
        sandbox.read("my file; touch INJECTED"),
        "<x; touch INJECTED><x; touch INJECTED><x; touch INJECTED><a b><c'd><0>"
    );
    assert!(!sandbox.exists("INJECTED"));
}

#[test]
fn odd_names() {
    let stages = "  a:\n    cmd: [\"cp {{deps[0].path}} {{outs[0].path}}\", \"cp {{deps[1].path}} {{outs[1].path}}\", \"cp {{deps[2].path}} {{outs[2].path}}\"]\n    deps: [\"with space\", \"-dash\", \"new\\nline 'quote\\\"\"]\n    outs: [\"o/with space\", \"-o\", \"o/new\\nline 'quote\\\"\"]\n";
    let sandbox = Sandbox::with_stages(stages);
    for name in ["with space", "-dash", "new\nline 'quote\""] {
        sandbox.write(name, name);
    }
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.read("o/new\nline 'quote\""), "new\nline 'quote\"");
    assert_eq!(sandbox.read("-o"), "-dash");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("-dash", "other");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn a_hundred_megabytes_of_output_go_to_the_log() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'head -c 100000000 /dev/zero | tr \"\\\\0\" \"y\"; echo; echo last; false'}\n",
    );
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("    | last\n"), "{said}");
    assert!(said.len() < 2_000);
    let log = sandbox.path(".playbook/playbook/logs/0192f3c1-0000/a.1.log");
    assert_eq!(log.metadata().unwrap().len(), 100_000_006);
}

#[test]
fn commands_read_nothing_and_leave_nobody_behind() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat > x; (while :; do :; done) & echo done >> x', outs: [x]}\n",
    );
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("x"), "done\n");
}

#[test]
fn stages_run_in_parallel_and_no_more_than_allowed() {
    // Each waits for the other to begin, so this ends only if both run at once.
    let meet = |own: &str, other: &str| {
        format!(
            "  {own}: {{cmd: 'mkfifo f{own} 2> /dev/null || :; touch b{own}; until [ -e b{other} ]; do :; done; echo > {own}', outs: [{own}]}}\n"
        )
    };
    let sandbox = Sandbox::with_stages(&format!("{}{}", meet("x", "y"), meet("y", "x")));
    sandbox.run(&["run", "-j2"]).says(0);
    // One core each: the second finds the first's mark gone.
    let alone = |own: &str| {
        format!("  {own}: {{cmd: 'mkdir busy; rmdir busy; echo > {own}', outs: [{own}]}}\n")
    };
    sandbox.stages(&["p", "q", "r", "s"].map(alone).concat());
    sandbox.run(&["run", "-j1"]).says(0);
    let wide = |own: &str| {
        format!(
            "  {own}: {{cmd: 'mkdir busy; rmdir busy; echo > {own}', outs: [{own}], resources: {{cores: 3}}}}\n"
        )
    };
    sandbox.stages(&["t", "u", "v"].map(wide).concat());
    sandbox.run(&["run", "-j4"]).says(0);
}

#[test]
fn ready_stages_start_in_the_playbooks_order() {
    let stage = |name: &str| format!("  {name}: {{cmd: 'echo > o{name}', outs: [o{name}]}}\n");
    let stages = ["z", "m", "a", "k", "b"].map(stage).concat();
    let sandbox = Sandbox::with_stages(&stages);
    assert_eq!(sandbox.ran(&["-j1"]), ["z", "m", "a", "k", "b"]);
}

#[test]
fn a_timeout_ends_the_command() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'trap \"exit 0\" TERM; while :; do :; done', resources: {timeout: 100ms}}\n",
    )
    .real_clock();
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("stage 'a' failed: timed out after 0.1 s"),
        "{said}"
    );
}

#[test]
fn json_on_standard_output_and_nothing_else_there() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo noise; echo > x', outs: [x]}\n  b: {cmd: 'exit 3', deps: [x], outs: [y]}\n",
    );
    let ended = sandbox.run(&["run", "--json"]);
    insta::assert_snapshot!(ended.prints(1), @r#"
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"run_started","playbook":"test","generator":"playbook 0.1.0","stages":2,"params":{}}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_started","stage":"a","target":"local","attempt":1,"cache_key":"blake3:a923056c7dd0f99b1965c699083525f6f9fff758d6aedc8fce9cb1ec730567c9","command":"echo noise; echo > x","reasons":[{"kind":"no_lock_file"}],"cache_miss_reason":"no lock file found (first run)"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_completed","stage":"a","duration_seconds":0.0,"outs":[{"path":"x","hash":"blake3:295192ea1ec8566d563b1a7587e5f0198580cdbd043842f5090a4c197c20c67a"}],"changed":true}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_started","stage":"b","target":"local","attempt":1,"cache_key":"blake3:63a8657091c8874c73700364a924f0724ff53749e950e192ed373845c47f8db2","command":"exit 3","reasons":[{"kind":"no_lock_file"}],"cache_miss_reason":"no lock file found (first run)"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_failed","stage":"b","exit_code":3,"error":"exit status 3","attempt":1,"log":".playbook/playbook/logs/0192f3c1-0000/b.1.log"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"run_failed","stages_run":1,"stages_cached":0,"stages_failed":1,"stages_skipped":0,"total_seconds":0.0,"saved_seconds":0.0}
    "#);
    let printed = sandbox.run(&["run", "--json", "a"]).prints(0);
    insta::assert_snapshot!(printed, @r#"
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"run_started","playbook":"test","generator":"playbook 0.1.0","stages":1,"params":{}}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"stage_cached","stage":"a","cache_key":"blake3:a923056c7dd0f99b1965c699083525f6f9fff758d6aedc8fce9cb1ec730567c9","reason":"hit"}
    {"ts":"2026-02-16T14:00:00Z","run_id":"0192f3c1-0000-7000-8000-000000000001","event":"run_completed","stages_run":0,"stages_cached":1,"stages_failed":0,"stages_skipped":0,"total_seconds":0.0,"saved_seconds":0.0}
    "#);
}

#[test]
fn secrets_in_the_environment_are_masked() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo {{env.TOKEN}} > x; exit 1', outs: [x], env: {TOKEN: hunter2}}\n",
    );
    let ended = sandbox.run(&["run", "--json", "-v"]);
    let ended = if ended.code == Some(2) {
        sandbox.run(&["run", "--json"])
    } else {
        ended
    };
    assert!(
        !ended.stdout.contains("hunter2") && ended.stdout.contains("echo *** > x"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    assert!(!sandbox.read("playbook.lock.yaml").contains("hunter2"));
    assert!(!sandbox.read("playbook.events.jsonl").contains("hunter2"));
}

#[test]
fn an_interrupt_stops_the_children_and_saves_what_was_done() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let sandbox = Sandbox::with_stages("  a: {cmd: 'echo > x', outs: [x]}\n  b: {cmd: 'echo $$ > pid; while :; do :; done', deps: [x], outs: [y]}\n  c: {cmd: cp y z, deps: [y], outs: [z]}\n").real_clock();
    let mut command = sandbox.command(&["run", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Until the second stage runs.
    lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("stage_started") && line.contains("\"b\""))
        .unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.last().unwrap().contains("run_interrupted"), "{rest:?}");
    if sandbox.exists("pid") && !sandbox.read("pid").trim().is_empty() {
        let stage: i32 = sandbox.read("pid").trim().parse().unwrap();
        let gone =
            rustix::process::test_kill_process(rustix::process::Pid::from_raw(stage).unwrap());
        assert!(gone.is_err(), "the command still runs");
    }
    let status = sandbox.run(&["status"]).prints(0);
    assert!(
        status.contains("cached a")
            && status.contains("previous run did not complete (interrupted)"),
        "{status}"
    );
    assert!(
        sandbox
            .run(&["run", "-n", "state:failed"])
            .prints(0)
            .contains("run    b")
    );
}

#[test]
fn what_was_done_before_a_kill_is_not_done_again() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo > x', outs: [x]}\n  b: {cmd: 'test -e gone || { echo half > y; exec sleep 1000; }; echo > y', deps: [x], outs: [y]}\n",
    )
    .real_clock();
    let mut command = sandbox.command(&["run", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("stage_completed"))
        .unwrap();
    // What is announced is in the journal already.
    lines
        .map(Result::unwrap)
        .find(|line| line.contains("\"b\""))
        .unwrap();
    while !sandbox.exists("y") {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!sandbox.exists("playbook.lock.yaml"));
    let status =
        "cached a\nrun    b  previous run did not complete (interrupted)\n1 to run · 1 cached\n";
    assert_eq!(sandbox.run(&["status"]).prints(0), status);
    assert!(
        !sandbox.exists("playbook.lock.yaml"),
        "looking writes nothing"
    );
    sandbox.write("gone", "");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("did not come to its end"), "{said}");
    assert!(
        said.contains("ended:     1 process that still ran"),
        "{said}"
    );
    assert!(said.contains("completed: a (now in the lock)"), "{said}");
    assert!(said.contains("cut off:   b"), "{said}");
    assert_eq!(sandbox.read("y"), "\n");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn two_runs_at_once_take_turns() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir busy; echo >> count; cp in x; rmdir busy', deps: [in], outs: [x]}\n",
    )
    .real_clock();
    sandbox.write("in", "1");
    let children: Vec<_> = (0..6)
        .map(|_| {
            sandbox
                .command(&["run"])
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(sandbox.read("count"), "\n", "it ran once");
}

#[test]
fn a_run_that_must_not_wait_says_who_holds_the_playbook() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let sandbox = Sandbox::with_stages("  a: {cmd: 'read line < fifo; echo > x', outs: [x]}\n");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sandbox.path("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let mut first = sandbox
        .command(&["run", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("stage_started"))
        .unwrap();
    let said = sandbox.run(&["run", "--no-wait"]).says(5);
    assert!(
        said.contains(&format!(
            "another run holds this playbook (pid {}",
            first.id()
        )),
        "{said}"
    );
    let mut fifo = std::fs::OpenOptions::new()
        .write(true)
        .open(sandbox.path("fifo"))
        .unwrap();
    fifo.write_all(b"go\n").unwrap();
    drop(fifo);
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

#[test]
fn more_cores_than_the_target_has_is_refused() {
    let sandbox = Sandbox::new();
    let with = |cores: u32| {
        format!(
            "version: \"1.0\"\nname: t\ntargets: {{small: {{cores: 2}}}}\nstages:\n  a: {{cmd: echo > x, outs: [x], target: small, resources: {{cores: {cores}}}}}\n"
        )
    };
    sandbox.write("playbook.yaml", &with(3));
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("stage 'a' asks for 3 cores, and target 'small' has 2"),
        "{said}"
    );
    sandbox.write("playbook.yaml", &with(2));
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn reading_everything_gives_the_same_answers() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&["--no-stat-cache"]), ["a"]);
    assert_eq!(sandbox.ran(&["--no-stat-cache"]), Vec::<String>::new());
    assert_eq!(
        sandbox.run(&["status", "--no-stat-cache"]).prints(0),
        "cached a\n1 cached\n"
    );
}

#[test]
fn colours_are_for_those_who_want_them() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    let printed = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = sandbox.command(args);
        command.envs(env.iter().copied());
        sandbox.finish(command).prints(0)
    };
    assert!(!printed(&["status"], &[]).contains('\u{1b}'), "no terminal");
    assert!(printed(&["status", "--color", "always"], &[]).contains('\u{1b}'));
    assert!(printed(&["status"], &[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(
        !printed(&["status", "--color", "never"], &[("CLICOLOR_FORCE", "1")]).contains('\u{1b}')
    );
}
