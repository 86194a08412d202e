//! A run that is to end does not read on. The files here are so long that reading them would outlast the test by far; they
//! take no room on the disk.

use rustix::process::Signal;

use crate::support::{Sandbox, started};

/// In bytes.
const ENDLESS: u64 = 1 << 40;

/// One stage that says `up` and waits, and one that has something endless to read.
fn sandbox(then: &str) -> Sandbox {
    let sandbox = Sandbox::with_stages(&format!(
        "  waits: {{cmd: 'echo up > up; read line < hold; {then}', outs: [x], deps: [in]}}\n  reads: {{cmd: touch y, deps: [endless], outs: [y]}}\n"
    ))
    .real_clock();
    sandbox.write("in", "");
    sandbox.write("endless", "");
    let endless = std::fs::File::options()
        .write(true)
        .open(sandbox.path("endless"));
    endless.unwrap().set_len(ENDLESS).unwrap();
    sandbox
}

#[test]
fn what_would_not_begin_is_not_decided_after_a_signal() {
    let sandbox = sandbox("touch x");
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run", "--json"]);
    assert_eq!(up.hear(), "up");
    run.signal(Signal::INT);
    let printed = run.ended().prints(130);
    assert_eq!(started(&printed), ["waits"]);
    assert!(printed.lines().last().unwrap().contains("run_interrupted"));
    assert!(
        !printed.contains("\"reads\""),
        "nothing happened to it: {printed}"
    );
}

#[test]
fn nothing_is_skipped_because_of_a_stage_that_was_cut_off() {
    let sandbox = Sandbox::with_stages(
        "  waits: {cmd: 'echo up > up; read line < hold', outs: [x]}\n  below: {cmd: touch y, deps: [x], outs: [y]}\n",
    );
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    for args in [&["run", "-k"][..], &["run"]] {
        let run = sandbox.live(args);
        assert_eq!(up.hear(), "up");
        run.signal(Signal::INT);
        let said = run.ended().says(130);
        assert!(!said.contains("below"), "{said}");
        let total = "0 run · 0 cached · 0 failed · 1 interrupted in";
        assert!(said.contains(total), "{said}");
    }
}

#[test]
fn what_would_not_begin_is_not_decided_after_a_failure() {
    let sandbox = sandbox("exit 1");
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run"]);
    assert_eq!(up.hear(), "up");
    hold.tell("go");
    let said = run.ended().says(1);
    assert!(
        said.contains("skip   reads  because 'waits' failed"),
        "{said}"
    );
}

#[test]
fn what_a_stage_made_is_not_read_on_when_the_run_is_to_end_at_once() {
    let sandbox = Sandbox::with_stages(&format!(
        "  makes: {{cmd: 'truncate -s {ENDLESS} x; echo up > up', outs: [x]}}\n"
    ))
    .real_clock();
    sandbox.write("x", "mine");
    let up = sandbox.pipe("up");
    let run = sandbox.live(&["run"]);
    assert_eq!(up.hear(), "up");
    // Two of one kind could arrive as one.
    run.signal(Signal::INT);
    run.signal(Signal::TERM);
    let said = run.ended().says(130);
    assert!(said.contains("ended  makes  interrupted"), "{said}");
    assert_eq!(sandbox.read("x"), "mine");
    assert!(sandbox.run(&["list"]).prints(0).contains("interrupted"));
}
