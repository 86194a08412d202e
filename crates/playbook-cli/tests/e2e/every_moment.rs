//! One stage with old outs runs again, and the process dies, or a write fails, at every single operation.

use std::process::Stdio;

use crate::support::Sandbox;

/// A stage with outs of two generations: the first is there, the second is about to be made.
struct Generations {
    sandbox: Sandbox,
}

impl Generations {
    fn new(fails: bool) -> Self {
        // With `bad` there it fails when it has made half of its outs.
        let stages = "  a: {cmd: 'cat in > x; mkdir d; cat in > d/one; test ! -e bad; cat in > d/two', deps: [in], outs: [x, d]}\n";
        let sandbox = Sandbox::with_stages(stages);
        sandbox.write("in", "old");
        sandbox.ran(&[]);
        sandbox.write("in", "new");
        if fails {
            sandbox.write("bad", "");
        }
        Self { sandbox }
    }

    /// Runs it with these faults.
    fn run_with(&self, faults: &str) -> Option<i32> {
        let mut command = self.sandbox.command(&["run", "-j1"]);
        command.env("PLAYBOOK_TEST_FAULTS", faults);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().code()
    }

    /// How many operations a run has.
    fn operations(fails: bool) -> usize {
        let this = Self::new(fails);
        this.run_with(&format!("trace={}", this.sandbox.path("trace").display()));
        let trace = this.sandbox.read("trace");
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

#[test]
fn outs_are_of_one_generation_whenever_the_process_dies() {
    for n in 1..=Generations::operations(false) {
        for how in ["kill", "kill-half", "kill-after"] {
            let when = format!("{how}={n}");
            let this = Generations::new(false);
            this.run_with(&when);
            let foretold = this.status();
            this.recover();
            let generation = this.generation(&when);
            // What status said before anything was put right is what is there now.
            assert_eq!(this.status(), foretold, "{when}");
            let new = foretold.starts_with("cached");
            assert_eq!(generation, if new { "new" } else { "old" }, "{when}");
            this.nothing_is_left(&when);
        }
    }
}

#[test]
fn former_outs_come_back_whenever_a_run_that_fails_dies() {
    for n in 1..=Generations::operations(true) {
        for how in ["kill", "kill-half", "kill-after"] {
            let when = format!("{how}={n}");
            let this = Generations::new(true);
            this.run_with(&when);
            this.recover();
            assert_eq!(this.generation(&when), "old", "{when}");
            this.nothing_is_left(&when);
        }
    }
}

#[test]
fn whichever_write_fails_the_next_run_goes_on() {
    for fails in [false, true] {
        for n in 1..=Generations::operations(fails) {
            for errno in ["EIO", "ENOSPC"] {
                let when = format!("fail={n}:{errno}");
                let this = Generations::new(fails);
                let trace = this.sandbox.path("trace");
                let code = this.run_with(&format!("{when};trace={}", trace.display()));
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
                assert_eq!(this.generation(&when), "new", "{when}");
            }
        }
    }
}
