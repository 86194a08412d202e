//! Outputs as transactions: nothing partial, nothing of the user's lost.

use std::os::unix::fs::symlink;

use crate::support::Sandbox;

const COPY: &str = "  a: {cmd: 'cat in > x; test -e ok', deps: [in], outs: [x]}\n";

#[test]
fn a_failed_stage_leaves_the_former_output() {
    let sandbox = Sandbox::with_stages(COPY);
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    sandbox.remove("ok");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(1), @"
    run    a  in changed
    error: stage 'a' failed: exit status 1
      command: cat in > x; test -e ok
      log:     .playbook/playbook/logs/0192f3c1-0000/a.1.log (empty)
      left:    what the command left at x is now .playbook/playbook/failed/a/x
      hint: 'playbook debug a' shows how to run it by hand; the previous x was kept
    0 run · 0 cached · 1 failed in 0.00 s
    ");
    assert_eq!(sandbox.read("x"), "1");
    assert_eq!(
        sandbox.read(".playbook/playbook/failed/a/x"),
        "2",
        "what it left can be inspected"
    );
    assert_eq!(
        sandbox.names("."),
        [
            ".playbook",
            "in",
            "playbook.events.jsonl",
            "playbook.lock.yaml",
            "playbook.yaml",
            "x"
        ]
    );
    sandbox.write("ok", "");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.read("x"), "2");
    assert!(
        !sandbox.exists(".playbook/playbook/failed/a"),
        "until the stage runs next"
    );
    assert!(
        !sandbox.exists(".playbook/playbook/kept"),
        "the former output was the stage's own"
    );
}

#[test]
fn a_command_finds_no_old_output_unless_it_persists() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo {{params.p}} >> x', outs: [x]}\n  b: {cmd: 'echo {{params.p}} >> y', outs: [{path: y, persist: true}]}\n",
    );
    sandbox.write(
        "playbook.yaml",
        &sandbox
            .read("playbook.yaml")
            .replace("stages:", "params: {p: 1}\nstages:"),
    );
    sandbox.ran(&[]);
    sandbox.ran(&["-p", "p=2"]);
    assert_eq!(sandbox.read("x"), "2\n");
    assert_eq!(sandbox.read("y"), "1\n2\n");
}

#[test]
fn files_the_lock_does_not_know_are_kept() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'mkdir d; echo made > d/new', outs: [d]}\n");
    sandbox.write("d/my own work", "precious");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0), @"
    run    a  no lock file found (first run)
    done   a  0.00 s
    warning: d/ as it was is not what a recorded run of stage 'a' made; in case you need it, it was moved to .playbook/playbook/kept/0192f3c1-0000/a/d
      hint: what was kept stays until 'playbook clean --kept' removes it
    1 run · 0 cached · 0 failed in 0.00 s
    ");
    assert_eq!(sandbox.names("d"), ["new"]);
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/d/my own work"),
        "precious"
    );
    // A second time, with the same run id even: what was kept before stays.
    sandbox.write("d/again", "precious too");
    sandbox.run(&["run"]).says(0);
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/d/my own work"),
        "precious"
    );
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/d-1/again"),
        "precious too"
    );
}

#[test]
fn a_hand_edited_output_is_kept() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo made > o/x, outs: [o/x]}\n");
    sandbox.ran(&[]);
    sandbox.write("o/x", "edited by hand");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("o/x was modified since it was made"),
        "{said}"
    );
    assert!(
        said.contains("it was moved to .playbook/playbook/kept/"),
        "{said}"
    );
    assert_eq!(sandbox.read("o/x"), "made\n");
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/o/x"),
        "edited by hand"
    );
}

#[test]
fn a_failed_first_run_gives_the_users_own_file_back() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'echo half > x; exit 1', outs: [x]}\n");
    sandbox.write("x", "mine");
    sandbox.run(&["run"]).says(1);
    assert_eq!(sandbox.read("x"), "mine");
    sandbox.run(&["run"]).says(1);
    assert_eq!(sandbox.read("x"), "mine");
}

#[test]
fn a_link_the_stage_did_not_make_is_refused() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo made > x, outs: [x]}\n");
    sandbox.write("elsewhere", "mine");
    symlink("elsewhere", sandbox.path("x")).unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("x is a symbolic link to elsewhere that the stage did not make"),
        "{said}"
    );
    assert_eq!(sandbox.read("elsewhere"), "mine");
    assert!(sandbox.path("x").is_symlink());
}

#[test]
fn a_link_the_stage_made_is_its_own() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'ln -s in x; cat also > y', deps: [in, also], outs: [x, y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("also", "1");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("also", "2");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert!(sandbox.path("x").is_symlink());
    assert_eq!(
        sandbox.read("in"),
        "1",
        "dropping a link never touches what it leads to"
    );
}

#[test]
fn an_out_that_is_a_fifo_is_refused() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo > x, outs: [x]}\n");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sandbox.path("x"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("x is a socket, a fifo or a device"), "{said}");
}

#[test]
fn two_outs_that_are_one_file_are_refused() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: echo > real/x, outs: [real/x]}\n  b: {cmd: echo > link/x, outs: [link/x]}\n",
    );
    sandbox.write("real/keep", "");
    symlink("real", sandbox.path("link")).unwrap();
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains(
            "the out real/x of stage 'a' and the out link/x of stage 'b' are the same file"
        ),
        "{said}"
    );
}

#[test]
fn an_output_that_is_a_directory_is_whole_or_not_there() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir -p d/e; echo 1 > d/e/f; ln -s nowhere d/l; mkdir d/empty; chmod +x d/e/f; test -e ok', outs: [d]}\n",
    );
    sandbox.run(&["run"]).says(1);
    assert!(!sandbox.exists("d"));
    sandbox.write("ok", "");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.mode("d/e/f", 0o644);
    assert_eq!(sandbox.ran(&[]), ["a"], "the executable bit counts");
    std::fs::remove_dir(sandbox.path("d/empty")).unwrap();
    assert_eq!(sandbox.ran(&[]), ["a"], "an empty directory counts");
}

#[test]
fn a_dep_that_changes_while_its_stage_runs_is_noticed() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in > x; test -e once || { touch once; echo changed > in; }', deps: [in], outs: [x]}\n",
    );
    sandbox.write("in", "1\n");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("in changed while 'a' ran, so 'a' runs again next time"),
        "{said}"
    );
    assert_eq!(
        sandbox.run(&["status"]).prints(0),
        "run    a  in changed while the stage last ran (if its own command writes in, that is so each time)\n1 to run\n"
    );
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn ignored_files_that_somebody_put_into_an_out_are_kept() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir d; cat in > d/x; echo > d/made.pyc', deps: [in], outs: [d]}\n",
    );
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        !said.contains("warning"),
        "an ignored file that the stage made goes with the rest: {said}"
    );
    sandbox.write("d/mine.pyc", "precious");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("in", "3");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("it was moved to .playbook/playbook/kept/"),
        "{said}"
    );
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/d/mine.pyc"),
        "precious"
    );
}

#[test]
fn a_roll_back_that_fails_hides_neither_error() {
    // The command puts something into the way of its own former out.
    let stages = "  a: {cmd: 'cat in > d/x; test -e ok || { rm -r d; ln -s nowhere d; false; }', deps: [in], outs: [d/x]}\n";
    let sandbox = Sandbox::with_stages(stages);
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    sandbox.remove("ok");
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains(
            "exit status 1; and its former outs could not be brought back: the former d/x is gone: something removed it while the stage ran"
        ),
        "{said}"
    );
    sandbox.remove("d");
    sandbox.write("ok", "");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        !said.contains("cut off"),
        "nothing was left to put right: {said}"
    );
}

#[test]
fn an_absolute_path_to_what_the_playbook_lives_by_is_no_out() {
    let sandbox = Sandbox::new();
    let root = sandbox.root().display().to_string();
    sandbox.write("p.yaml", "k: 1\n");
    for own in [
        "playbook.yaml",
        "playbook.lock.yaml",
        "playbook.events.jsonl",
        ".playbookignore",
        "p.yaml",
    ] {
        let text = format!(
            "version: \"1.0\"\nname: t\nparams_files: [p.yaml]\nstages:\n  a: {{cmd: 'touch ran; echo > {root}/{own}', outs: ['{root}/{own}']}}\n"
        );
        sandbox.write("playbook.yaml", &text);
        let said = sandbox.run(&["run"]).says(2);
        assert!(
            said.contains("is or holds, on this disk, the playbook"),
            "{own}: {said}"
        );
        assert_eq!(sandbox.read("playbook.yaml"), text);
        assert!(!sandbox.exists("ran"), "{own}");
    }
    // A link to the directory is another way to it.
    std::os::unix::fs::symlink(".", sandbox.path("here")).unwrap();
    sandbox.stages("  a: {cmd: touch ran, outs: [here/playbook.yaml]}\n");
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("is or holds, on this disk, the playbook"),
        "{said}"
    );
    assert!(!sandbox.exists("ran"));
}
