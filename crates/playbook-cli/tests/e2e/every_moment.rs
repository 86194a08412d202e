//! One stage with old outs runs again, and the process dies, or a write fails, at every single operation: whether
//! everything was worked out, or stats say of another stage that it stands.

use std::process::Stdio;

use crate::support::Sandbox;

/// A stage with outs of two generations: the first is there, the second is about to be made.
struct Generations {
    sandbox: Sandbox,
}

/// Fails when it has made half of its outs, if `bad` is there.
const STAGE: &str = "  a: {cmd: 'cat in > x; mkdir d; cat in > d/one; test ! -e bad; cat in > d/two', deps: [in], outs: [x, d]}\n";
/// Says no when it has written all it found.
const GATE: &str = "  a: {gate: true, cmd: 'cat in > x; mkdir d; cat in > d/one; cat in > d/two; test ! -e bad', deps: [in], outs: [x, d]}\n";

/// How a run finds out what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ordinary,
    ByStats,
}

const WAYS: [Way; 2] = [Way::Ordinary, Way::ByStats];

impl Generations {
    fn new(way: Way, fails: bool) -> Self {
        Self::of(STAGE, way, fails)
    }

    fn of(stage: &str, way: Way, fails: bool) -> Self {
        let other = "  b: {cmd: 'cp other y', deps: [other], outs: [y]}\n";
        let sandbox = Sandbox::with_stages(&format!("{stage}{other}"));
        sandbox.write("in", "old");
        sandbox.write("other", "");
        let this = Self { sandbox };
        assert_eq!(this.run_with(""), Some(0));
        if way == Way::Ordinary {
            this.sandbox.remove(".playbook/playbook/settled");
        }
        this.sandbox.write("in", "newer");
        if fails {
            this.sandbox.write("bad", "");
        }
        this
    }

    /// Runs it with these faults. Its readings count as old, so that stats vouch for what it read.
    fn run_with(&self, faults: &str) -> Option<i32> {
        let mut command = self.sandbox.command(&["run", "-j1"]);
        command.env("PLAYBOOK_TEST_FAULTS", format!("late=10;{faults}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().code()
    }

    /// How many operations a run has.
    fn operations(way: Way, fails: bool) -> usize {
        Self::new(way, fails).count(way)
    }

    /// How many operations its next run has.
    fn count(&self, way: Way) -> usize {
        let this = self;
        this.run_with(&format!("trace={}", this.sandbox.path("trace").display()));
        let trace = this.sandbox.read("trace");
        let by_stats = trace.contains("\tpart-planned\t");
        assert_eq!(by_stats, way == Way::ByStats, "{trace}");
        let count = trace.lines().filter(|line| !line.starts_with('-')).count();
        assert!(count > 20, "{trace}");
        count
    }

    /// Has the next run put things right, and run nothing.
    fn recover(&self) {
        self.sandbox.run(&["run", "--only", "nothing"]).says(2);
    }

    /// The generation that the outs are of: all of one, or the test fails.
    fn generation(&self, when: &str) -> String {
        let files = ["x", "d/one", "d/two"].map(|file| self.sandbox.read(file));
        assert_eq!(files[0], files[1], "{when}");
        assert_eq!(files[0], files[2], "{when}");
        files[0].clone()
    }

    fn nothing_is_left(&self, when: &str) {
        let names = self.sandbox.names(".");
        let ours = names.iter().filter(|name| name.starts_with(".playbook-"));
        assert_eq!(ours.count(), 0, "{when}: {names:?}");
        assert_eq!(self.sandbox.names("d"), ["one", "two"], "{when}");
        assert!(!self.sandbox.exists(".playbook/playbook/journal"), "{when}");
    }

    fn status(&self) -> String {
        self.sandbox.run(&["status"]).prints(0)
    }
}

/// Every way to die at every operation of a run.
fn deaths(way: Way, fails: bool) -> impl Iterator<Item = String> {
    let numbers = 1..=Generations::operations(way, fails);
    numbers.flat_map(|n| ["kill", "kill-half", "kill-after"].map(|how| format!("{how}={n}")))
}

#[test]
fn outs_are_of_one_generation_whenever_the_process_dies() {
    for way in WAYS {
        for death in deaths(way, false) {
            let when = format!("{way:?}, {death}");
            let this = Generations::new(way, false);
            this.run_with(&death);
            let foretold = this.status();
            this.recover();
            let generation = this.generation(&when);
            // What status said before anything was put right is what is there now.
            assert_eq!(this.status(), foretold, "{when}");
            let new = foretold.starts_with("cached");
            assert_eq!(generation, if new { "newer" } else { "old" }, "{when}");
            this.nothing_is_left(&when);
        }
    }
}

#[test]
fn former_outs_come_back_whenever_a_run_that_fails_dies() {
    for way in WAYS {
        for death in deaths(way, true) {
            let when = format!("{way:?}, {death}");
            let this = Generations::new(way, true);
            this.run_with(&death);
            this.recover();
            assert_eq!(this.generation(&when), "old", "{when}");
            this.nothing_is_left(&when);
        }
    }
}

#[test]
fn a_gate_that_says_no_has_reports_of_one_run_and_never_counts_as_passed_whenever_it_dies() {
    for way in WAYS {
        for n in 1..=Generations::of(GATE, way, true).count(way) {
            for how in ["kill", "kill-half"] {
                let when = format!("{way:?}, {how}={n}");
                let this = Generations::of(GATE, way, true);
                this.run_with(&format!("{how}={n}"));
                let foretold = this.status();
                assert!(foretold.starts_with("run    a"), "{when}: {foretold}");
                this.recover();
                this.generation(&when);
                assert_eq!(this.status(), foretold, "{when}");
                this.nothing_is_left(&when);
                assert_eq!(this.run_with(""), Some(1), "{when}");
                assert_eq!(this.generation(&when), "newer", "{when}");
                this.nothing_is_left(&when);
                assert!(!this.sandbox.exists(".playbook/playbook/kept"), "{when}");
                // What a gate that was cut off left is gone when it has run again.
                assert!(
                    !this.sandbox.exists(".playbook/playbook/failed/a"),
                    "{when}"
                );
            }
        }
    }
}

#[test]
fn whichever_write_fails_the_next_run_goes_on() {
    for (way, fails) in WAYS.map(|way| [(way, false), (way, true)]).concat() {
        for n in 1..=Generations::operations(way, fails) {
            for errno in ["EIO", "ENOSPC"] {
                goes_on_after(way, fails, (n, errno));
            }
        }
    }
}

fn goes_on_after(way: Way, fails: bool, (n, errno): (usize, &str)) {
    let fault = format!("fail={n}:{errno}");
    let when = format!("{way:?}, {fault}");
    let this = Generations::new(way, fails);
    let trace = this.sandbox.path("trace");
    let code = this.run_with(&format!("{fault};trace={}", trace.display()));
    // The journal is synced when there is time, so that one run has an operation less than another.
    let reached = this.sandbox.read("trace").contains(&format!("\n{n}\t"));
    let expected = if reached || n == 1 {
        6
    } else {
        i32::from(fails)
    };
    assert!(code == Some(expected), "{when}: {code:?}");
    this.recover();
    let generation = this.generation(&when);
    assert!(generation == "old" || !fails, "{when}");
    this.nothing_is_left(&when);
    std::fs::remove_file(this.sandbox.path("bad")).ok();
    this.sandbox.run(&["run", "-q"]).says(0);
    assert_eq!(this.generation(&when), "newer", "{when}");
}
