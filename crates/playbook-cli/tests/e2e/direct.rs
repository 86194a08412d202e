//! Simple commands, which are started without a shell once enough of them have run: nobody can tell.

use crate::support::{Sandbox, until};

/// So many simple commands that the last ones are started without a shell.
const MANY: usize = 8;

fn with(cmd: &str, more: &str) -> Sandbox {
    let stage = |nth| format!("  a{nth}: {{cmd: {cmd}, deps: [in], outs: [x{nth}]}}\n");
    let stages: String = (1..=MANY).map(stage).collect();
    let sandbox = Sandbox::with_stages(&format!("{stages}{more}"));
    sandbox.write("in", "1\n");
    sandbox
}

#[test]
fn how_the_last_of_many_fails_is_told_as_of_the_first() {
    for cmd in [
        "sh -c 'kill -9 $$'",
        "sh -c 'kill -PIPE $$'",
        "sh -c 'echo no >&2; exit 3'",
        "cat in missing > {{outs[0].path}}",
        "nobody_has_this > {{outs[0].path}}",
    ] {
        let sandbox = with(&format!("\"{cmd}\""), "");
        let said = sandbox.run(&["run", "-j1", "-k"]).says(1);
        let told = |nth: usize| {
            let from = said.find(&format!("stage 'a{nth}'")).unwrap();
            let about = said[from..].split("error:").next().unwrap();
            let about = about.lines().filter(|line| !line.starts_with("run "));
            let about: Vec<&str> = about.take_while(|line| !line.contains(" run · ")).collect();
            about
                .join("\n")
                .replace(&format!("a{nth}"), "A")
                .replace(&format!("x{nth}"), "X")
        };
        assert_eq!(told(MANY), told(1));
        let log = |nth: usize| {
            sandbox.read(&format!(
                ".playbook/playbook/logs/0192f3c1-0000/a{nth}.1.log"
            ))
        };
        assert_eq!(log(MANY), log(1), "{cmd}");
    }
}

#[test]
fn a_killed_run_leaves_no_simple_command_that_goes_on() {
    let sandbox = with(
        "'cp in {{outs[0].path}}'",
        "  last: {cmd: cat in pipe - > y, deps: [in], outs: [y], after: [a8]}\n",
    );
    sandbox.fifo("pipe");
    let mut live = sandbox.live(&["run", "-j1"]);
    let alone = until("the command runs", || {
        let alive = live.alive();
        let found = alive
            .iter()
            .find(|process| process.command.starts_with("cat in pipe"));
        found.cloned()
    });
    let shells = live.alive();
    let shells = shells
        .iter()
        .filter(|process| process.command.starts_with("/bin/sh"));
    let real = std::fs::canonicalize("/bin/sh").unwrap();
    if real.ends_with("dash") {
        assert_eq!(shells.count(), 0, "no shell is needed");
    }
    live.die();
    // The command still waits for somebody to write.
    sandbox.remove("pipe");
    sandbox.write("pipe", "2\n");
    sandbox.run(&["run", "-j1"]).says(0);
    assert_eq!(sandbox.read("y"), "1\n2\n");
    until("it has ended", || {
        live.alive()
            .iter()
            .all(|process| process.pid != alone.pid)
            .then_some(())
    });
}

#[test]
fn a_log_is_kept_if_something_was_printed_or_went_wrong() {
    let sandbox = with(
        "'cp in {{outs[0].path}}'",
        "  loud: {cmd: 'cp -v in y', deps: [in], outs: [y], after: [a8]}\n  mute: {cmd: exit 2, after: [loud]}\n",
    );
    sandbox.run(&["run", "-j1"]).says(1);
    let logs = sandbox.names(".playbook/playbook/logs/0192f3c1-0000");
    assert_eq!(logs, ["loud.1.log", "mute.1.log"]);
}
