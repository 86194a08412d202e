//! What a run looks like on a terminal, at every moment: a real pseudo-terminal, and a terminal's reading of it.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read as _;
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
        command.env("TERM", "xterm-256color");
        command.stdin(end()).stdout(end()).stderr(end());
        sandbox.start_wired(command)
    }

    fn run(&self, sandbox: &Sandbox, args: &[&str]) -> Live {
        self.start(sandbox, sandbox.command(args))
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
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: echo a > x, outs: [x]}\n  b: {cmd: 'echo first; printf \"\\rhalf\\r\\033[31m7 of 9\\033[0m\"; echo up > news; read line < hold; echo b > y; $line', deps: [x], outs: [y]}\n  c: {cmd: 'echo up > news; read line < wait; echo c > z', deps: [x], outs: [z]}\n",
    );
    sandbox.real_clock()
}

/// The screen with times made equal: how long anything took is not what is tried.
fn timeless(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_unit = |word: &&str| *word == "s" || word.starts_with("s\n");
    let equal = words.iter().enumerate().map(|(n, word)| {
        let is_time = word.parse::<f64>().is_ok() && words.get(n + 1).is_some_and(is_unit);
        if is_time { "0" } else { word }
    });
    equal.collect::<Vec<_>>().join(" ")
}

/// Waits until `b` and `c` run.
fn both_are_up(news: &Pipe) {
    news.hear();
    news.hear();
}

const WAITING: &str = "━━━━━━──────────────  1/3 · 2 running";

#[test]
fn what_runs_stands_below_what_happened_and_goes_when_it_is_over() {
    for (rows, columns) in [(24, 80), (50, 200)] {
        let sandbox = sandbox();
        let (news, hold, wait) = (
            sandbox.pipe("news"),
            sandbox.pipe("hold"),
            sandbox.pipe("wait"),
        );
        let screen = Screen::new(rows, columns);
        let run = screen.run(&sandbox, &["run", "-j2"]);
        both_are_up(&news);
        let shown = screen.until("both are shown", |text| {
            text.contains(WAITING) && text.contains("7 of 9")
        });
        insta::assert_snapshot!(timeless(&shown));
        assert!(screen.has_colour());
        hold.tell("true");
        wait.tell("true");
        let over = screen.until("the total", |text| text.contains("3 run · 0 cached"));
        let mut lines: Vec<String> = timeless(&over).lines().map(str::to_owned).collect();
        // Whichever of the two reads first ends first.
        lines.sort();
        insta::assert_snapshot!(lines.join("\n"));
        assert_eq!(run.ended_quietly(), Some(0));
    }
}

#[test]
fn without_colour_it_is_the_same_in_one() {
    let sandbox = sandbox();
    let (news, hold, wait) = (
        sandbox.pipe("news"),
        sandbox.pipe("hold"),
        sandbox.pipe("wait"),
    );
    let screen = Screen::new(24, 80);
    let mut command = sandbox.command(&["run", "-j2"]);
    command.env("NO_COLOR", "1");
    let run = screen.start(&sandbox, command);
    both_are_up(&news);
    screen.until("both are shown", |text| text.contains(WAITING));
    assert!(!screen.has_colour());
    hold.tell("true");
    wait.tell("true");
    let over = screen.until("the total", |text| text.contains("3 run · 0 cached"));
    assert!(!over.contains(WAITING) && !screen.has_colour(), "{over}");
    assert_eq!(run.ended_quietly(), Some(0));
}

#[test]
fn a_failure_is_told_at_once_above_what_still_runs() {
    let sandbox = sandbox();
    let (news, hold, wait) = (
        sandbox.pipe("news"),
        sandbox.pipe("hold"),
        sandbox.pipe("wait"),
    );
    let screen = Screen::new(24, 80);
    let run = screen.run(&sandbox, &["run", "-j2", "-k"]);
    both_are_up(&news);
    hold.tell("false");
    let shown = screen.until("the failure", |text| {
        text.contains("b.1.log (all of it)") && text.contains("1 failed")
    });
    assert!(shown.contains("2/3 · 1 running · 1 failed"), "{shown}");
    wait.tell("true");
    let over = screen.until("the total", |text| {
        text.contains(" run · 0 cached · 1 failed")
    });
    assert!(
        over.contains("error: stage 'b' failed: exit status 1"),
        "{over}"
    );
    assert!(
        over.contains("    | 7 of 9") && !over.contains("running"),
        "{over}"
    );
    assert_eq!(run.ended_quietly(), Some(1));
}

#[test]
fn after_an_interrupt_nothing_is_left_that_is_not_true() {
    let sandbox = sandbox();
    let (news, _hold, _wait) = (
        sandbox.pipe("news"),
        sandbox.pipe("hold"),
        sandbox.pipe("wait"),
    );
    let screen = Screen::new(24, 80);
    let run = screen.run(&sandbox, &["run", "-j2"]);
    both_are_up(&news);
    screen.until("both are shown", |text| text.contains(WAITING));
    run.signal(Signal::INT);
    let over = screen.until("the total", |text| {
        text.contains("run again to go on\n1 run")
    });
    assert!(
        !over.contains("running") && !over.contains("now "),
        "{over}"
    );
    assert_eq!(run.ended_quietly(), Some(130));
}

#[test]
fn a_terminal_that_becomes_narrow_shows_what_fits() {
    let sandbox = sandbox();
    let (news, hold, wait) = (
        sandbox.pipe("news"),
        sandbox.pipe("hold"),
        sandbox.pipe("wait"),
    );
    let screen = Screen::new(24, 80);
    let run = screen.run(&sandbox, &["run", "-j2"]);
    both_are_up(&news);
    screen.until("both are shown", |text| text.contains(WAITING));
    screen.resize(12, 30);
    screen.until("it fits", |text| text.contains("\n1/3 · 2 running"));
    hold.tell("true");
    wait.tell("true");
    let over = screen.until("the total", |text| text.contains("3 run · 0 cached"));
    assert!(!over.contains("running"), "{over}");
    assert_eq!(run.ended_quietly(), Some(0));
}

#[test]
fn where_nothing_can_be_drawn_there_are_lines() {
    for (name, value, args) in [
        ("TERM", "dumb", &["run", "-j2"][..]),
        ("NO_COLOR", "1", &["run", "-j2", "-q"]),
        ("NO_COLOR", "1", &["run", "-j2", "--json"]),
    ] {
        let sandbox = sandbox();
        let (news, hold, wait) = (
            sandbox.pipe("news"),
            sandbox.pipe("hold"),
            sandbox.pipe("wait"),
        );
        let screen = Screen::new(40, 250);
        let mut command = sandbox.command(args);
        command.env(name, value);
        let end = || File::from(screen.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let run = sandbox.start_wired(command);
        both_are_up(&news);
        hold.tell("true");
        wait.tell("true");
        assert_eq!(run.ended_quietly(), Some(0));
        let mut bytes = [0; 16384];
        let ready = poll(
            &mut [PollFd::new(&screen.master, PollFlags::IN)],
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            }),
        );
        let read = if ready.unwrap() == 1 {
            (&screen.master).read(&mut bytes).unwrap()
        } else {
            0
        };
        assert!(!bytes[..read].contains(&0x1b), "{args:?}");
    }
}

#[test]
fn what_stages_print_is_shown_as_they_print_it() {
    let sandbox = sandbox();
    let (news, hold, wait) = (
        sandbox.pipe("news"),
        sandbox.pipe("hold"),
        sandbox.pipe("wait"),
    );
    let screen = Screen::new(24, 80);
    let run = screen.run(&sandbox, &["run", "-j2", "-v"]);
    both_are_up(&news);
    screen.until("the first line", |text| {
        text.contains("b | first") && text.contains(WAITING)
    });
    hold.tell("true");
    wait.tell("true");
    let over = screen.until("the total", |text| text.contains("3 run · 0 cached"));
    assert!(
        over.contains("b | 7 of 9"),
        "a line without an end is shown at the end: {over}"
    );
    assert_eq!(run.ended_quietly(), Some(0));
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
    let run = screen.run(&sandbox, &["run"]);
    assert_eq!(run.ended_quietly(), Some(0));
    let mut bytes = [0; 4096];
    let read = (&screen.master).read(&mut bytes).unwrap();
    let written = String::from_utf8_lossy(&bytes[..read]).into_owned();
    assert!(
        !written.contains("\x1b[J") && !written.contains('━'),
        "{written:?}"
    );
}
