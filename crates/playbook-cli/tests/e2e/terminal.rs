//! Stopping and going on, and a terminal with a shell that has jobs.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{tcgetattr, tcgetpgrp};

use crate::support::{Live, Process, Sandbox, until};

/// One stage that says so when it runs, and goes on when it is told.
fn waits(limits: &str) -> Sandbox {
    let stages = format!(
        "  a:\n    cmd: |\n      echo up > up\n      read line < hold\n      echo made > x\n    outs: [x]\n{limits}"
    );
    Sandbox::with_stages(&stages).real_clock()
}

/// A terminal of the test's own, and a shell with job control on it that runs a script; `$0` is the binary.
struct Terminal {
    /// What a person types is written to it.
    master: File,
    /// Keeps the terminal's settings readable.
    slave: OwnedFd,
}

impl Terminal {
    fn new() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = openat(CWD, name.as_c_str(), flags, Mode::empty()).unwrap();
        Self {
            master: master.into(),
            slave,
        }
    }

    fn shell(&self, sandbox: &Sandbox, script: &str) -> Live {
        let mut command = sandbox.by(&["setsid", "--ctty", "sh", "-m", "-c", script]);
        let end = || File::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        sandbox.start_wired(command)
    }

    fn types(&self, keys: &[u8]) {
        (&self.master).write_all(keys).unwrap();
    }
}

/// The processes of stages: everything that is neither the binary nor what started it.
fn of_stages(run: &Live) -> Vec<Process> {
    let alive = run.alive().into_iter();
    alive
        .filter(|process| process.command.starts_with("/bin/sh -e"))
        .collect()
}

fn is_stopped(process: &Process) -> bool {
    process.state == 'T'
}

fn all_stopped(run: &Live) {
    until("the stages are stopped", || {
        let stages = of_stages(run);
        (!stages.is_empty() && stages.iter().all(is_stopped)).then_some(())
    });
}

fn all_going_on(run: &Live) {
    until("the stages go on", || {
        let stages = of_stages(run);
        (!stages.is_empty() && !stages.iter().any(is_stopped)).then_some(())
    });
}

#[test]
fn a_run_that_is_stopped_stops_its_stages_and_goes_on_with_them() {
    let sandbox = waits("");
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run", "--json"]);
    up.hear();
    // More than once: each time is like the first.
    for _ in 0..5 {
        run.signal(Signal::TSTP);
        run.stopped();
        all_stopped(&run);
        run.signal(Signal::CONT);
        all_going_on(&run);
    }
    hold.tell("go on");
    let printed = run.ended().prints(0);
    assert!(printed.lines().last().unwrap().contains("run_completed"));
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_stopped_run_can_be_ended() {
    let sandbox = waits("");
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run", "--json"]);
    up.hear();
    run.signal(Signal::TSTP);
    run.stopped();
    run.signal(Signal::INT);
    run.signal(Signal::CONT);
    let printed = run.ended().prints(130);
    assert!(printed.lines().last().unwrap().contains("run_interrupted"));
}

/// Whether a stage that may run for so long survives a stop of that length. Nothing where the machine was too slow to
/// tell: the stage ran out of time before it was stopped, or after it went on.
fn survives_a_stop(seconds: u32) -> Option<bool> {
    let limits = format!("    resources: {{timeout: {seconds}s}}\n");
    let (sandbox, clock) = (waits(&limits), waits(&limits));
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let (_clock_up, _never) = (clock.pipe("up"), clock.pipe("hold"));
    let ran = std::time::Instant::now();
    let run = sandbox.live(&["run", "--json"]);
    up.hear();
    run.signal(Signal::TSTP);
    run.stopped();
    let before = ran.elapsed();
    // Another run with the same limit tells when the time is over.
    let timed_out = clock.run(&["run"]).says(1);
    assert!(timed_out.contains("timed out after"), "{timed_out}");
    let ran = std::time::Instant::now();
    run.signal(Signal::CONT);
    hold.tell("go on");
    let ended = run.ended();
    let quick = (before + ran.elapsed()).as_secs() < u64::from(seconds);
    (ended.code == Some(0) || quick).then_some(ended.code == Some(0))
}

#[test]
fn the_time_a_run_is_stopped_does_not_count() {
    let told = [2, 8, 32].into_iter().find_map(survives_a_stop);
    assert_eq!(
        told,
        Some(true),
        "the stage timed out although it was stopped"
    );
}

#[test]
fn ctrl_z_and_fg_or_bg() {
    for resume in ["fg", "bg; wait"] {
        let sandbox = waits("");
        let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let (said, go) = (sandbox.pipe("said"), sandbox.pipe("go"));
        let terminal = Terminal::new();
        let script =
            format!("\"$0\" run; echo $? > said; read line < go; {resume}; echo $? > said");
        let shell = terminal.shell(&sandbox, &script);
        up.hear();
        terminal.types(b"\x1a");
        let stopped: i32 = said.hear().parse().unwrap();
        assert!(stopped > 128, "{stopped}");
        all_stopped(&shell);
        go.tell("go");
        all_going_on(&shell);
        hold.tell("go on");
        let code = said.hear();
        assert_eq!(code, "0", "{resume}");
        shell.ended_quietly();
        assert_eq!(sandbox.read("x"), "made\n");
    }
}

#[test]
fn ctrl_c_ends_the_run_in_order() {
    let sandbox = waits("");
    let (up, _hold, said) = (
        sandbox.pipe("up"),
        sandbox.pipe("hold"),
        sandbox.pipe("said"),
    );
    let terminal = Terminal::new();
    let shell = terminal.shell(&sandbox, "\"$0\" run; echo $? > said");
    up.hear();
    terminal.types(b"\x03");
    assert_eq!(said.hear(), "130");
    shell.ended_quietly();
    let log = sandbox.read("playbook.events.jsonl");
    assert!(
        log.lines().last().unwrap().contains("run_interrupted"),
        "{log}"
    );
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_in_order() {
    let sandbox = waits("");
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let terminal = Terminal::new();
    let shell = terminal.shell(&sandbox, "\"$0\" run; :");
    up.hear();
    // The shell dies of it, and with the shell the run loses its session.
    drop(terminal);
    until("all of it has ended", || {
        shell.alive().is_empty().then_some(())
    });
    let log = sandbox.read("playbook.events.jsonl");
    assert!(
        log.lines().last().unwrap().contains("run_interrupted"),
        "{log}"
    );
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(lock.contains("status: running"), "{lock}");
}

#[test]
fn a_run_in_the_background_leaves_the_terminal_alone() {
    let sandbox = waits("");
    let (up, hold, said) = (
        sandbox.pipe("up"),
        sandbox.pipe("hold"),
        sandbox.pipe("said"),
    );
    let terminal = Terminal::new();
    let before = format!("{:?}", tcgetattr(&terminal.slave).unwrap());
    let shell = terminal.shell(&sandbox, "\"$0\" run -q & wait $!; echo $? > said");
    up.hear();
    let foreground = tcgetpgrp(&terminal.master).unwrap();
    assert_eq!(
        u32::try_from(foreground.as_raw_nonzero().get()).unwrap(),
        shell.id(),
        "the shell's"
    );
    assert_eq!(format!("{:?}", tcgetattr(&terminal.slave).unwrap()), before);
    hold.tell("go on");
    assert_eq!(said.hear(), "0");
    shell.ended_quietly();
    assert_eq!(format!("{:?}", tcgetattr(&terminal.slave).unwrap()), before);
}
