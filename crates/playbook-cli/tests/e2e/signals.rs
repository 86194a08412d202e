//! Signals and timeouts: nothing new starts, everything that runs is ended, and what was done stays done.

use rustix::process::Signal;

use crate::support::{Ended, Live, Pipe, Sandbox, started, until};

/// A stage whose command is these lines of shell.
fn stage(name: &str, lines: &str, rest: &str) -> String {
    let lines = lines.trim().replace('\n', "\n      ");
    format!("  {name}:\n    cmd: |\n      {lines}\n    {rest}\n")
}

/// Commands that do not end when they are asked to. Each says `up` once it is what it is.
const STUBBORN: [(&str, &str); 6] = [
    (
        "it ignores SIGTERM",
        "trap '' TERM INT HUP\necho up > up\nread line < hold",
    ),
    (
        "its grandchild ignores SIGTERM",
        "sh -c 'sh -c \"trap \\\"\\\" TERM; echo up > up; read line < hold\" & wait' & wait",
    ),
    (
        "a daemon in a session of its own",
        "(setsid sh -c 'trap \"\" TERM HUP; echo up > up; read line < hold' &)\nread line < hold",
    ),
    (
        "a daemon that closed its output",
        "(setsid sh -c 'trap \"\" TERM HUP; echo up > up; read line < hold' > \"$NOWHERE\" 2>&1 &)\nread line < hold",
    ),
    (
        "its output stays open after it ended",
        "(trap '' TERM; echo up > up; read line < hold) & read line < hold",
    ),
    (
        "a stopped child",
        "sh -c 'echo up > up; kill -STOP $$' & read line < hold",
    ),
];

/// Three stages: one that is quickly done, one that runs these lines until it may end, one that comes after.
fn stuck(lines: &str, limits: &str) -> Sandbox {
    let stages = [
        stage("a", "echo a > x", "outs: [x]"),
        stage(
            "b",
            &format!("test ! -e easy || {{ echo b > y; exit 0; }}\necho half > y\n{lines}"),
            &format!("deps: [x]\n    outs: [y]{limits}"),
        ),
        stage("c", "cp y z", "deps: [y]\n    outs: [z]"),
    ];
    Sandbox::with_stages(&stages.concat()).real_clock()
}

fn run(sandbox: &Sandbox, grace_ms: &str) -> Live {
    let mut command = sandbox.command(&["run", "--json"]);
    command.env("PLAYBOOK_TEST_GRACE_MS", grace_ms);
    command.env("NOWHERE", sandbox.path("nowhere"));
    sandbox.start(command)
}

/// What every run that was stopped before `b` was done leaves behind.
fn goes_on_with_the_rest(sandbox: &Sandbox, ended: Ended, event: &str, code: i32) {
    let printed = ended.prints(code);
    assert_eq!(started(&printed), ["a", "b"], "nothing new starts");
    assert!(printed.lines().last().unwrap().contains(event), "{printed}");
    let log = sandbox.read("playbook.events.jsonl");
    assert!(log.lines().last().unwrap().contains(event), "{log}");
    assert!(!sandbox.exists("y"), "half of an output stays nowhere");
    assert!(
        sandbox
            .read("playbook.lock.yaml")
            .contains("status: completed")
    );
    sandbox.write("easy", "");
    assert_eq!(sandbox.ran(&[]), ["b", "c"], "exactly the rest");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn whatever_a_command_does_nobody_is_alive_after_a_signal() {
    let signals = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];
    // Every command with one of the signals, and every signal with two of the commands.
    for (nth, (what, lines)) in STUBBORN.into_iter().enumerate() {
        let (signal, code) = signals[nth % signals.len()];
        let sandbox = stuck(lines, "");
        let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let run = run(&sandbox, "100");
        assert_eq!(up.hear(), "up", "{what}");
        run.signal(signal);
        goes_on_with_the_rest(&sandbox, run.ended(), "run_interrupted", code);
    }
}

#[test]
fn whatever_a_command_does_nobody_is_alive_after_a_timeout() {
    for (what, lines) in STUBBORN {
        let sandbox = stuck(lines, "\n    resources: {timeout: 200ms}");
        let (_up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let ended = run(&sandbox, "100").ended();
        let timed_out = ended.stdout.contains("timed out after 0.2 s");
        assert!(timed_out, "{what}: {}", ended.stdout);
        goes_on_with_the_rest(&sandbox, ended, "run_failed", 1);
    }
}

#[test]
fn what_a_command_leaves_running_is_ended_with_it() {
    let leaves = "\
(trap '' TERM HUP; echo up > up; read line < hold; echo late > y) & read line < go
(setsid sh -c 'trap \"\" TERM HUP; echo up > up; read line < hold; echo late > y' &) ; read line < go
(setsid sh -c 'echo up > up; read line < hold; echo late > y' > \"$NOWHERE\" 2>&1 &) ; read line < go";
    for line in leaves.lines() {
        let sandbox = stuck(line, "");
        let (up, go, _hold) = (sandbox.pipe("up"), sandbox.pipe("go"), sandbox.pipe("hold"));
        let run = run(&sandbox, "600000");
        up.hear();
        go.tell("go");
        run.ended().prints(0);
        assert_eq!(sandbox.read("z"), "half\n", "{line}");
    }
}

#[test]
fn what_a_command_leaves_running_is_ended_with_it_while_others_still_run() {
    let daemon = "(setsid sh -c 'echo up > up; read line < hold; echo late > y; echo late > late' > \"$NOWHERE\" 2>&1 &); read line < go\necho made > y";
    let stages = [
        stage("a", daemon, "outs: [y]"),
        stage(
            "other",
            "echo up > other_up\nread line < other_hold",
            "deps: [in]",
        ),
        stage("b", "cp y z", "deps: [y]\n    outs: [z]"),
    ];
    let sandbox = Sandbox::with_stages(&stages.concat());
    sandbox.write("in", "");
    let (up, go, hold) = (sandbox.pipe("up"), sandbox.pipe("go"), sandbox.pipe("hold"));
    let (other_up, other_hold) = (sandbox.pipe("other_up"), sandbox.pipe("other_hold"));
    let late = sandbox.pipe("late");
    let run = run(&sandbox, "600000");
    up.hear();
    other_up.hear();
    go.tell("go");
    // What reads its out has read it.
    until("z is there", || sandbox.exists("z").then_some(()));
    hold.tell("now");
    let dead_or_late = until("the daemon is dead or writes", || {
        let daemons = run.alive().into_iter();
        let mut daemons = daemons.filter(|process| process.command.contains("late > late"));
        (late.has_news() || daemons.next().is_none()).then_some(late.has_news())
    });
    other_hold.tell("go");
    run.ended().prints(0);
    assert!(
        !dead_or_late,
        "it wrote to an out that another stage had read"
    );
    assert_eq!(sandbox.read("y"), "made\n");
}

/// Says `term` when it is asked to end, and ends when `hold` lets it.
const TIDY: &str = "\
trap 'echo term > said' TERM
(trap '' TERM; echo up > up; read line < hold) & wait || :
wait || :
echo tidied > tidied
exit 1";

fn up(sandbox: &Sandbox) -> (Pipe, Pipe, Pipe) {
    (
        sandbox.pipe("up"),
        sandbox.pipe("said"),
        sandbox.pipe("hold"),
    )
}

#[test]
fn a_command_that_is_asked_to_end_has_time_to_tidy_up() {
    let sandbox = stuck(TIDY, "");
    let (up, said, hold) = up(&sandbox);
    let run = run(&sandbox, "600000");
    up.hear();
    run.signal(Signal::INT);
    assert_eq!(said.hear(), "term");
    hold.tell("end now");
    goes_on_with_the_rest(&sandbox, run.ended(), "run_interrupted", 130);
    assert_eq!(sandbox.read("tidied"), "tidied\n");
}

#[test]
fn a_command_that_timed_out_has_time_to_tidy_up() {
    let sandbox = stuck(TIDY, "\n    resources: {timeout: 2s}");
    let (_up, said, hold) = up(&sandbox);
    let run = run(&sandbox, "600000");
    assert_eq!(said.hear(), "term");
    hold.tell("end now");
    let ended = run.ended();
    assert!(
        ended.stdout.contains("timed out after 2 s"),
        "{}",
        ended.stdout
    );
    goes_on_with_the_rest(&sandbox, ended, "run_failed", 1);
    assert_eq!(sandbox.read("tidied"), "tidied\n");
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    for (second, code) in [(Signal::INT, 143), (Signal::TERM, 143)] {
        let sandbox = stuck(TIDY, "");
        let (up, said, _hold) = up(&sandbox);
        let run = run(&sandbox, "600000");
        up.hear();
        run.signal(Signal::TERM);
        assert_eq!(said.hear(), "term");
        run.signal(second);
        goes_on_with_the_rest(&sandbox, run.ended(), "run_interrupted", code);
        assert!(!sandbox.exists("tidied"));
    }
}

#[test]
fn a_signal_ends_all_stages_that_run() {
    let holds = |name: &str| {
        let lines = format!("echo up > up\nread line < hold\necho > o{name}");
        stage(name, &lines, &format!("outs: [o{name}]"))
    };
    let sandbox = Sandbox::with_stages(&["p", "q", "r", "s"].map(holds).concat()).real_clock();
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run", "--json", "-j3"]);
    for _ in 0..3 {
        up.hear();
    }
    run.signal(Signal::HUP);
    let printed = run.ended().prints(129);
    assert_eq!(started(&printed), ["p", "q", "r"]);
    assert!(!up.has_news(), "s never ran");
    let lock = sandbox.read("playbook.lock.yaml");
    assert_eq!(lock.matches("status: running").count(), 3, "{lock}");
}

#[test]
fn a_list_of_commands_ends_where_the_signal_found_it() {
    // The first command ends well although it was asked to end.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: ['trap \"exit 0\" TERM; (trap \"\" TERM; echo up > up; read l < hold) & wait', 'echo > second'], outs: [x]}\n",
    );
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run"]);
    up.hear();
    run.signal(Signal::TERM);
    run.ended().says(143);
    assert!(!sandbox.exists("second") && !sandbox.exists("x"));
}

#[test]
fn a_signal_that_the_caller_ignores_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let sandbox = Sandbox::with_stages(&stage(
            "a",
            "echo up > up\nread line < hold\necho > x",
            "outs: [x]",
        ));
        let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let ignoring = format!("trap '' {name}; exec \"$0\" run");
        let run = sandbox.start(sandbox.shell(&ignoring));
        up.hear();
        run.signal(signal);
        hold.tell("go on");
        run.ended().says(0);
        assert!(sandbox.exists("x"));
    }
}

#[test]
fn a_stopped_command_is_ended_too() {
    let sandbox = stuck("echo $$ > up\nread line < hold", "");
    let (up, _hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = run(&sandbox, "100");
    let command: i32 = up.hear().parse().unwrap();
    let command = rustix::process::Pid::from_raw(command).unwrap();
    rustix::process::kill_process_group(command, Signal::STOP).unwrap();
    run.signal(Signal::INT);
    goes_on_with_the_rest(&sandbox, run.ended(), "run_interrupted", 130);
}
