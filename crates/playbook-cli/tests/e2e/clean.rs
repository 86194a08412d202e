//! `clean`: what runs have left goes; truth and the user's own files stay.

use std::os::unix::fs::symlink;

use crate::support::{Sandbox, Tree, tree};

const STAGES: &str = "  a: {cmd: 'echo hello; cp in x', deps: [in], outs: [x]}\n  b: {cmd: 'mkdir d; cp x d/1', deps: [x], outs: [d]}\n";

fn ran() -> Sandbox {
    let sandbox = Sandbox::with_stages(STAGES);
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox
}

/// Everything there is, but for the note of who held the run lock last.
fn all(sandbox: &Sandbox) -> Tree {
    let mut all = tree(sandbox.root());
    all.remove(std::ffi::OsStr::new("./.playbook/playbook/run.lock"));
    all
}

/// As if so many older runs had left a log of stage `a`.
fn with_old_logs(sandbox: &Sandbox, runs: usize) {
    for run in 0..runs {
        let log = format!(".playbook/playbook/logs/0000000{run:x}-0000/a.1.log");
        sandbox.write(&log, "0123456789");
    }
}

#[test]
fn old_logs_go_and_what_else_could_is_shown() {
    let sandbox = ran();
    with_old_logs(&sandbox, 12);
    sandbox.write(
        ".playbook/playbook/.playbook-tmp-0123456789abcdef-x",
        "half",
    );
    let before = all(&sandbox);
    insta::assert_snapshot!(without_sizes(&sandbox.run(&["clean", "-n"]).prints(0)), @"
    would go  1 half-written file (4 B)
    would go  logs of 3 old runs (30 B)
    34 B would go; nothing of that was removed
    can be removed as well:
      --logs         96 B  logs of the last 10 runs
      --cache …
      --outs          2 B  outs, as the lock records them
    ");
    assert_eq!(all(&sandbox), before, "a dry run removes nothing");
    insta::assert_snapshot!(without_sizes(&sandbox.run(&["clean"]).prints(0)), @"
    removed  1 half-written file (4 B)
    removed  logs of 3 old runs (30 B)
    34 B removed
    can be removed as well:
      --logs         96 B  logs of the last 10 runs
      --cache …
      --outs          2 B  outs, as the lock records them
    ");
    let left = sandbox.names(".playbook/playbook/logs");
    assert_eq!(left.len(), 10);
    assert_eq!(
        (left[0].as_str(), left[9].as_str()),
        ("00000003-0000", "0192f3c1-0000")
    );
    assert_eq!(sandbox.ran(&[]), [""; 0]);
    assert_eq!(sandbox.run(&["clean", "-q"]).prints(0), "");
}

/// Sizes of caches are none of a test's business.
fn without_sizes(printed: &str) -> String {
    let line = |line: &str| match line.split_once("--cache") {
        Some((front, _)) => format!("{front}--cache …\n"),
        None => format!("{line}\n"),
    };
    printed.lines().map(line).collect()
}

#[test]
fn all_logs_or_those_of_a_stage() {
    let sandbox = ran();
    with_old_logs(&sandbox, 12);
    sandbox.write(".playbook/playbook/logs/00000001-0000/b.1.log", "1");
    insta::assert_snapshot!(sandbox.run(&["clean", "--logs", "a"]).prints(0), @"
    removed  3 logs (30 B)
    removed  10 logs (96 B)
    126 B removed
    ");
    assert_eq!(sandbox.names(".playbook/playbook/logs"), ["00000001-0000"]);
    insta::assert_snapshot!(sandbox.run(&["clean", "--logs"]).prints(0), @"
    removed  logs of 1 recent run (1 B)
    1 B removed
    ");
    assert_eq!(sandbox.names(".playbook/playbook/logs"), [""; 0]);
}

#[test]
fn without_the_caches_all_stays_as_it_is() {
    let sandbox = ran();
    sandbox.ran(&[]);
    let lock = sandbox.stamp("playbook.lock.yaml");
    sandbox.run(&["clean", "--cache"]).prints(0);
    assert!(!sandbox.exists(".playbook/stat-cache"));
    assert!(!sandbox.exists(".playbook/playbook/settled"));
    assert_eq!(sandbox.ran(&[]), [""; 0]);
    assert_eq!(sandbox.stamp("playbook.lock.yaml"), lock);
    insta::assert_snapshot!(sandbox.run(&["clean", "--cache", "a"]).says(2), @"
    error: what saves time is the whole playbook's, not a stage's
      hint: leave out the stages, or --cache
    ");
}

#[test]
fn outs_go_only_with_yes_and_are_made_again() {
    let sandbox = ran();
    let before = all(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["clean", "--outs"]).prints(0), @"
    would go  x, made by 'a' (1 B)
    would go  d, made by 'b' (1 B)
    2 B would go; nothing of that was removed
      hint: to remove it: the same command with --yes
    ");
    assert_eq!(all(&sandbox), before);
    insta::assert_snapshot!(sandbox.run(&["clean", "--outs", "--yes"]).prints(0), @"
    removed  x, made by 'a' (1 B)
    removed  d, made by 'b' (1 B)
    2 B removed
    ");
    assert!(!sandbox.exists("x") && !sandbox.exists("d") && sandbox.exists("in"));
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    sandbox.run(&["clean", "--outs", "--yes", "b"]).prints(0);
    assert!(sandbox.exists("x") && !sandbox.exists("d"));
    insta::assert_snapshot!(sandbox.run(&["clean", "--outs", "b"]).prints(0), @"nothing to remove");
}

#[test]
fn an_out_that_is_not_what_its_stage_made_stays() {
    let stages = "  edited: {cmd: echo > e, outs: [e]}\n  more: {cmd: 'mkdir m; echo > m/1', outs: [m]}\n  ignored: {cmd: 'mkdir i; echo > i/1', outs: [i]}\n  linked: {cmd: echo > l, outs: [l]}\n  adopted: {cmd: echo > a, outs: [a]}\n  grown: {cmd: echo >> g, outs: [{path: g, persist: true}]}\n  frozen: {cmd: echo > f, outs: [f], frozen: true}\n  own: {cmd: ln -s e o, outs: [o], deps: [e]}\n  never: {cmd: echo > n, outs: [n]}\n";
    let sandbox = Sandbox::with_stages(stages);
    sandbox
        .run(&[
            "run", "-B", "-k", "edited", "more", "ignored", "linked", "grown", "frozen", "own",
        ])
        .says(0);
    sandbox.write("a", "by hand");
    sandbox.run(&["lock", "adopt", "adopted", "-q"]).says(0);
    sandbox.write("e", "edited");
    sandbox.write("m/mine", "");
    sandbox.write("i/__pycache__/mine", "");
    sandbox.write("elsewhere", "\n");
    sandbox.remove("l");
    symlink("elsewhere", sandbox.path("l")).unwrap();
    sandbox.write("n", "");
    let before = all(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["clean", "--outs", "--yes"]).prints(0), @"
    stays    e of 'edited': it is not what its stage made
    stays    m of 'more': it is not what its stage made
    stays    i of 'ignored': it is not what its stage made
    stays    l of 'linked': it is not what its stage made
    stays    a of 'adopted': it was adopted: its stage has not made it
    stays    g of 'grown': it is updated from run to run (persist)
    stays    f of 'frozen': its stage is frozen: it would not be made again
    stays    o of 'own': it is not what its stage made
    stays    n of 'never': its stage is not in the lock
    ");
    assert_eq!(all(&sandbox), before);
}

/// A link that the stage made is removed, never what it leads to.
#[test]
fn no_link_is_followed() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'ln -s ../precious d/l && ln -s precious p', outs: [d/l, p], deps: [in]}\n",
    );
    sandbox.write("in", "");
    sandbox.write("precious/1", "1");
    sandbox.ran(&[]);
    sandbox.run(&["clean", "--outs", "--yes"]).prints(0);
    assert!(!sandbox.exists("d/l") && !sandbox.exists("p"));
    assert_eq!(sandbox.read("precious/1"), "1");
}

#[test]
fn what_was_kept_goes_with_yes() {
    let sandbox = ran();
    sandbox.write("in", "2");
    sandbox.write("x", "mine");
    sandbox.ran(&["a"]);
    sandbox.stages(&STAGES.replace("cp x d/1", "cp x d/1; exit 1"));
    sandbox.run(&["run"]).says(1);
    let before = all(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["clean", "--kept"]).prints(0), @"
    would go  .playbook/playbook/failed/b, left by 'b' when it failed (1 B)
    would go  .playbook/playbook/kept/0192f3c1-0000/a, yours: it stood where 'a' makes its outs (4 B)
    5 B would go; nothing of that was removed
      hint: to remove it: the same command with --yes
    ");
    insta::assert_snapshot!(without_sizes(&sandbox.run(&["clean"]).prints(0)), @"
    nothing to remove
    can be removed as well:
      --logs          6 B  logs of the last 10 runs
      --cache …
      --kept          5 B  your files that were moved aside, and what failed stages and jobs left
      --outs          2 B  outs, as the lock records them
    ");
    assert_eq!(all(&sandbox), before);
    insta::assert_snapshot!(sandbox.run(&["clean", "--kept", "--yes", "a"]).prints(0), @"
    removed  .playbook/playbook/kept/0192f3c1-0000/a, yours: it stood where 'a' makes its outs (4 B)
    4 B removed
    ");
    insta::assert_snapshot!(sandbox.run(&["clean", "--kept", "--yes"]).prints(0), @"
    removed  .playbook/playbook/failed/b, left by 'b' when it failed (1 B)
    1 B removed
    ");
    assert_eq!(sandbox.names(".playbook/playbook/kept"), [""; 0]);
    assert_eq!(sandbox.read("d/1"), "1", "the outs stay");
}

#[test]
fn a_run_under_way_or_dead_is_left_alone() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo started > told; read go < go; cp in x', deps: [in], outs: [x]}\n",
    );
    sandbox.write("in", "1");
    let (told, go) = (sandbox.pipe("told"), sandbox.pipe("go"));
    let run = sandbox.live(&["run"]);
    assert_eq!(told.hear(), "started");
    let said = sandbox.run(&["clean", "--logs"]).says(5);
    assert!(said.contains("another run holds this playbook"), "{said}");
    assert!(said.contains("nothing was removed"), "{said}");
    sandbox.run(&["clean", "-n"]).prints(0);
    let said = sandbox.run(&["clean", "--outs"]).says(5);
    assert!(said.contains("look again when it has ended"), "{said}");
    go.tell("go");
    run.ended().says(0);

    let mut command = sandbox.command(&["run", "-B"]);
    command.env("PLAYBOOK_TEST_FAULTS", "kill-at=outs-made:1");
    go.tell("go");
    assert_eq!(sandbox.finish(command).code, None);
    let before = all(&sandbox);
    insta::assert_snapshot!(sandbox.run(&["clean", "--logs"]).says(2), @"
    error: the last run died, and what it left has not been put right yet; nothing was removed
      hint: 'playbook run' puts it right before it does anything else
    ");
    sandbox.run(&["clean", "--outs", "--yes"]).says(2);
    sandbox.run(&["clean", "--outs"]).says(2);
    sandbox.run(&["clean", "-n"]).prints(0);
    assert_eq!(all(&sandbox), before);
}

#[test]
fn where_nothing_ran_there_is_nothing() {
    let sandbox = Sandbox::with_stages(STAGES);
    assert_eq!(sandbox.run(&["clean"]).prints(0), "nothing to remove\n");
    assert_eq!(sandbox.names("."), ["playbook.yaml"]);
}
