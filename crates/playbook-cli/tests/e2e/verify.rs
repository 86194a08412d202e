//! `verify`: everything on record is read again, and each difference named.

use crate::support::{Sandbox, tree};

const STAGES: &str = "  a: {cmd: 'mkdir out && cp in out/x && cp in out/y', deps: [in], outs: [out]}\n  b: {cmd: cat out/* > all, deps: [out], outs: [all]}\n";

/// One in which both stages have run.
fn ran() -> Sandbox {
    let sandbox = Sandbox::with_stages(STAGES);
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox
}

#[test]
fn all_as_recorded() {
    let sandbox = ran();
    let before = tree(sandbox.root());
    assert_eq!(
        sandbox.run(&["verify"]).prints(0),
        "3 as recorded (read 4 files, 5 B, in 0.00 s)\n"
    );
    assert_eq!(sandbox.run(&["verify", "-q"]).prints(0), "");
    insta::assert_snapshot!(sandbox.run(&["lock", "--verify", "-v"]).prints(0), @"
    same     in: 1 B (read by 'a')
    same     out: 2 files, 2 B (made by 'a', read by 'b')
    same     all: 2 B (made by 'b')
    3 as recorded (read 4 files, 5 B, in 0.00 s)
    ");
    sandbox.run(&["verify", "--json"]).prints(0);
    assert_eq!(tree(sandbox.root()), before, "nothing was written");
}

#[test]
fn each_difference_is_named_down_to_the_file() {
    let sandbox = ran();
    sandbox.write("in", "2");
    sandbox.write("out/x", "22");
    sandbox.write("out/new", "");
    sandbox.remove("out/y");
    sandbox.remove("all");
    let ended = sandbox.run(&["verify"]);
    insta::assert_snapshot!(format!("{}{}", ended.stdout, ended.stderr), @"
    changed  in: contents changed (d63bd9a8 → 813e9b72), 1 B
             read by 'a'
    changed  out: 1 changed, 1 added, 1 removed (444ad554 → de89b4e3), 2 files, 2 B
             made by 'a', read by 'b'
             ~ out/x
             + out/new
             - out/y
    missing  all
             made by 'b'
    2 changed · 1 missing · 0 as recorded (read 3 files, 3 B, in 0.00 s)
      hint: 'playbook status' shows what would run because of it, 'playbook why STAGE' all that was compared
      hint: to keep the files as they are: 'playbook lock adopt STAGE'
    ");
    assert_eq!(ended.code, Some(4));
    insta::assert_snapshot!(sandbox.run(&["verify", "b"]).prints(4), @"
    changed  out: 1 changed, 1 added, 1 removed (444ad554 → de89b4e3), 2 files, 2 B
             read by 'b'
             ~ out/x
             + out/new
             - out/y
    missing  all
             made by 'b'
    1 changed · 1 missing · 0 as recorded (read 2 files, 2 B, in 0.00 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--json"]).prints(4), @r#"
    {"path":"in","result":"changed","made_by":[],"read_by":["a"],"recorded":{"hash":"blake3:d63bd9a826af91c1fea371965a64e11ee20f13e46b5f52c59901136605b3a487","file_count":1,"total_bytes":1},"found":{"kind":"file","hash":"blake3:813e9b729141e7f385afa0a2d0df3e6c3789e427ffe4aeef566a565bc8f2fe3d","file_count":1,"total_bytes":1}}
    {"path":"out","result":"changed","made_by":["a"],"read_by":["b"],"recorded":{"kind":"directory","hash":"blake3:444ad554bad5d5a7d14dc5839f4518ffdf145dac8c9bb5a930df5ccefcab8832","file_count":2,"total_bytes":2},"found":{"kind":"directory","hash":"blake3:de89b4e367b0bab67ee6139632f2cf02579b038a784d4b1dcf7e52ee726994ac","file_count":2,"total_bytes":2},"files":{"added":["new"],"removed":["y"],"changed":["x"]}}
    {"path":"all","result":"missing","made_by":["b"],"read_by":[],"recorded":{"hash":"blake3:c8400ea7a023c7fd1d766164129539e0fc0e9b20d4abd005734e52f47856287f","file_count":1,"total_bytes":2},"found":null}
    "#);
}

/// A changed file with the size and the times it had, which a stat cannot tell from the one that was recorded.
#[test]
fn no_stat_is_trusted() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    let times = std::fs::metadata(sandbox.path("x")).unwrap();
    sandbox.write("x", "2");
    let file = std::fs::File::options().write(true).open(sandbox.path("x"));
    file.unwrap()
        .set_modified(times.modified().unwrap())
        .unwrap();
    assert!(
        sandbox
            .run(&["verify"])
            .prints(4)
            .contains("changed  x: contents changed")
    );
}

#[test]
fn without_a_list_of_its_files_a_directory_is_told_by_digests_and_sizes() {
    let sandbox = ran();
    std::fs::remove_dir_all(sandbox.path(".playbook")).unwrap();
    sandbox.write("out/x", "22");
    insta::assert_snapshot!(sandbox.run(&["verify", "a"]).prints(4), @"
    changed  out: contents changed (444ad554 → 82b881aa), 2 files, 2 B → 2 files, 3 B
             made by 'a'
    1 changed · 1 as recorded (read 3 files, 4 B, in 0.00 s)
    ");
}

#[test]
fn a_file_that_became_a_directory_and_the_other_way_round() {
    let sandbox = ran();
    std::fs::remove_dir_all(sandbox.path("out")).unwrap();
    sandbox.write("out", "a file");
    sandbox.remove("all");
    sandbox.write("all/x", "");
    sandbox.remove("in");
    sandbox.fifo("in");
    insta::assert_snapshot!(sandbox.run(&["verify"]).prints(4), @"
    unread   '[ROOT]/in' is a fifo; only files, directories and symbolic links have a digest
             read by 'a'
    changed  out: was a directory, is a file now (444ad554 → 3e976d6a), 2 files, 2 B → 6 B
             made by 'a', read by 'b'
    changed  all: contents changed (c8400ea7 → da8deefd), 1 file, 2 B → a directory of 1 file, 0 B
             made by 'b'
    2 changed · 1 unread · 0 as recorded (read 2 files, 6 B, in 0.00 s)
    ");
}

#[test]
fn what_cannot_be_verified_is_said_and_is_no_difference() {
    let sandbox = Sandbox::with_stages(
        "  ok: {cmd: echo > x, outs: [x]}\n  bad: {cmd: exit 3, deps: [x], outs: [y]}\n  gone: {cmd: echo > z, outs: [z]}\n",
    );
    sandbox.run(&["run", "-k"]).says(1);
    sandbox.stages(
        "  ok: {cmd: echo > x, outs: [x]}\n  bad: {cmd: exit 3, deps: [x], outs: [y]}\n  new: {cmd: echo > w, outs: [w]}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["verify"]).prints(0), @"
    unknown  stage 'bad' failed when it ran last
    unknown  stage 'new' is not in the lock: it has not run yet
    unknown  stage 'gone' is no longer in the playbook
    1 as recorded · 3 stages not verified (read 1 file, 1 B, in 0.00 s)
    ");
    insta::assert_snapshot!(sandbox.run(&["verify", "--json"]).prints(0), @r#"
    {"path":"x","result":"same","made_by":["ok"],"read_by":[],"recorded":{"hash":"blake3:295192ea1ec8566d563b1a7587e5f0198580cdbd043842f5090a4c197c20c67a","file_count":1,"total_bytes":1},"found":{"kind":"file","hash":"blake3:295192ea1ec8566d563b1a7587e5f0198580cdbd043842f5090a4c197c20c67a","file_count":1,"total_bytes":1}}
    {"stage":"bad","result":"unknown","because":"not_completed","status":"failed"}
    {"stage":"new","result":"unknown","because":"not_in_lock"}
    {"stage":"gone","result":"unknown","because":"not_in_playbook"}
    "#);
}

#[test]
fn a_stage_that_was_cut_off_is_unknown_and_its_old_outs_count_for_others() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  b: {cmd: cp x y, deps: [x], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    let mut command = sandbox.command(&["run", "-j1"]);
    command.env("PLAYBOOK_TEST_FAULTS", "kill-at=outs-made:1");
    assert_eq!(sandbox.finish(command).code, None);
    assert_eq!(sandbox.read("x"), "2");
    let before = tree(sandbox.root());
    insta::assert_snapshot!(sandbox.run(&["verify"]).prints(0), @"
    unknown  stage 'a' was interrupted when it ran last
    2 as recorded · 1 stage not verified (read 2 files, 2 B, in 0.00 s)
    ");
    assert_eq!(tree(sandbox.root()), before, "nothing was written");
}

#[test]
fn no_lock_and_no_such_stage() {
    let sandbox = Sandbox::with_stages(STAGES);
    insta::assert_snapshot!(sandbox.run(&["verify"]).says(2), @"
    error: there is no lock file [ROOT]/playbook.lock.yaml yet
      hint: 'playbook run' writes it when a stage has run
    ");
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    insta::assert_snapshot!(sandbox.run(&["verify", "c"]).says(2), @"
    error: 'c' selects nothing: no stage has this name and none makes this path
      hint: 'playbook list' shows the stages
    ");
}

#[test]
fn names_of_others_do_no_harm() {
    let sandbox = ran();
    sandbox.write("out/\u{1b}[31mred\n", "");
    let printed = sandbox.run(&["verify", "a"]).prints(4);
    assert!(printed.contains("+ out/\\x1b[31mred\\n"), "{printed}");
}
