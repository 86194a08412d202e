//! `log`: past runs, what their stages printed, and a shorter event log.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Ended, Sandbox};

const STAGES: &str = "  quiet: {cmd: cp in x, deps: [in], outs: [x]}\n  loud: {cmd: \"printf 'hello\\\\033[31m red\\\\033[0m\\\\n10%%\\\\r20%%\\\\n'; cp x y\", deps: [x], outs: [y]}\n  bad: {cmd: [cp y z, 'echo oh no; exit 3'], deps: [y], outs: [z]}\n  below: {cmd: cp z w, deps: [z], outs: [w]}\n";

/// A run under an id that ends in this number, at this minute of the hour.
fn run(sandbox: &Sandbox, number: u32, args: &[&str]) -> Ended {
    let all: Vec<&str> = ["run", "-j1"].iter().chain(args).copied().collect();
    let mut command = sandbox.command(&all);
    command.env("PLAYBOOK_TEST_RUN_ID", id(number));
    let clock = format!("2026-02-16T14:{number:02}:00Z");
    command.env("PLAYBOOK_TEST_CLOCK", clock);
    sandbox.finish(command)
}

fn id(number: u32) -> String {
    format!("0192f3c1-{number:04}-7000-8000-000000000000")
}

/// One that failed, one in which less ran, and one that did all there was to do.
fn with_runs() -> Sandbox {
    let sandbox = Sandbox::with_stages(STAGES);
    sandbox.write("in", "1");
    run(&sandbox, 1, &[]).says(1);
    sandbox.write("in", "2");
    run(&sandbox, 2, &["quiet", "loud"]).says(0);
    sandbox.stages(&STAGES.replace("exit 3", "exit 0"));
    run(&sandbox, 3, &[]).says(0);
    sandbox
}

#[test]
fn past_runs_newest_first() {
    let sandbox = with_runs();
    insta::assert_snapshot!(sandbox.run(&["log"]).prints(0), @"
    0192f3c1-0003  2026-02-16 14:03  done    2 run · 2 cached              0.00 s
    0192f3c1-0002  2026-02-16 14:02  done    2 run                         0.00 s
    0192f3c1-0001  2026-02-16 14:01  failed  2 run · 1 failed · 1 skipped  0.00 s
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "--json"]).prints(0), @r#"
    {"run_id":"0192f3c1-0003-7000-8000-000000000000","started":"2026-02-16T14:03:00Z","ended":"2026-02-16T14:03:00Z","outcome":"completed","playbook":"test","generator":"playbook 0.1.0","selected":4,"params":{},"stages_run":2,"stages_cached":2,"stages_failed":0,"stages_skipped":0,"total_seconds":0.0,"saved_seconds":0.0}
    {"run_id":"0192f3c1-0002-7000-8000-000000000000","started":"2026-02-16T14:02:00Z","ended":"2026-02-16T14:02:00Z","outcome":"completed","playbook":"test","generator":"playbook 0.1.0","selected":2,"params":{},"stages_run":2,"stages_cached":0,"stages_failed":0,"stages_skipped":0,"total_seconds":0.0,"saved_seconds":0.0}
    {"run_id":"0192f3c1-0001-7000-8000-000000000000","started":"2026-02-16T14:01:00Z","ended":"2026-02-16T14:01:00Z","outcome":"failed","playbook":"test","generator":"playbook 0.1.0","selected":4,"params":{},"stages_run":2,"stages_cached":0,"stages_failed":1,"stages_skipped":1,"total_seconds":0.0,"saved_seconds":0.0}
    "#);
    for args in [
        &["log", "-n", "2"][..],
        &["log", "-2"],
        &["log", "--limit=2"],
    ] {
        let ended = sandbox.run(args);
        assert_eq!(ended.stdout.lines().count(), 2);
        insta::allow_duplicates! {
            insta::assert_snapshot!(ended.says(0), @"there are older ones: 'playbook log --all' shows them");
        }
    }
    assert_eq!(sandbox.run(&["log", "-n9"]).says(0), "");
    assert_eq!(
        sandbox
            .run(&["log", "--all", "-q"])
            .prints(0)
            .lines()
            .count(),
        3
    );
}

#[test]
fn where_nothing_ran_there_is_nothing_to_show() {
    let sandbox = Sandbox::with_stages(STAGES);
    insta::assert_snapshot!(sandbox.run(&["log"]).says(0), @"no runs yet; 'playbook run' runs what has to run");
    assert_eq!(sandbox.run(&["log", "--json"]).prints(0), "");
    insta::assert_snapshot!(sandbox.run(&["log", "show"]).says(2), @"
    error: there are no runs yet
      hint: 'playbook run' runs what has to run
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "--compact", "--keep=1"]).says(0), @"nothing to drop: the event log has no runs");
}

#[test]
fn a_run_shows_its_stages() {
    let sandbox = with_runs();
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3"]).prints(0), @"
    run 0192f3c1-0001-7000-8000-000000000000: failed
      began   2026-02-16 14:01:00, took 0.00 s
      stages  2 run · 1 failed · 1 skipped
      by      playbook 0.1.0

    done     quiet  +0.00 s  0.00 s  no lock file found (first run)
    done     loud   +0.00 s  0.00 s  no lock file found (first run)
    failed   bad    +0.00 s  0.00 s  no lock file found (first run)
             exit status 3
    skipped  below                   because 'bad' failed
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show"]).prints(0), @"
    run 0192f3c1-0003-7000-8000-000000000000: done
      began   2026-02-16 14:03:00, took 0.00 s
      stages  2 run · 2 cached
      by      playbook 0.1.0

    cached  quiet
    cached  loud
    done    bad    +0.00 s  0.00 s  previous run did not complete (failed)
    done    below  +0.00 s  0.00 s  not in the lock file (new stage)
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "0192f3c1-0002", "--json"]).prints(0), @r#"{"run_id":"0192f3c1-0002-7000-8000-000000000000","started":"2026-02-16T14:02:00Z","ended":"2026-02-16T14:02:00Z","outcome":"completed","playbook":"test","generator":"playbook 0.1.0","selected":2,"params":{},"stages_run":2,"stages_cached":0,"stages_failed":0,"stages_skipped":0,"total_seconds":0.0,"saved_seconds":0.0,"stages":[{"stage":"quiet","outcome":"ran","started":"2026-02-16T14:02:00Z","ended":"2026-02-16T14:02:00Z","duration_seconds":0.0,"attempts":1,"failed_tries":[],"target":"local","cache_key":"blake3:417aae3a9923041e80f23bf1b2f947e53d379519bc43971b4aa945664b31327d","command":"cp in x","reasons":[{"kind":"dep_changed","path":"in","old":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","new":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"cache_miss_reason":"in changed","outs":[{"path":"x","hash":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"changed":true,"moved":[],"exit_code":null,"signal":null,"error":null,"log":null,"restored":[],"kept":[],"because":null},{"stage":"loud","outcome":"ran","started":"2026-02-16T14:02:00Z","ended":"2026-02-16T14:02:00Z","duration_seconds":0.0,"attempts":1,"failed_tries":[],"target":"local","cache_key":"blake3:c335968fe962b5e305cf270212739693e9eddbc21cf5f7548e44d681bc5fb7c8","command":"printf 'hello\\033[31m red\\033[0m\\n10%%\\r20%%\\n'; cp x y","reasons":[{"kind":"dep_changed","path":"x","old":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","new":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"cache_miss_reason":"x changed","outs":[{"path":"y","hash":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d"}],"changed":true,"moved":[],"exit_code":null,"signal":null,"error":null,"log":".playbook/playbook/logs/0192f3c1-0002/loud.1.log","restored":[],"kept":[],"because":null}]}"#);
}

#[test]
fn a_stage_shows_what_it_printed() {
    let sandbox = with_runs();
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/bad"]).prints(0), @"
    stage 'bad' in run 0192f3c1-0001: failed
      error    exit status 3
      why      no lock file found (first run)
      began    2026-02-16 14:01:00 (+0.00 s), took 0.00 s
      command  cp y z
               echo oh no; exit 3
      kept     z as the command left it: .playbook/playbook/failed/bad/z (gone)
      log      .playbook/playbook/logs/0192f3c1-0001/bad.1.log

    output:
    oh no
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/quiet"]).prints(0), @"
    stage 'quiet' in run 0192f3c1-0001: done
      why      no lock file found (first run)
      began    2026-02-16 14:01:00 (+0.00 s), took 0.00 s
      command  cp in x
      made     x
      log      (no output)
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/below"]).prints(0), @"
    stage 'below' in run 0192f3c1-0001: skipped
      because  'bad' failed
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/bad", "--json"]).prints(0), @r#"{"run_id":"0192f3c1-0001-7000-8000-000000000000","stage":"bad","outcome":"failed","started":"2026-02-16T14:01:00Z","ended":"2026-02-16T14:01:00Z","duration_seconds":null,"attempts":1,"failed_tries":[],"target":"local","cache_key":"blake3:b8cd32f9b9c6b441fa8254be0a5d30da23ca602f967df5c85244aa5b956cdd14","command":"cp y z\necho oh no; exit 3","reasons":[{"kind":"no_lock_file"}],"cache_miss_reason":"no lock file found (first run)","outs":[],"changed":null,"moved":[],"exit_code":3,"signal":null,"error":"exit status 3","log":".playbook/playbook/logs/0192f3c1-0001/bad.1.log","restored":[],"kept":[{"path":"z","kept":".playbook/playbook/failed/bad/z"}],"because":null}"#);
}

#[test]
fn every_try_of_a_stage_is_told_of() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo again >> tries; wc -l < tries; test $(wc -l < tries) = 2; echo 1 > x', outs: [x], retry: {limit: 1, backoff: {initial: 1ms}}}\n",
    );
    run(&sandbox, 1, &[]).says(0);
    insta::assert_snapshot!(sandbox.run(&["log", "show"]).prints(0), @"
    run 0192f3c1-0001-7000-8000-000000000000: done
      began   2026-02-16 14:01:00, took 0.00 s
      stages  1 run
      by      playbook 0.1.0

    done  a  +0.00 s  0.00 s  no lock file found (first run) (2 tries)
    ");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "last/a"]).prints(0), @"
    stage 'a' in run 0192f3c1-0001: done
      why      no lock file found (first run)
      began    2026-02-16 14:01:00 (+0.00 s), took 0.00 s
      try 1    exit status 1 (.playbook/playbook/logs/0192f3c1-0001/a.1.log)
      command  echo again >> tries; wc -l < tries; test $(wc -l < tries) = 2; echo 1 > x
      made     x
      log      .playbook/playbook/logs/0192f3c1-0001/a.2.log

    output:
    2
    ");
    insta::assert_snapshot!(sandbox.run(&["debug", "a"]).prints(0), @"
    stage 'a': completed
      shell      /bin/sh -e -c -- COMMAND
      directory  [ROOT]
      command    echo again >> tries; wc -l < tries; test $(wc -l < tries) = 2; echo 1 > x
      makes      x: a file of 2 B, last recorded as 50cc1102

    last tried on 2026-02-16 14:01:00 in run 0192f3c1-0001: done after 0.00 s
      why        no lock file found (first run)
      try 1      exit status 1 (.playbook/playbook/logs/0192f3c1-0001/a.1.log)
      log        .playbook/playbook/logs/0192f3c1-0001/a.2.log
        | 2

      playbook debug --shell a       a shell there, with its environment
      playbook run --only --force a  run it alone, whatever is recorded
    ");
}

#[test]
fn a_stage_that_did_not_run_says_where_it_did() {
    let sandbox = with_runs();
    for args in [
        &["log", "show", "last/loud"][..],
        &["log", "show", "last/loud", "--raw"],
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(sandbox.run(args).says(0), @"it did not run in this one, and before that last on 2026-02-16 14:02 ('playbook log show 0192f3c1-0002/loud')");
        }
    }
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/below"]).says(0), @"it did not run in this one, nor in an earlier one that is in the event log");
    insta::assert_snapshot!(sandbox.run(&["log", "show", "last/loud"]).prints(0), @"stage 'loud' in run 0192f3c1-0003: cached");
    assert_eq!(
        sandbox.run(&["log", "show", "last/loud", "--json"]).says(0),
        ""
    );
}

#[test]
fn what_was_printed_comes_out_byte_for_byte_unless_a_terminal_shows_it() {
    let sandbox = with_runs();
    let printed = "hello\x1b[31m red\x1b[0m\n10%\r20%\n";
    let raw = sandbox.run(&["log", "show", "@2/loud", "--raw"]);
    assert_eq!(raw.prints(0), printed);
    let piped = sandbox.run(&["log", "show", "@2/loud"]).prints(0);
    assert!(piped.ends_with(&format!("\noutput:\n{printed}")), "{piped}");
    let shown = on_terminal(&sandbox, &["log", "show", "@2/loud", "--color=never"]);
    assert!(shown.ends_with("\noutput:\nhello red\n20%\n"), "{shown:?}");
    let raw = on_terminal(&sandbox, &["log", "show", "@2/loud", "--raw"]);
    assert_eq!(raw, printed);
}

/// What a terminal is given by a command.
fn on_terminal(sandbox: &Sandbox, args: &[&str]) -> String {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = File::from(openat(CWD, name.as_c_str(), flags, Mode::empty()).unwrap());
    let mut command = sandbox.command(args);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(slave.try_clone().unwrap());
    let code = sandbox.start_wired(command).ended_quietly();
    assert_eq!(code, Some(0));
    drop(slave);
    let mut bytes = Vec::new();
    // Where nobody is at the other end any more, reading fails once everything was read.
    File::from(master).read_to_end(&mut bytes).ok();
    // A terminal begins each line at its front.
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[test]
fn logs_that_are_gone_are_said_to_be_gone() {
    let sandbox = with_runs();
    sandbox.remove(".playbook/playbook/logs/0192f3c1-0001/bad.1.log");
    let shown = sandbox.run(&["log", "show", "@3/bad"]).prints(0);
    assert!(
        shown.contains("log      .playbook/playbook/logs/0192f3c1-0001/bad.1.log (gone)\n"),
        "{shown}"
    );
    insta::assert_snapshot!(sandbox.run(&["log", "show", "@3/bad", "--raw"]).says(2), @"
    error: .playbook/playbook/logs/0192f3c1-0001/bad.1.log is gone
      hint: logs are in the state directory, which may be cleared at any time
    ");
    std::fs::remove_dir_all(sandbox.path(".playbook")).unwrap();
    let shown = sandbox.run(&["log", "show", "@3/quiet"]).prints(0);
    assert!(shown.contains("quiet.1.log (gone)\n"), "{shown}");
}

#[test]
fn a_name_that_is_not_enough_or_wrong_is_answered_with_names_that_are_right() {
    let sandbox = with_runs();
    let commands = [
        &["show", "0192f3c1-000"][..],
        &["show", "ff"],
        &["show", "@4"],
        &["show", "loud"],
        &["show", "last/laud"],
        &["show", "last/nothing"],
        &["show", "last", "last"],
        &["show", "--raw"],
        &["last"],
        &["-x"],
        &["-0"],
    ];
    let told = commands.map(|args| {
        let all: Vec<&str> = ["log"].iter().chain(args).copied().collect();
        format!("$ {}\n{}", all.join(" "), sandbox.run(&all).says(2))
    });
    insta::assert_snapshot!(told.join("\n"), @"
    $ log show 0192f3c1-000
    error: '0192f3c1-000' may be any of 3 runs
      hint: give more of the id: 0192f3c1-0003 (2026-02-16 14:03), 0192f3c1-0002 (2026-02-16 14:02), 0192f3c1-0001 (2026-02-16 14:01)

    $ log show ff
    error: there is no run 'ff' in the event log
      hint: the last ones are 0192f3c1-0003 (2026-02-16 14:03), 0192f3c1-0002 (2026-02-16 14:02), 0192f3c1-0001 (2026-02-16 14:01)

    $ log show @4
    error: there is no run '@4' in the event log
      hint: the last ones are 0192f3c1-0003 (2026-02-16 14:03), 0192f3c1-0002 (2026-02-16 14:02), 0192f3c1-0001 (2026-02-16 14:01)

    $ log show loud
    error: there is no run 'loud' in the event log
      hint: it is the name of a stage: 'playbook log show last/loud'

    $ log show last/laud
    error: run 0192f3c1-0003 has no stage 'laud'
      hint: did you mean 'loud'?

    $ log show last/nothing
    error: run 0192f3c1-0003 has no stage 'nothing'
      hint: 'playbook log show 0192f3c1-0003' shows its stages

    $ log show last last
    error: one run at a time: 'last' is too many
      hint: a stage of a run is named RUN/STAGE

    $ log show --raw
    error: --raw is for what one stage printed
      hint: name the stage: playbook log show --raw last/STAGE

    $ log last
    error: 'last' is not a playbook file
      hint: 'playbook log show last' shows one run

    $ log -x
    error: unexpected argument '-x' found

      tip: to pass '-x' as a value, use '-- -x'

    Usage: playbook log [OPTIONS] [PLAYBOOK]...
           playbook log <COMMAND>

    For more information, try '--help'.

    $ log -0
    error: '-0' is no number of runs
      hint: write -5, or --limit 5, for the last five
    ");
}

#[test]
fn the_past_can_be_told_of_a_playbook_that_is_broken_now() {
    let sandbox = with_runs();
    sandbox.write("playbook.yaml", "stages: [");
    assert_eq!(sandbox.run(&["log"]).prints(0).lines().count(), 3);
    sandbox
        .run(&["log", "show", "playbook.yaml", "last/loud"])
        .prints(0);
}

#[test]
fn a_run_goes_on_or_has_died() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo so far; echo up > up; read line < hold; echo made > x', outs: [x]}\n",
    );
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let under_way = sandbox.live(&["run"]);
    up.hear();
    let [listed, shown] =
        [&["log"][..], &["log", "show", "last/a"]].map(|args| sandbox.run(args).prints(0));
    assert!(listed.contains("  running  "), "{listed}");
    assert!(
        shown.contains(": running\n") && shown.ends_with("so far\n"),
        "{shown}"
    );
    insta::assert_snapshot!(sandbox.run(&["log", "--compact", "--keep=1"]).says(5).replace(&under_way.id().to_string(), "[PID]").replace(&playbook_exec::host(), "[HOST]"), @"
    error: another run holds this playbook (pid [PID] on [HOST], since 2026-02-16T14:00:00Z)
      hint: wait until it is over: it is writing its events
    ");
    hold.tell("go on");
    under_way.ended().says(0);
    let log = sandbox.read("playbook.events.jsonl");
    let whole: Vec<&str> = log.lines().collect();
    sandbox.write(
        "playbook.events.jsonl",
        &format!("{}\n{}\n", whole[0], whole[1]),
    );
    let listed = sandbox.run(&["log"]).prints(0);
    assert!(listed.contains("  died  none finished  "), "{listed}");
}

#[test]
fn a_shorter_event_log_keeps_the_last_runs_byte_for_byte() {
    let sandbox = with_runs();
    let log = "playbook.events.jsonl";
    sandbox.mode(log, 0o640);
    let before = sandbox.read(log);
    // What a crash tore at the end goes.
    sandbox.write(log, &format!("{before}{{\"ts\":\"20"));
    insta::assert_snapshot!(sandbox.run(&["log", "--compact", "--keep", "2"]).says(0), @"dropped 1 run of 2026-02-16 14:01 and its logs; the event log has 2 runs (6.3 KiB → 3.9 KiB)");
    let kept: String = before
        .split_inclusive('\n')
        .filter(|line| !line.contains(&id(1)))
        .collect();
    assert_eq!(sandbox.read(log), kept);
    let mode = std::fs::metadata(sandbox.path(log))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    let logs = sandbox.names(".playbook/playbook/logs");
    assert_eq!(logs, ["0192f3c1-0002", "0192f3c1-0003"]);
    let stamp = sandbox.stamp(log);
    insta::assert_snapshot!(sandbox.run(&["log", "--compact", "--keep", "2"]).says(0), @"nothing to drop: the event log has 2 runs");
    assert_eq!(sandbox.stamp(log), stamp);
    insta::assert_snapshot!(sandbox.run(&["log", "--compact", "--keep", "1", "--json"]).prints(0), @r#"{"kept":1,"dropped":["0192f3c1-0002-7000-8000-000000000000"],"bytes_before":4020,"bytes_after":2081,"logs_removed":1}"#);
    run(&sandbox, 4, &["-B"]).says(0);
    assert_eq!(sandbox.run(&["log"]).prints(0).lines().count(), 2);
}

#[test]
fn how_many_to_keep_must_be_said() {
    let sandbox = with_runs();
    let stamp = sandbox.stamp("playbook.events.jsonl");
    for args in [
        &["log", "--compact"][..],
        &["log", "--keep=1"],
        &["log", "--compact", "--keep=0"],
    ] {
        sandbox.run(args).says(2);
    }
    assert_eq!(sandbox.stamp("playbook.events.jsonl"), stamp);
}
