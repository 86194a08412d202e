//! What a run looks like on a terminal, at every moment: a real pseudo-terminal, and a terminal's reading of it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{Live, Pipe, Sandbox};

/// How long a screen may take to become what it must. Only a broken program takes so long.
const PATIENCE: i64 = 120;

/// A terminal that nobody sits at.
struct Screen {
    master: File,
    slave: OwnedFd,
    seen: RefCell<vt100::Parser>,
}

impl Screen {
    fn new(rows: u16, columns: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = openat(CWD, name.as_c_str(), flags, Mode::empty()).unwrap();
        let screen = Self {
            master: master.into(),
            slave,
            seen: RefCell::new(vt100::Parser::new(rows, columns, 0)),
        };
        screen.resize(rows, columns);
        screen
    }

    fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.slave, size).unwrap();
        self.seen.borrow_mut().screen_mut().set_size(rows, columns);
    }

    /// Starts a command with this terminal for all its streams.
    fn start(&self, sandbox: &Sandbox, mut command: Command) -> Live {
        let end = || File::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        sandbox.start_wired(command)
    }

    /// What stands on it, without what is empty at the end.
    fn text(&self) -> String {
        let seen = self.seen.borrow();
        let rows = seen.screen().rows(0, u16::MAX);
        let rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// Reads on until that is so, and gives what stands there then.
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            let mut asked = [PollFd::new(&self.master, PollFlags::IN)];
            let within = Timespec {
                tv_sec: PATIENCE,
                tv_nsec: 0,
            };
            let ready = poll(&mut asked, Some(&within)).unwrap();
            assert!(ready == 1, "it never came to this: {what}\n{text}");
            let mut bytes = [0; 4096];
            let read = (&self.master).read(&mut bytes).unwrap();
            self.seen.borrow_mut().process(&bytes[..read]);
        }
    }

    /// What was written to it and not read yet.
    fn rest(&self) -> String {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut rest = Vec::new();
        while poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&now)).unwrap() == 1 {
            let mut bytes = [0; 4096];
            let read = (&self.master).read(&mut bytes).unwrap();
            rest.extend_from_slice(&bytes[..read]);
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether anything on it has a colour.
    fn has_colour(&self) -> bool {
        let seen = self.seen.borrow();
        let (rows, columns) = seen.screen().size();
        let cell = |row, column| seen.screen().cell(row, column);
        let coloured = |cell: &vt100::Cell| cell.fgcolor() != vt100::Color::Default;
        (0..rows).any(|row| (0..columns).any(|column| cell(row, column).is_some_and(coloured)))
    }
}

/// `a` makes something; then `b` prints two lines and waits, beside `c`, which waits as well.
fn sandbox() -> Sandbox {
    Sandbox::with_stages(
        "  a: {cmd: echo a > x, outs: [x]}\n  b: {cmd: 'echo first; printf \"\\rhalf\\r\\033[31m7 of 9\\033[0m\"; echo up > news; read line < hold; echo b > y; $line', deps: [x], outs: [y]}\n  c: {cmd: 'echo up > news; read line < wait; echo c > z', deps: [x], outs: [z]}\n",
    )
}

/// A run on a screen, in which `b` and `c` wait to be told how to end.
struct Shown {
    sandbox: Sandbox,
    b: Pipe,
    c: Pipe,
    screen: Screen,
    run: Live,
}

/// Starts it, and waits until both run.
fn shown(size: (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Shown {
    shown_in(sandbox(), size, |sandbox| {
        let mut command = sandbox.command(&[&["run", "-j2"], args].concat());
        command.envs(env.iter().copied());
        command
    })
}

fn shown_in(
    sandbox: Sandbox,
    (rows, columns): (u16, u16),
    command: impl FnOnce(&Sandbox) -> Command,
) -> Shown {
    let pipe = |name| sandbox.pipe(name);
    let (news, b, c) = (pipe("news"), pipe("hold"), pipe("wait"));
    let screen = Screen::new(rows, columns);
    let mut command = command(&sandbox);
    if !command.get_envs().any(|(name, _)| name == "TERM") {
        command.env("TERM", "xterm-256color");
    }
    let run = screen.start(&sandbox, command);
    news.hear();
    news.hear();
    Shown {
        sandbox,
        b,
        c,
        screen,
        run,
    }
}

impl Shown {
    /// Has both end well, and gives the screen with the total on it.
    fn ended(self) -> String {
        self.b.tell("true");
        self.c.tell("true");
        let over = self
            .screen
            .until("the total", |text| text.contains("3 run · 0 cached"));
        assert_eq!(self.run.ended_quietly(), Some(0));
        over
    }
}

const WAITING: &str = "━━━━━━──────────────  1/3 · 2 running";

#[test]
fn what_runs_stands_below_what_happened_and_goes_when_it_is_over() {
    for size in [(24, 80), (50, 200)] {
        let shown = shown(size, &[], &[]);
        let both = |text: &str| text.contains(WAITING) && text.contains("7 of 9");
        insta::assert_snapshot!(shown.screen.until("both are shown", both));
        assert!(shown.screen.has_colour());
        let over = shown.ended();
        let mut lines: Vec<&str> = over.lines().collect();
        // Whichever of the two reads first ends first.
        lines.sort_unstable();
        insta::assert_snapshot!(lines.join("\n"));
    }
}

#[test]
fn without_colour_it_is_the_same_in_one() {
    let shown = shown((24, 80), &[], &[("NO_COLOR", "1")]);
    shown
        .screen
        .until("both are shown", |text| text.contains(WAITING));
    shown.b.tell("true");
    shown
        .screen
        .until("one is over", |text| text.contains("2/3 · 1 running"));
    assert!(!shown.screen.has_colour());
    assert!(!shown.ended().contains("running"));
}

#[test]
fn a_failure_is_told_at_once_above_what_still_runs() {
    let shown = shown((24, 80), &["-k"], &[]);
    shown.b.tell("false");
    let failed = |text: &str| {
        text.contains("b.1.log (all of it)") && text.contains("2/3 · 1 running · 1 failed")
    };
    shown.screen.until("the failure, and what runs", failed);
    shown.c.tell("true");
    let over = shown.screen.until("the total", |text| {
        text.contains("2 run · 0 cached · 1 failed")
    });
    assert!(
        over.contains("error: stage 'b' failed: exit status 1"),
        "{over}"
    );
    assert!(
        over.contains("    | 7 of 9") && !over.contains("running"),
        "{over}"
    );
    assert_eq!(shown.run.ended_quietly(), Some(1));
}

#[test]
fn after_an_interrupt_nothing_is_left_that_is_not_true() {
    let shown = shown((24, 80), &[], &[]);
    shown
        .screen
        .until("both are shown", |text| text.contains(WAITING));
    shown.run.signal(Signal::INT);
    let over = shown.screen.until("the total", |text| {
        text.contains("run again to go on\n1 run")
    });
    assert!(
        !over.contains("running") && !over.contains("now "),
        "{over}"
    );
    assert_eq!(shown.run.ended_quietly(), Some(130));
}

/// Whatever the terminal does with the lines below the cursor, no line above it may suffer.
#[test]
fn a_terminal_that_changes_its_size_shows_what_fits() {
    let shown = shown((24, 80), &[], &[]);
    shown
        .screen
        .until("both are shown", |text| text.contains(WAITING));
    let narrow = "\nb  0 s  7 of 9\nc  0 s\n━━━━────────  1/3 · 2 running";
    for (columns, fits) in [(30, narrow), (200, WAITING)] {
        shown.screen.resize(24, columns);
        shown.screen.until(fits, |text| text.contains(fits));
    }
    let over = shown.ended();
    let mut words: Vec<&str> = over.lines().filter_map(|line| line.get(..8)).collect();
    words.sort_unstable();
    let all = [
        "3 run ·", "done   a", "done   b", "done   c", "run    a", "run    b", "run    c",
    ];
    assert_eq!(words, all, "{over}");
}

#[test]
fn on_a_few_rows_the_total_and_a_number_are_left() {
    let shown = shown((3, 40), &[], &[]);
    let few = "\n… 2 more\n━━━━━━──────────────  1/3 · 2 running";
    shown.screen.until(few, |text| text == few);
    let over = shown.ended();
    assert!(
        !over.contains("running") && !over.contains("more"),
        "{over}"
    );
}

#[test]
fn usual_times_and_what_is_left_come_from_the_lock() {
    let sandbox = sandbox();
    let pipe = |name| sandbox.pipe(name);
    let (news, b, c) = (pipe("news"), pipe("hold"), pipe("wait"));
    b.tell("true");
    c.tell("true");
    sandbox.ran(&[]);
    news.hear();
    news.hear();
    drop((news, b, c));
    let mut lock = sandbox.read("playbook.lock.yaml");
    for seconds in [4, 190, 30] {
        lock = lock.replacen(
            "duration_seconds: 0.0\n",
            &format!("duration_seconds: {seconds}.5\n"),
            1,
        );
    }
    sandbox.write("playbook.lock.yaml", &lock);
    for pipe in ["news", "hold", "wait"] {
        sandbox.remove(pipe);
    }
    let shown = shown_in(sandbox, (24, 80), |sandbox| {
        sandbox.command(&["run", "-j2", "-B"])
    });
    let both = |text: &str| text.contains("left") && text.contains("7 of 9");
    insta::assert_snapshot!(shown.screen.until("both are shown", both));
    shown.ended();
}

#[test]
fn a_run_that_is_being_ended_says_so() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'trap \"\" TERM; echo up > news; echo up > news; read line < hold'}\n",
    );
    let shown = shown_in(sandbox, (24, 80), |sandbox| sandbox.command(&["run"]));
    let runs = |text: &str| text.contains("0/1 · 1 running");
    shown.screen.until("it runs", runs);
    shown.run.signal(Signal::INT);
    let told = "0/1 · 1 running · ending; Ctrl-C again kills";
    shown.screen.until(told, |text| text.contains(told));
    shown.run.signal(Signal::INT);
    let over = shown.screen.until("the total", |text| {
        text.contains("run again to go on\n0 run")
    });
    assert!(
        !over.contains("running") && !over.contains("now "),
        "{over}"
    );
    assert_eq!(shown.run.ended_quietly(), Some(130));
}

#[test]
fn a_run_that_is_stopped_takes_its_area_along() {
    let script = "\"$0\" run -j2; echo stopped; read line < go; fg; :";
    let sandbox = sandbox();
    let go = sandbox.pipe("go");
    let shown = shown_in(sandbox, (24, 80), |sandbox| {
        sandbox.by(&["setsid", "--ctty", "sh", "-m", "-c", script])
    });
    shown
        .screen
        .until("both are shown", |text| text.contains(WAITING));
    (&shown.screen.master).write_all(b"\x1a").unwrap();
    let stopped = shown
        .screen
        .until("the shell has it", |text| text.contains("stopped"));
    assert!(
        !stopped.contains("now ") && !stopped.contains(WAITING),
        "{stopped}"
    );
    go.tell("go");
    let again = shown
        .screen
        .until("both are shown again", |text| text.contains(WAITING));
    let below = again.find("stopped") < again.find("now ");
    assert!(below, "{again}");
    let over = shown.ended();
    assert!(
        !over.contains("now ") && !over.contains("running"),
        "{over}"
    );
}

#[test]
fn a_run_in_the_background_draws_nothing() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo up > news; echo up > news; while read line; test $line != end; do echo said $line; done < hold'}\n",
    );
    let script = "\"$0\" run -v & wait $!; echo over";
    let shown = shown_in(sandbox, (24, 80), |sandbox| {
        sandbox.by(&["setsid", "--ctty", "sh", "-m", "-c", script])
    });
    // Each line takes a look at the logs to be shown, and at each look the area could be drawn.
    for line in ["one", "two", "three", "four"] {
        shown.b.tell(line);
        let said = format!("a | said {line}");
        shown.screen.until(&said, |text| text.contains(&said));
        let text = shown.screen.text();
        assert!(
            !text.contains("now ") && !text.contains("running"),
            "{text}"
        );
    }
    shown.b.tell("end");
    shown.screen.until("the end", |text| text.ends_with("over"));
    assert_eq!(shown.run.ended_quietly(), Some(0));
}

#[test]
fn where_nothing_can_be_drawn_there_are_lines() {
    for (args, env) in [
        (&[][..], &[("TERM", "dumb")][..]),
        (&["-q"], &[("NO_COLOR", "1")]),
        (&["--json"], &[("NO_COLOR", "1")]),
    ] {
        let shown = shown((40, 250), args, env);
        shown.b.tell("true");
        shown.c.tell("true");
        assert_eq!(shown.run.ended_quietly(), Some(0));
        assert!(!shown.screen.rest().contains("\x1b[J"), "{args:?}");
        assert!(shown.sandbox.exists("z"));
    }
}

#[test]
fn what_stages_print_is_shown_as_they_print_it() {
    let shown = shown((24, 80), &["-v"], &[]);
    let first = |text: &str| text.contains("b | first") && text.contains(WAITING);
    shown.screen.until("the first line", first);
    let over = shown.ended();
    assert!(
        over.contains("b | 7 of 9"),
        "a line without an end is shown at the end: {over}"
    );
}

#[test]
fn where_there_is_no_terminal_it_is_shown_as_well() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo one; printf \"\\303\\050two\"; echo > x', outs: [x]}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run", "-v"]).says(0), @r#"
    run    a  no lock file found (first run)
           echo one; printf "\303\050two"; echo > x
    a | one
    a | �(two
    done   a  0.00 s
    1 run · 0 cached · 0 failed in 0.00 s
    "#);
}

#[test]
fn a_run_that_is_soon_over_leaves_its_lines_alone() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    let screen = Screen::new(24, 80);
    sandbox.ran(&[]);
    let mut command = sandbox.command(&["run"]);
    command.env("TERM", "xterm-256color");
    let run = screen.start(&sandbox, command);
    assert_eq!(run.ended_quietly(), Some(0));
    let written = screen.rest();
    assert!(
        !written.contains("\x1b[J") && !written.contains('━'),
        "{written:?}"
    );
}

#[test]
fn how_long_a_failed_try_took_is_not_what_a_stage_takes() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'test -e go; echo > x', outs: [x]}\n");
    sandbox.run(&["run"]).says(1);
    let lock = sandbox.read("playbook.lock.yaml");
    let long = lock.replace("duration_seconds: 0.0", "duration_seconds: 90.0");
    assert_ne!(long, lock);
    sandbox.write("playbook.lock.yaml", &long);
    let told = sandbox.run(&["status"]).prints(0);
    assert!(told.contains('a') && !told.contains("30 s"), "{told}");
    let completed = long.replace("status: failed", "status: completed");
    sandbox.write("playbook.lock.yaml", &completed);
    let told = sandbox.run(&["status"]).prints(0);
    assert!(told.contains("1 min 30 s"), "{told}");
}
