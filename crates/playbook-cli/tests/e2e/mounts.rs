//! Other file systems at, above and inside outs: what is on them is not ours to lose.

use crate::support::{Sandbox, tree};

/// A stage that makes a directory from a dep, and fails unless there is a file `ok`.
fn makes(out: &str) -> Sandbox {
    let sandbox = Sandbox::with_stages(&format!(
        "  a: {{cmd: 'mkdir {out}; cat in > {out}/made; test -e ok', deps: [in], outs: [{out}]}}\n"
    ));
    sandbox.write("in", "1");
    sandbox
}

/// As [`makes`], where it has run and has to run again.
fn made(out: &str) -> Sandbox {
    let sandbox = makes(out);
    sandbox.write("ok", "");
    let parent = sandbox.path(out);
    std::fs::create_dir_all(parent.parent().unwrap()).unwrap();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    sandbox
}

/// What a message says something is now.
fn kept_at(said: &str) -> Vec<&str> {
    let told = said.split("it was moved to ").skip(1);
    told.map(|rest| rest.lines().next().unwrap()).collect()
}

#[test]
fn an_out_that_is_a_mount_point_is_refused_and_left_alone() {
    for mount in ["mount -t tmpfs none d", "mount --bind backing d"] {
        let sandbox = makes("d");
        sandbox.write("ok", "");
        sandbox.write("d/below", "under the mount");
        sandbox.write("backing/keep", "");
        let script = format!(
            "set -e\n{mount}\nmkdir d/sub\necho precious > d/sub/file\nset +e\n\"$0\" run\ncode=$?\ncat d/sub/file\nls -A d .\nexit $code"
        );
        let Some(ended) = sandbox.with_mounts(&script) else {
            return;
        };
        let refused = "d is a mount point and cannot be set aside; name a directory inside it as the out, or mark it 'persist: true'";
        assert!(ended.stderr.contains(refused), "{}", ended.stderr);
        let printed = ended.prints(1);
        assert!(printed.starts_with("precious\n"), "{printed}");
        assert!(
            !printed.contains(".playbook-"),
            "nothing is left about: {printed}"
        );
        assert_eq!(sandbox.read("d/below"), "under the mount");
    }
}

#[test]
fn a_file_that_is_a_mount_point_is_refused_and_left_alone() {
    let sandbox =
        Sandbox::with_stages("  a: {cmd: 'echo made > first; echo made > x', outs: [first, x]}\n");
    sandbox.write("first", "mine");
    sandbox.write("x", "below");
    sandbox.write("backing", "precious");
    let script = "mount --bind backing x || exit 9\n\"$0\" run\ncode=$?\ncat x\nexit $code";
    let Some(ended) = sandbox.with_mounts(script) else {
        return;
    };
    assert!(
        ended.stderr.contains("x is a mount point"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.prints(1), "precious");
    assert_eq!(sandbox.read("first"), "mine", "the other out is untouched");
    assert_eq!(
        (sandbox.read("x"), sandbox.read("backing")),
        ("below".to_owned(), "precious".to_owned())
    );
}

#[test]
fn an_out_that_persists_may_be_a_mount_point() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in >> d/log', deps: [in], outs: [{path: d, persist: true}]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("d/keep", "");
    let script = "set -e\nmount -t tmpfs none d\n\"$0\" run\nprintf 2 > in\n\"$0\" run\ncat d/log";
    let Some(ended) = sandbox.with_mounts(script) else {
        return;
    };
    assert_eq!(ended.prints(0), "12");
}

/// Everything a stage may do with an out `there/d`, where `there` is another file system: the user's own comes back
/// when the stage fails and is kept beside it when it does not; what failed stages leave does not pile up.
const ELSEWHERE: &str = "
set -e
mkdir there/d
echo precious > there/d/mine
set +e
\"$0\" run; echo \"code $?\" >&2
cp -a there failed
\"$0\" run; echo \"code $?\" >&2
cp -a there twice
> ok
\"$0\" run; echo \"code $?\" >&2
cp -a there done
\"$0\" run; echo \"code $?\" >&2
printf 2 > in
\"$0\" run; echo \"code $?\" >&2
cp -a there again
";

fn elsewhere(mount: &str, out: &str) -> Option<(Sandbox, String)> {
    let sandbox = Sandbox::with_stages(&format!(
        "  a: {{cmd: 'mkdir {out}; cat in > {out}/made; test -e ok', deps: [in], outs: [{out}]}}\n"
    ))
    .real_clock();
    sandbox.write("in", "1");
    sandbox.write("there/below", "");
    sandbox.write("backing/keep", "");
    let ended = sandbox.with_mounts(&format!("{mount} || exit 9\n{ELSEWHERE}"))?;
    let said = ended.says(0);
    let codes: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("code "))
        .collect();
    assert_eq!(
        codes,
        ["code 1", "code 1", "code 0", "code 0", "code 0"],
        "{said}"
    );
    Some((sandbox, said))
}

/// The names with which outs and what is kept of them begin.
fn reserved(sandbox: &Sandbox, directory: &str) -> Vec<String> {
    let names = sandbox.names(directory).into_iter();
    names
        .filter(|name| name.starts_with(".playbook-"))
        .collect()
}

fn is_kept_beside(sandbox: &Sandbox, said: &str) {
    for failed in ["failed", "twice"] {
        assert_eq!(sandbox.read(&format!("{failed}/d/mine")), "precious\n");
        assert!(!sandbox.exists(&format!("{failed}/d/made")));
    }
    assert_eq!(sandbox.read("done/d/made"), "1");
    assert_eq!(sandbox.read("again/d/made"), "2");
    let kept = kept_at(said);
    let mine: Vec<&&str> = kept
        .iter()
        .filter(|path| path.contains(".playbook-kept-"))
        .collect();
    assert_eq!(mine.len(), 1, "the user's own, once: {said}");
    let name = mine[0].rsplit('/').next().unwrap();
    for later in ["done", "again"] {
        assert_eq!(sandbox.read(&format!("{later}/{name}/mine")), "precious\n");
    }
    assert!(
        said.contains("1 cached"),
        "what is kept beside an out is not seen: {said}"
    );
}

#[test]
fn on_another_file_system_what_is_kept_stays_beside_the_out() {
    if let Some((sandbox, said)) = elsewhere("mount -t tmpfs none there", "there/d") {
        is_kept_beside(&sandbox, &said);
    }
}

#[test]
fn on_another_mount_of_the_same_file_system_what_is_kept_stays_beside_the_out() {
    // Renaming between mounts is refused although it is one device.
    if let Some((sandbox, said)) = elsewhere("mount --bind backing there", "there/d") {
        is_kept_beside(&sandbox, &said);
        assert!(!sandbox.exists(".playbook/playbook/kept/there"));
        let state = sandbox.path(".playbook/playbook");
        let strewn = tree(&state).into_keys().filter(|name| {
            let name = name.to_string_lossy();
            name.contains("/kept/") && name.ends_with("/d")
        });
        assert_eq!(
            strewn.count(),
            0,
            "no empty copy where it could not be moved to"
        );
    }
}

#[test]
fn with_the_state_elsewhere_what_is_kept_stays_beside_the_out() {
    let mount = "mkdir .playbook && mount -t tmpfs none .playbook";
    if let Some((sandbox, said)) = elsewhere(mount, "there/d") {
        is_kept_beside(&sandbox, &said);
    }
}

#[test]
fn what_failed_stages_left_beside_an_out_does_not_pile_up() {
    let Some((sandbox, _)) = elsewhere("mount -t tmpfs none there", "there/d") else {
        return;
    };
    let left = |directory: &str| {
        let names = reserved(&sandbox, directory).into_iter();
        names.filter(|name| name.contains("failed")).count()
    };
    assert_eq!(left("failed"), 1, "it is there to be looked at");
    assert_eq!(left("twice"), 1, "until the stage runs next");
    assert_eq!(left("done"), 0, "until the stage runs next");
}

#[test]
fn an_absolute_path_on_another_file_system_is_an_out_like_any_other() {
    let other = Sandbox::new();
    other.write("keep", "");
    let out = other.path("d").to_str().unwrap().to_owned();
    let sandbox = makes(&out);
    let script = format!(
        "set -e\nmount -t tmpfs none '{other}'\nmkdir '{out}'\necho precious > '{out}/mine'\nset +e\n\"$0\" run; cat '{out}/mine'\n> ok\n\"$0\" run || exit 8\ncat '{out}/made' '{other}'/.playbook-kept-*/mine",
        other = other.root().display()
    );
    let Some(ended) = sandbox.with_mounts(&script) else {
        return;
    };
    assert!(
        ended.stderr.contains("/.playbook-kept-0192f3c1-0000-d\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.prints(0), "precious\n1precious\n");
}

#[test]
fn what_is_mounted_inside_an_old_out_is_not_lost() {
    for hide in ["", "mount -t tmpfs none /proc\n"] {
        let sandbox = made("d");
        sandbox.write("mine/file", "precious");
        let script = format!(
            "set -e\nmkdir -p d/sub/mnt\nmount --bind mine d/sub/mnt\n{hide}set +e\n\"$0\" run\ncode=$?\nexit $code"
        );
        let Some(ended) = sandbox.with_mounts(&script) else {
            return;
        };
        assert_eq!(sandbox.read("mine/file"), "precious", "{}", ended.stderr);
        if hide.is_empty() {
            let refused = "[ROOT]/d/sub/mnt is a mount point inside the out d, which is set aside and made anew; unmount it";
            assert!(ended.stderr.contains(refused), "{}", ended.stderr);
            assert_eq!(sandbox.read("d/made"), "1", "nothing was touched");
            ended.says(1);
        }
        // Once it is unmounted nothing is left to be done by hand.
        sandbox.run(&["run"]).says(0);
        assert_eq!(sandbox.read("d/made"), "2");
        assert_eq!(sandbox.read("mine/file"), "precious");
    }
}

#[test]
fn what_a_stage_mounts_into_its_own_out_is_not_lost() {
    // It is in the way of the next run, whether the stage succeeded or failed.
    for ok in [true, false] {
        let sandbox = Sandbox::with_stages(
            "  a: {cmd: 'mkdir -p d/mnt; mount --bind mine d/mnt; cp in d; test -e ok', deps: [in], outs: [d]}\n",
        );
        sandbox.write("mine/file", "precious");
        sandbox.write("in", "1");
        if ok {
            sandbox.write("ok", "");
        }
        let script = "\"$0\" run; echo \"code $?\"\nprintf 2 > in\n\"$0\" run; echo \"code $?\"\n\"$0\" run; echo \"code $?\"";
        let Some(ended) = sandbox.with_mounts(script) else {
            return;
        };
        assert_eq!(sandbox.read("mine/file"), "precious", "{}", ended.stderr);
        let said = ended.stderr.clone();
        assert!(said.contains("mount"), "{said}");
        assert!(!ended.prints(0).contains("code 2"), "{said}");
        assert_eq!(sandbox.read("mine/file"), "precious");
    }
}

#[test]
fn a_read_only_file_system_around_an_out_loses_nothing() {
    let sandbox = made("o/d");
    sandbox.write("o/d/mine", "precious");
    let before = tree(&sandbox.path("o"));
    let script = "mount --bind o o && mount -o remount,bind,ro o || exit 9\n\"$0\" run";
    let Some(ended) = sandbox.with_mounts(script) else {
        return;
    };
    assert!(ended.stderr.contains("[ROOT]/o/d"), "{}", ended.stderr);
    assert!(
        ended.stderr.to_lowercase().contains("read-only"),
        "{}",
        ended.stderr
    );
    ended.says(6);
    assert_eq!(tree(&sandbox.path("o")), before);
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("o/d/made"), "2");
    assert_eq!(
        sandbox.read(".playbook/playbook/kept/0192f3c1-0000/a/o/d/mine"),
        "precious"
    );
}

#[test]
fn a_directory_that_can_only_be_moved_entry_by_entry_is_kept_and_comes_back() {
    // Directories of the lower layer of an overlay cannot be renamed.
    let sandbox = Sandbox::new();
    sandbox.write(
        "lower/playbook.yaml",
        "version: \"1.0\"\nname: t\nstages:\n  a: {cmd: 'mkdir d; cat in > d/made; test -e ok', deps: [in], outs: [d]}\n",
    );
    sandbox.write("lower/in", "1");
    sandbox.write("lower/d/sub/mine", "precious");
    sandbox.write("lower/d/-odd \n", "precious too");
    std::os::unix::fs::symlink("sub/mine", sandbox.path("lower/d/link")).unwrap();
    std::fs::create_dir(sandbox.path("lower/d/empty")).unwrap();
    sandbox.mode("lower/d/sub", 0o750);
    let before = tree(&sandbox.path("lower/d"));
    sandbox.write("out/keep", "");
    sandbox.write("space/keep", "");
    let script = format!(
        "\
LOWER='{root}/lower'
OUT='{root}/out'
mount -t tmpfs none space && cd space || exit 9
mkdir upper work merged
LAYERS=\"lowerdir=$LOWER,upperdir=upper,workdir=work\"
mount -t overlay none -o \"$LAYERS,userxattr\" merged || mount -t overlay none -o \"$LAYERS\" merged || exit 9
cd merged
\"$0\" run; echo \"code $?\"
cp -a d \"$OUT/failed\"
> ok
\"$0\" run; echo \"code $?\"
cp -a d \"$OUT/done\"
cp -a .playbook/playbook/kept/0192f3c1-0000/a/d \"$OUT/kept\"",
        root = sandbox.root().display()
    );
    let Some(ended) = sandbox.with_mounts(&script) else {
        return;
    };
    if ended.code == Some(9) {
        crate::support::skip("no overlay can be mounted here");
        return;
    }
    assert_eq!(ended.stdout, "code 1\ncode 0\n", "{}", ended.stderr);
    assert_eq!(tree(&sandbox.path("out/failed")), before, "it came back");
    assert_eq!(tree(&sandbox.path("out/kept")), before, "it is kept");
    assert_eq!(sandbox.read("out/done/made"), "1");
    ended.says(0);
}
