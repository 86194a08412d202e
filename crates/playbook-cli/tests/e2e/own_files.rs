//! Files of the user's where stages make theirs: never lost, and the run says where they are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, Tree, tree};

/// Where a run keeps what it found.
const KEPT: &str = ".playbook/playbook/kept/0192f3c1-0000/a";

/// A directory of a person who names files as they please.
fn odd_files(sandbox: &Sandbox, directory: &str) -> Tree {
    let long = "n".repeat(200);
    for name in [
        "my file",
        "it's \"mine\"",
        "new\nline",
        "-rf",
        "*",
        "$HOME",
        &long,
    ] {
        sandbox.write(&format!("{directory}/{name}"), name);
    }
    let top = sandbox.path(directory);
    let not_text = top.join(OsStr::from_bytes(b"not \xff text"));
    fs::create_dir(&not_text).unwrap();
    fs::copy(top.join("-rf"), not_text.join(OsStr::from_bytes(b"\xfe"))).unwrap();
    fs::create_dir(top.join("empty")).unwrap();
    symlink("nowhere", top.join("dangling")).unwrap();
    symlink("..", top.join("up")).unwrap();
    sandbox.mode(&format!("{directory}/my file"), 0o600);
    sandbox.mode(&format!("{directory}/*"), 0o755);
    sandbox.mode(&format!("{directory}/empty"), 0o700);
    tree(&top)
}

/// A stage that makes a directory, and fails unless there is a file `ok`.
const MAKES_D: &str = "  a: {cmd: 'mkdir d; cat in > d/made; test -e ok', deps: [in], outs: [d]}\n";

#[test]
fn a_directory_of_the_users_is_kept_as_it_was_or_comes_back_as_it_was() {
    let sandbox = Sandbox::with_stages(MAKES_D);
    sandbox.write("in", "1");
    let before = odd_files(&sandbox, "d");
    sandbox.run(&["run"]).says(1);
    assert_eq!(tree(&sandbox.path("d")), before, "the stage failed");
    sandbox.write("ok", "");
    let said = sandbox.run(&["run"]).says(0);
    let told = format!(
        "warning: d/ as it was is not what a recorded run of stage 'a' made; in case you need it, it was moved to {KEPT}/d\n"
    );
    assert!(said.contains(&told), "{said}");
    assert_eq!(tree(&sandbox.path(&format!("{KEPT}/d"))), before);
    assert_eq!(sandbox.names("d"), ["made"]);
}

#[test]
fn a_directory_that_somebody_added_to_is_kept_as_it_was() {
    let sandbox = Sandbox::with_stages(MAKES_D);
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    sandbox.ran(&[]);
    let before = odd_files(&sandbox, "d");
    sandbox.write("in", "2");
    sandbox.remove("ok");
    sandbox.run(&["run"]).says(1);
    assert_eq!(tree(&sandbox.path("d")), before, "the stage failed");
    sandbox.write("ok", "");
    sandbox.run(&["run"]).says(0);
    assert_eq!(tree(&sandbox.path(&format!("{KEPT}/d"))), before);
}

#[test]
fn odd_files_that_the_stage_made_go_and_come_back_with_its_directory() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cp -a from d; cat in > d/in; test -e ok', deps: [in, from], outs: [d]}\n",
    );
    odd_files(&sandbox, "from");
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    let made = tree(&sandbox.path("d"));
    sandbox.write("in", "2");
    sandbox.remove("ok");
    sandbox.run(&["run"]).says(1);
    assert_eq!(tree(&sandbox.path("d")), made);
    sandbox.write("ok", "");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        !said.contains("warning"),
        "its own work is not kept: {said}"
    );
    assert!(!sandbox.exists(".playbook/playbook/kept"));
    let odd = Path::new("from").join(OsStr::from_bytes(b"not \xff text/\xfe"));
    fs::copy(sandbox.path("ok"), sandbox.root().join(odd)).unwrap();
    assert_eq!(sandbox.ran(&[]), ["a"], "a file that has no name in text");
}

#[test]
fn outs_with_odd_names_are_kept_and_come_back() {
    let long = "n".repeat(255);
    let names = ["my file", "it's", "new\nline", "-rf", "*", "%s$HOME", &long];
    for name in names {
        let sandbox = Sandbox::new();
        let out = serde_json::to_string(&format!("o/{name}")).unwrap();
        let stages = format!(
            "  a:\n    cmd: 'cat in > {{{{outs[0].path}}}}; test -e ok'\n    deps: [in]\n    outs: [{out}]\n"
        );
        sandbox.stages(&stages);
        sandbox.write("in", "1");
        let path = format!("o/{name}");
        sandbox.write(&path, "mine");
        sandbox.run(&["run"]).says(1);
        assert_eq!(sandbox.read(&path), "mine", "{name}");
        sandbox.write("ok", "");
        sandbox.run(&["run"]).says(0);
        assert_eq!(sandbox.read(&path), "1", "{name}");
        let kept = sandbox.names(&format!("{KEPT}/o"));
        assert_eq!(kept.len(), 1, "{name}");
        assert_eq!(
            sandbox.read(&format!("{KEPT}/o/{}", kept[0])),
            "mine",
            "{name}"
        );
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_stage_with_a_long_name_has_outs_like_any_other() {
    for length in [100, 200] {
        let name = "s".repeat(length);
        let stages = format!("  {name}: {{cmd: cp in x, deps: [in], outs: [x]}}\n");
        let sandbox = Sandbox::with_stages(&stages);
        sandbox.write("in", "1");
        sandbox.write("x", "mine");
        sandbox.run(&["run"]).says(0);
        sandbox.write("in", "2");
        sandbox.run(&["run"]).says(0);
        assert_eq!(sandbox.read("x"), "2");
        let kept = format!(".playbook/playbook/kept/0192f3c1-0000/{name}/x");
        assert_eq!(sandbox.read(&kept), "mine");
    }
}

#[test]
fn links_to_a_directory_and_to_nothing_are_refused_and_left_alone() {
    for (link, to) in [("to a directory", "elsewhere"), ("dangling", "nowhere")] {
        let sandbox = Sandbox::with_stages(
            "  a: {cmd: 'echo made > first; echo made > x', outs: [first, x]}\n",
        );
        sandbox.write("elsewhere/precious", "mine");
        sandbox.write("first", "mine too");
        symlink(to, sandbox.path("x")).unwrap();
        let said = sandbox.run(&["run"]).says(1);
        let expected = format!(
            "x is a symbolic link to {to} that the stage did not make; name the target as the out, or remove the link"
        );
        assert!(said.contains(&expected), "{link}: {said}");
        assert_eq!(fs::read_link(sandbox.path("x")).unwrap(), Path::new(to));
        assert_eq!(sandbox.read("elsewhere/precious"), "mine");
        assert_eq!(
            sandbox.read("first"),
            "mine too",
            "the other out is untouched"
        );
        assert!(!sandbox.exists("nowhere"), "nothing was made through it");
    }
}

#[test]
fn a_link_the_stage_made_that_somebody_turned_elsewhere_is_refused() {
    let sandbox = Sandbox::with_stages("  a: {cmd: ln -s in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox.write("mine", "precious");
    sandbox.ran(&[]);
    sandbox.remove("x");
    symlink("mine", sandbox.path("x")).unwrap();
    let said = sandbox.run(&["run"]).says(1);
    assert!(said.contains("x is a symbolic link to mine"), "{said}");
    assert_eq!(sandbox.read("mine"), "precious");
    assert_eq!(fs::read_link(sandbox.path("x")).unwrap(), Path::new("mine"));
}

#[test]
fn links_inside_a_directory_that_goes_are_not_followed() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir d; ln -s ../mine d/dir; ln -s ../mine/file d/file; cp in d', deps: [in], outs: [d]}\n",
    );
    sandbox.write("mine/file", "precious");
    for contents in ["1", "2", "3"] {
        sandbox.write("in", contents);
        assert_eq!(sandbox.ran(&[]), ["a"]);
    }
    assert_eq!(sandbox.read("mine/file"), "precious");
    assert!(
        !sandbox.exists(".playbook/playbook/kept"),
        "the links are the stage's own"
    );
}

#[test]
fn an_out_elsewhere_is_kept_and_comes_back() {
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = elsewhere.path().join("deep/x");
    let outs: [(PathBuf, &str); 2] = [
        (absolute.clone(), absolute.to_str().unwrap()),
        (PathBuf::from("beside/x"), "../beside/x"),
    ];
    for (place, out) in outs {
        let sandbox = Sandbox::new();
        sandbox.write(
            "root/playbook.yaml",
            &format!(
                "version: \"1.0\"\nname: t\nstages:\n  a: {{cmd: 'cat in > {out}; test -e ok', deps: [in], outs: ['{out}']}}\n"
            ),
        );
        sandbox.write("root/in", "1");
        let place = place.to_str().unwrap();
        sandbox.write(place, "mine");
        let in_root = |code: i32| {
            let mut command = sandbox.command(&["run"]);
            command.current_dir(sandbox.path("root"));
            sandbox.finish(command).says(code)
        };
        in_root(1);
        assert_eq!(sandbox.read(place), "mine", "{out}");
        sandbox.write("root/ok", "");
        let said = in_root(0);
        assert_eq!(sandbox.read(place), "1", "{out}");
        let kept = said
            .split("it was moved to ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        let kept = kept.replace("[ROOT]", &sandbox.root().to_string_lossy());
        let kept = sandbox.path("root").join(kept);
        assert_eq!(fs::read_to_string(kept).unwrap(), "mine", "{out}: {said}");
        sandbox.write("root/in", "2");
        sandbox.remove("root/ok");
        in_root(1);
        assert_eq!(sandbox.read(place), "1", "{out}");
        let beside = Path::new(place)
            .parent()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(sandbox.names(&beside), ["x"], "{out}");
    }
}

/// Runs the playbook as somebody whom permissions stop: root has to give up being all-powerful first.
fn run_as_an_ordinary_user(sandbox: &Sandbox) -> crate::support::Ended {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = sandbox.by(&["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]);
        command.arg("run");
        command
    } else {
        sandbox.command(&["run"])
    };
    command.env("HOME", sandbox.root());
    sandbox.finish(command)
}

#[test]
fn a_directory_that_cannot_be_written_around_an_out_loses_nothing() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in > o/x; cat in > ro/y', deps: [in], outs: [o/x, ro/y]}\n",
    );
    sandbox.write("ro/readme", "");
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("o/x", "edited");
    sandbox.write("in", "2");
    sandbox.mode("ro", 0o555);
    let ended = run_as_an_ordinary_user(&sandbox);
    assert!(matches!(ended.code, Some(1 | 6)), "{}", ended.stderr);
    assert!(ended.stderr.contains("ro/y"), "{}", ended.stderr);
    assert!(
        ended.stderr.to_lowercase().contains("permission denied"),
        "{}",
        ended.stderr
    );
    assert_eq!(sandbox.read("o/x"), "edited", "the other out is back");
    assert_eq!(sandbox.read("ro/y"), "1");
    assert_eq!(sandbox.names("o"), ["x"]);
    sandbox.mode("ro", 0o755);
    run_as_an_ordinary_user(&sandbox).says(0);
    assert_eq!(sandbox.read("ro/y"), "2");
    assert_eq!(sandbox.read(&format!("{KEPT}/o/x")), "edited");
}

#[test]
fn a_directory_that_its_stage_made_read_only_goes_with_its_contents() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir -p d/e; cp in d/e/f; chmod a-w d/e/f d/e d', deps: [in], outs: [d]}\n",
    );
    for contents in ["1", "2"] {
        sandbox.write("in", contents);
        run_as_an_ordinary_user(&sandbox).says(0);
    }
    assert_eq!(sandbox.read("d/e/f"), "2");
    assert_eq!(
        sandbox.names("."),
        [
            ".playbook",
            "d",
            "in",
            "playbook.events.jsonl",
            "playbook.lock.yaml",
            "playbook.yaml"
        ]
    );
    assert!(!sandbox.exists(".playbook/playbook/kept"));
    // So that whoever cleans up after this test can.
    sandbox.mode("d", 0o755);
    sandbox.mode("d/e", 0o755);
}

#[test]
fn a_stage_that_fails_after_it_made_its_out_read_only_gives_the_former_one_back() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir d; cp in d/made; chmod a-w d; test -e ok', deps: [in], outs: [d]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    run_as_an_ordinary_user(&sandbox).says(0);
    sandbox.write("in", "2");
    sandbox.remove("ok");
    let said = run_as_an_ordinary_user(&sandbox).says(1);
    assert!(said.contains("the previous d was kept"), "{said}");
    assert_eq!(sandbox.read("d/made"), "1");
    sandbox.write("ok", "");
    run_as_an_ordinary_user(&sandbox).says(0);
    assert_eq!(sandbox.read("d/made"), "2");
    assert!(!sandbox.exists(".playbook/playbook/failed/a"));
}

#[test]
fn a_read_only_directory_of_the_users_is_kept() {
    let sandbox = Sandbox::with_stages(MAKES_D);
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    sandbox.write("d/precious", "mine");
    sandbox.mode("d", 0o555);
    let said = run_as_an_ordinary_user(&sandbox).says(0);
    let told = said
        .split("it was moved to ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    assert_eq!(sandbox.read(&format!("{told}/precious")), "mine");
    let mode = sandbox.path(told).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o555, "as it was");
    assert_eq!(sandbox.names("d"), ["made"]);
    sandbox.mode(told, 0o755);
}

#[test]
fn a_file_of_the_users_where_a_directory_should_be_is_left_alone() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'echo > o/x', outs: [o/x]}\n");
    sandbox.write("o", "mine");
    let ended = sandbox.run(&["run"]);
    assert!(matches!(ended.code, Some(1 | 6)), "{}", ended.stderr);
    assert!(ended.stderr.contains("[ROOT]/o"), "{}", ended.stderr);
    assert_eq!(sandbox.read("o"), "mine");
}

#[test]
fn what_changed_its_kind_is_kept_and_comes_back() {
    // The user has a directory where the stage made a file, and a file where it made a directory.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cp in f; mkdir d; cp in d; test -e ok', deps: [in], outs: [f, d]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("ok", "");
    sandbox.ran(&[]);
    sandbox.remove("f");
    sandbox.remove("d/in");
    fs::remove_dir(sandbox.path("d")).unwrap();
    sandbox.write("f/mine", "1");
    sandbox.write("d", "mine");
    sandbox.remove("ok");
    sandbox.run(&["run"]).says(1);
    assert_eq!(
        (sandbox.read("f/mine"), sandbox.read("d")),
        ("1".to_owned(), "mine".to_owned())
    );
    sandbox.write("ok", "");
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read(&format!("{KEPT}/f/mine")), "1");
    assert_eq!(sandbox.read(&format!("{KEPT}/d")), "mine");
}

#[test]
fn what_was_kept_when_a_run_died_is_told_by_the_next_one() {
    for point in ["outs-aside", "outs-made", "recorded", "old-outs-gone"] {
        let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
        sandbox.write("in", "1");
        sandbox.write("x", "mine");
        let mut command = sandbox.command(&["run"]);
        command.env("PLAYBOOK_TEST_FAULTS", format!("kill-at={point}:1"));
        assert_eq!(sandbox.finish(command).code, None, "it dies at {point}");
        let said = sandbox.run(&["run"]).says(0);
        assert_eq!(sandbox.read("x"), "1", "{point}");
        assert_eq!(sandbox.read(&format!("{KEPT}/x")), "mine", "{point}");
        assert!(said.contains(&format!("{KEPT}/x")), "{point}: {said}");
    }
}
