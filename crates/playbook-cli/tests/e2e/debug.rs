//! `debug`: how a stage is run, what came of it last, and a shell to run it in.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Ended, Sandbox};

const STAGES: &str = "  make: {cmd: cp in x, deps: [in], outs: [x]}\n  use:\n    cmd: ['cat x > y', 'echo {{env.TOKEN}} {{params.n}} >&2; exit 3']\n    deps: [x, data]\n    outs: [y]\n    env: {TOKEN: se cret}\n  there: {cmd: \"pwd > z\\ncat ../x\", deps: [x], outs: [sub/z], wdir: sub, shell: bash}\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!("version: \"1.0\"\nname: test\nparams: {{n: 7}}\nstages:\n{STAGES}"),
    );
    sandbox.write("in", "1");
    sandbox.write("data/a", "1");
    sandbox
}

/// Runs `debug` with this typed into its shell.
fn typing(sandbox: &Sandbox, args: &[&str], keys: &str) -> Ended {
    sandbox.write("keys", keys);
    let mut command = sandbox.command(args);
    command.env("SHELL", "/bin/sh");
    let (mut out, mut err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(std::fs::File::open(sandbox.path("keys")).unwrap());
    command.stdout(out.try_clone().unwrap());
    command.stderr(err.try_clone().unwrap());
    let code = sandbox.start_wired(command).ended_quietly();
    let read = |file: &mut std::fs::File| {
        use std::io::{Read as _, Seek as _};
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text.replace(&sandbox.root().display().to_string(), "[ROOT]")
    };
    Ended {
        code,
        stdout: read(&mut out),
        stderr: read(&mut err),
    }
}

#[test]
fn before_its_first_run_a_stage_shows_how_it_would_be_run() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["debug", "make"]).prints(0), @"
    stage 'make': not run yet
      shell      /bin/sh -e -c -- COMMAND
      directory  [ROOT]
      command    cp in x
      reads      in: a file of 1 B
      makes      x: missing

      playbook debug --shell make       a shell there, with its environment
      playbook run --only --force make  run it alone, whatever is recorded
    ");
    insta::assert_snapshot!(sandbox.run(&["debug", "there"]).prints(0), @"
    stage 'there': not run yet
      shell      bash -eo pipefail -c -- COMMAND
      directory  [ROOT]/sub
      command    pwd > z
                 cat ../x
      reads      x: missing; 'make' makes it
      makes      sub/z: missing

      playbook debug --shell there       a shell there, with its environment
      playbook run --only --force there  run it alone, whatever is recorded
    ");
    assert!(!sandbox.exists(".playbook"), "looking writes nothing");
}

#[test]
fn after_a_failure_it_shows_what_came_of_it() {
    let sandbox = sandbox();
    let said = sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(said, @"
    run    make   no lock file found (first run)
    done   make   0.00 s
    run    use    no lock file found (first run)
    error: stage 'use' failed: exit status 3
      command: cat x > y
               echo *** 7 >&2; exit 3
      log:     .playbook/playbook/logs/0192f3c1-0000/use.1.log (all of it)
        | se cret 7
      left:    what the command left at y is now .playbook/playbook/failed/use/y
      hint: 'playbook debug use' shows how to run it by hand
    skip   there  because 'use' failed
    1 run · 0 cached · 1 failed · 1 skipped in 0.00 s
    ");
    insta::assert_snapshot!(sandbox.run(&["debug", "use"]).prints(0), @"
    stage 'use': failed
      shell      /bin/sh -e -c -- COMMAND
      directory  [ROOT]
      env        TOKEN=***
      command 1  cat x > y
      command 2  echo *** 7 >&2; exit 3
      reads      x: a file of 1 B, last recorded as d63bd9a8; 'make' makes it
                 data: a directory, last recorded as 39eca300
      makes      y: missing

    last tried on 2026-02-16 14:00:00 in run 0192f3c1-0000: failed after 0.00 s: exit status 3
      why        no lock file found (first run)
      log        .playbook/playbook/logs/0192f3c1-0000/use.1.log
        | se cret 7
      kept       y: .playbook/playbook/failed/use/y

      playbook debug --shell use       a shell there, with its environment
      playbook run --only --force use  run it alone, whatever is recorded
    ");
    insta::assert_snapshot!(sandbox.run(&["debug", "use", "--json"]).prints(0), @r#"{"stage":"use","state":"failed","shell":["/bin/sh","-e","-c","--"],"directory":"[ROOT]","env":{"TOKEN":"***"},"commands":["cat x > y","echo *** 7 >&2; exit 3"],"deps":[{"path":"x","kind":"file","bytes":1,"recorded":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","made_by":["make"]},{"path":"data","kind":"directory","bytes":null,"recorded":"blake3:39eca300f1bba8092d694a99c9379a87d85546eee81b78303d333f38231ee83c"}],"outs":[{"path":"y","kind":null,"bytes":null,"recorded":null}],"last":{"run_id":"0192f3c1-0000-7000-8000-000000000001","stage":"use","outcome":"failed","started":"2026-02-16T14:00:00Z","ended":"2026-02-16T14:00:00Z","duration_seconds":null,"attempts":1,"failed_tries":[],"target":"local","cache_key":"blake3:d736cb48c9f1b70e641b850f7117cbf73ec5f9dc53c7dede53fd6faba6fd76b9","command":"cat x > y\necho *** 7 >&2; exit 3","reasons":[{"kind":"no_lock_file"}],"cache_miss_reason":"no lock file found (first run)","outs":[],"changed":null,"moved":[],"exit_code":3,"signal":null,"error":"exit status 3","log":".playbook/playbook/logs/0192f3c1-0000/use.1.log","restored":[],"kept":[{"path":"y","kept":".playbook/playbook/failed/use/y"}],"because":null}}"#);
    // What was kept of it goes when it runs next.
    std::fs::remove_dir_all(sandbox.path(".playbook/playbook/failed")).unwrap();
    let shown = sandbox.run(&["debug", "use"]).prints(0);
    assert!(shown.contains("failed/use/y (gone)\n"), "{shown}");
}

#[test]
fn values_of_the_environment_are_shown_only_to_the_shell() {
    let sandbox = sandbox();
    for args in [&["debug", "use"][..], &["debug", "use", "--json"]] {
        let shown = sandbox.run(args).prints(0);
        assert!(shown.contains("***") && !shown.contains("cret"), "{shown}");
    }
    let typed = "printf '%s\\n' \"$TOKEN\" \"$PLAYBOOK_COMMAND_2\"";
    let shell = typing(&sandbox, &["debug", "--shell", "use"], typed);
    assert_eq!(shell.prints(0), "se cret\necho 'se cret' 7 >&2; exit 3\n");
}

#[test]
fn the_shell_is_where_the_stage_runs_and_its_exit_status_is_ours() {
    let sandbox = sandbox();
    sandbox.write("x", "made\n");
    sandbox.write("sub/keep", "");
    let typed = "pwd; bash -eo pipefail -c -- \"$PLAYBOOK_COMMAND\"; cat z; exit 7";
    let shell = typing(&sandbox, &["debug", "--shell", "there"], typed);
    insta::assert_snapshot!(shell.stderr, @r#"
    a shell in [ROOT]/sub with the environment of 'there'; nothing is locked or recorded, 'exit' leaves it
      run it with: bash -eo pipefail -c -- "$PLAYBOOK_COMMAND"
    "#);
    assert_eq!(shell.prints(7), "[ROOT]/sub\nmade\n[ROOT]/sub\n");
    assert!(
        !sandbox.exists(".playbook"),
        "nothing is locked or recorded"
    );
    let quiet = typing(&sandbox, &["debug", "--shell", "-q", "use"], "exit 0");
    assert_eq!(quiet.says(0), "");
    let list = typing(&sandbox, &["debug", "--shell", "use"], "");
    insta::assert_snapshot!(list.says(0), @r#"
    a shell in [ROOT] with the environment of 'use'; nothing is locked or recorded, 'exit' leaves it
      run it with: /bin/sh -e -c -- "$PLAYBOOK_COMMAND_1"
      then:        /bin/sh -e -c -- "$PLAYBOOK_COMMAND_2"
    "#);
}

#[test]
fn a_shell_does_not_end_with_the_runs_that_died() {
    let sandbox = sandbox();
    let typed = "env | grep -c '^PLAYBOOK_STATE_DIR='; echo $PLAYBOOK_STAGE";
    let mut command = sandbox.command(&["debug", "--shell", "-q", "make"]);
    command.env("PLAYBOOK_STATE_DIR", sandbox.path(".playbook/playbook"));
    command.env("SHELL", "/bin/sh");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = command.spawn().unwrap();
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(typed.as_bytes())
        .unwrap();
    let ended = shell.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "0\nmake\n");
}

#[test]
fn what_cannot_be_shown_or_opened_says_why() {
    let sandbox = sandbox();
    let commands = [
        &["mak"][..],
        &["*"],
        &["make", "use"],
        &["state:failed"],
        &["playbook.yaml"],
        &["--shell", "there"],
    ];
    let told = commands.map(|args| {
        let all: Vec<&str> = ["debug"].iter().chain(args).copied().collect();
        format!("$ {}\n{}", all.join(" "), sandbox.run(&all).says(2))
    });
    insta::assert_snapshot!(told.join("\n"), @"
    $ debug mak
    error: 'mak' selects nothing: no stage has this name and none makes this path
      hint: did you mean 'make'?

    $ debug *
    error: one stage at a time: '*' names 3
      hint: one of them is 'make'

    $ debug make use
    error: one stage at a time, not 2
      hint: 'playbook list' shows the stages

    $ debug state:failed
    error: 'state:failed' names no stage now
      hint: 'playbook list' shows the stages

    $ debug playbook.yaml
    error: which stage? None is named
      hint: 'playbook list' shows the stages

    $ debug --shell there
    error: its working directory [ROOT]/sub does not exist
      hint: make it, or correct 'wdir' in the playbook
    ");
    let mut command = sandbox.command(&["debug", "--shell", "make"]);
    command.env("SHELL", "/nowhere/sh");
    insta::assert_snapshot!(sandbox.finish(command).says(2), @r#"
    a shell in [ROOT] with the environment of 'make'; nothing is locked or recorded, 'exit' leaves it
      run it with: /bin/sh -e -c -- "$PLAYBOOK_COMMAND"
    error: cannot start '/nowhere/sh': No such file or directory (os error 2)
      hint: it is what $SHELL names; try SHELL=/bin/sh
    "#);
}
