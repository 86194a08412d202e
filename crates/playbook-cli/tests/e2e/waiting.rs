//! One run at a time.

use rustix::process::Signal;

use crate::support::{Live, Pipe, Sandbox, until};

const STAGE: &str = "  a: {cmd: 'echo up > up; read line < hold; echo made > x', outs: [x]}\n";

/// A sandbox in which a run holds the playbook until `hold` is told.
fn held() -> (Sandbox, Pipe, Pipe) {
    let sandbox = Sandbox::with_stages(STAGE);
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    (sandbox, up, hold)
}

/// A run that waits, once it has said so.
fn waiting(sandbox: &Sandbox, for_whom: &Live) -> (Live, Pipe) {
    let says = sandbox.pipe("says");
    let mut command = sandbox.command(&["run"]);
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    command.stderr(says.writer());
    let run = sandbox.start_wired(command);
    let expected = format!(
        "waiting for another run of this playbook ({})",
        holder(for_whom)
    );
    assert_eq!(says.hear(), expected);
    (run, says)
}

fn holder(run: &Live) -> String {
    let host = playbook_exec::host();
    format!("pid {} on {host}, since 2026-02-16T14:00:00Z", run.id())
}

#[test]
fn who_must_not_wait_is_told_who_holds_the_playbook_where_and_since_when() {
    let (sandbox, up, hold) = held();
    let first = sandbox.live(&["run"]);
    up.hear();
    let before = sandbox.stamp("playbook.yaml");
    let said = sandbox.run(&["run", "--no-wait"]).says(5);
    assert!(said.contains(&holder(&first)), "{said}");
    let playbook = sandbox.read("playbook.yaml");
    let policy = "policy: {concurrency: fail}\nstages:";
    sandbox.write("playbook.yaml", &playbook.replace("stages:", policy));
    let said = sandbox.run(&["run"]).says(5);
    assert!(said.contains(&holder(&first)), "{said}");
    sandbox.write("playbook.yaml", &String::from_utf8(before.0).unwrap());
    hold.tell("go on");
    first.ended().says(0);
}

#[test]
fn who_waits_says_for_whom_and_goes_on_with_what_is_left() {
    let (sandbox, up, hold) = held();
    let first = sandbox.live(&["run"]);
    up.hear();
    let (second, says) = waiting(&sandbox, &first);
    hold.tell("go on");
    first.ended().says(0);
    assert_eq!(says.hear(), "cached a", "what the first run did counts");
    assert_eq!(second.ended_quietly(), Some(0));
}

#[test]
fn who_waits_can_be_interrupted_at_once() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (sandbox, up, hold) = held();
        let first = sandbox.live(&["run"]);
        up.hear();
        let (second, _says) = waiting(&sandbox, &first);
        second.signal(signal);
        assert_eq!(second.ended_quietly(), Some(code));
        hold.tell("go on");
        first.ended().says(0);
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    }
}

#[test]
fn a_holder_that_is_killed_leaves_nothing_to_clean_up() {
    let (sandbox, up, hold) = held();
    let mut first = sandbox.live(&["run"]);
    up.hear();
    first.die();
    let second = sandbox.live(&["run"]);
    up.hear();
    assert_eq!(first.alive(), [], "the commands of the dead run have ended");
    hold.tell("go on");
    let said = second.ended().says(0);
    assert!(said.contains("1 run"), "{said}");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn who_waits_goes_on_when_the_holder_is_killed() {
    let (sandbox, up, hold) = held();
    let mut first = sandbox.live(&["run"]);
    up.hear();
    let (second, _says) = waiting(&sandbox, &first);
    first.die();
    up.hear();
    assert_eq!(first.alive(), [], "the commands of the dead run have ended");
    hold.tell("go on");
    assert_eq!(second.ended_quietly(), Some(0));
    assert_eq!(sandbox.read("x"), "made\n");
}

#[test]
fn who_is_killed_while_waiting_is_nobodys_loss() {
    let (sandbox, up, hold) = held();
    let first = sandbox.live(&["run"]);
    up.hear();
    let (mut second, _says) = waiting(&sandbox, &first);
    second.die();
    let said = sandbox.run(&["run", "--no-wait"]).says(5);
    assert!(said.contains(&holder(&first)), "{said}");
    hold.tell("go on");
    first.ended().says(0);
}

#[test]
fn two_playbooks_in_one_root_do_not_wait_for_each_other() {
    let (sandbox, up, hold) = held();
    sandbox.write(
        "other.yaml",
        "version: \"1.0\"\nname: t\nstages:\n  a: {cmd: echo > other, outs: [other]}\n",
    );
    let first = sandbox.live(&["run"]);
    up.hear();
    assert_eq!(sandbox.ran(&["--no-wait", "-f", "other.yaml"]), ["a"]);
    hold.tell("go on");
    first.ended().says(0);
    assert_eq!(sandbox.ran(&["-f", "other.yaml"]), Vec::<String>::new());
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn two_runs_that_began_in_the_same_moment_do_not_meet() {
    // Their ids begin with that moment, their stages have one name, and their outs lie side by side.
    let (sandbox, up, hold) = held();
    let other = sandbox
        .read("playbook.yaml")
        .replace("echo up > up; read line < hold; ", "");
    sandbox.write(
        "other.yaml",
        &other.replace("made", "other").replace('x', "y"),
    );
    sandbox.write("x", "mine");
    sandbox.write("y", "mine too");
    let first = sandbox.live(&["run"]);
    up.hear();
    sandbox.run(&["run", "-f", "other.yaml"]).says(0);
    hold.tell("go on");
    first.ended().says(0);
    assert_eq!(
        (sandbox.read("x"), sandbox.read("y")),
        ("made\n".to_owned(), "other\n".to_owned())
    );
    let kept = |stem: &str, out: &str| {
        sandbox.read(&format!(".playbook/{stem}/kept/0192f3c1-0000/a/{out}"))
    };
    assert_eq!(kept("playbook", "x"), "mine");
    assert_eq!(kept("other", "y"), "mine too");
}

#[test]
fn looking_does_not_wait() {
    let (sandbox, up, hold) = held();
    let first = sandbox.live(&["run"]);
    up.hear();
    for look in [&["status"][..], &["run", "-n"], &["list"], &["validate"]] {
        let ended = sandbox.run(look);
        assert_eq!(ended.code, Some(0), "{look:?}: {}", ended.stderr);
    }
    hold.tell("go on");
    first.ended().says(0);
}

#[test]
fn a_run_lock_removed_by_hand_lets_no_second_run_in() {
    let (sandbox, up, hold) = held();
    let first = sandbox.live(&["run"]);
    up.hear();
    sandbox.remove(".playbook/playbook/run.lock");
    let second = sandbox.live(&["run", "--no-wait"]);
    let two_at_once = until("the second run is refused or runs its stage", || {
        let refused = second.is_over();
        (refused || up.has_news()).then_some(!refused)
    });
    hold.tell("go on");
    hold.tell("go on");
    let first = first.ended();
    assert!(
        !two_at_once,
        "two runs of one playbook at once; the first said: {}",
        first.stderr
    );
    first.says(0);
    second.ended().says(5);
}
