//! Commands that outlive the run that started them: the next run ends them before it touches their outs.

use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::run::{Fate, run, run_command};
use crate::sandbox::Sandbox;
use crate::tally::Tally;
use crate::watch::{Verdict, ensure};

/// Goes on for ever if it is told to, having said so. What it does shows in the outs.
const LOOP: &str = "if [ -n \"$CRASH_ENDLESS\" ]; then echo > fifo; while :; do echo more >> out/x; sleep 0.01; done; fi";

/// What the command is like, its text (`LOOP` stands for the loop), and where the run is killed.
const CASES: [(&str, &str, &[&str]); 9] = [
    (
        "one shell",
        "echo one >> out/x; LOOP",
        &["started", "group-noted"],
    ),
    (
        "a pipe",
        "(echo one >> out/x; LOOP) | cat",
        &["started", "group-noted"],
    ),
    (
        "a child of a leader that has ended",
        "echo one >> out/x; (LOOP) &",
        &["started", "group-noted", "leader-ended"],
    ),
    (
        "in a session of its own",
        "echo one >> out/x; setsid sh -c '(LOOP) & wait'",
        &["started", "group-noted"],
    ),
    (
        "in a session of its own, the leader has ended",
        "echo one >> out/x; setsid sh -c 'LOOP' &",
        &["started", "group-noted", "leader-ended"],
    ),
    (
        "deaf to SIGTERM",
        "trap '' TERM; echo one >> out/x; LOOP",
        &["started", "group-noted"],
    ),
    (
        "writing no log",
        "exec > said 2>&1; echo one >> out/x; LOOP",
        &["started", "group-noted"],
    ),
    (
        "writing no log, in a session of its own, the leader has ended",
        "echo one >> out/x; setsid sh -c 'exec > said 2>&1; LOOP' &",
        &["started", "group-noted", "leader-ended"],
    ),
    (
        "writing no log, the leader has ended",
        "exec > said 2>&1; echo one >> out/x; (LOOP) &",
        &["started", "group-noted", "leader-ended"],
    ),
];

#[test]
fn a_command_that_outlives_its_run_is_ended_before_the_next_one_runs() {
    let mut tally = Tally::new("orphans");
    for (what, command, points) in CASES {
        for point in points {
            tally.kills += 1;
            let verdict = outlived(&command.replace("LOOP", LOOP), point);
            tally.note(&format!("{what}, killed at {point}"), verdict);
        }
    }
    tally.finish();
}

fn outlived(command: &str, point: &str) -> Verdict {
    let sandbox = Sandbox::empty();
    let playbook = format!(
        "version: \"1.0\"\nname: orphans\nstages:\n  a:\n    outs: [out/x]\n    cmd: |\n      {command}\n"
    );
    sandbox.write("playbook.yaml", playbook.as_bytes());
    let fifo = sandbox.path("fifo");
    mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    let (loops, is_looping) = channel();
    std::thread::spawn(move || {
        // Opening it waits for the one who writes.
        loops.send(std::fs::read(fifo)).ok();
    });
    let mut endless = sandbox.new_run(&["run", "--json"]);
    endless.env("CRASH_ENDLESS", "1");
    let fate = Fate::Faults(format!("kill-at={point}:1"));
    let killed = run_command((&sandbox, "stderr"), endless, &fate);
    ensure!(killed.killed, "it was not killed: {killed:?}");
    let looping = is_looping.recv_timeout(Duration::from_mins(1));
    ensure!(looping.is_ok(), "the command does not loop");
    ensure!(!sandbox.alive().is_empty(), "the command is not alive");
    let ran = run(&sandbox, &Fate::Undisturbed, &[]);
    ensure!(
        ran.survivors.is_empty(),
        "when the next run had recovered there still were {:?}",
        ran.survivors
    );
    ensure!(
        ran.code == Some(0),
        "it ended with {:?}: {}",
        ran.code,
        ran.stderr
    );
    let out = sandbox.read("out/x");
    ensure!(out.as_deref() == Some("one\n"), "out/x is {out:?}");
    let alive = sandbox.alive();
    ensure!(alive.is_empty(), "still alive: {alive:?}");
    Ok(())
}
