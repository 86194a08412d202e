//! Data that changes while it is being looked at, or behind the back of those who made it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;

use rustix::process::Signal;

use crate::support::{Live, Sandbox, started, until};

/// Gives one file the times of another, and its place.
fn replace_unseen(sandbox: &Sandbox, path: &str, text: &str) {
    let (old, new) = (sandbox.path(path), sandbox.path("replacement"));
    sandbox.write("replacement", text);
    let was = fs::metadata(&old).unwrap();
    assert_eq!(was.len(), text.len() as u64);
    let times = fs::FileTimes::new().set_modified(was.modified().unwrap());
    let file = OpenOptions::new().write(true).open(&new).unwrap();
    file.set_times(times).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::rename(new, old).unwrap();
}

/// Something done to a file or directory `in`.
type Edit = (&'static str, fn(&Sandbox));

const EDITS: [Edit; 4] = [
    ("a file added", |sandbox| sandbox.write("in/new", "")),
    ("a file removed", |sandbox| sandbox.remove("in/one")),
    ("a file replaced unseen", |sandbox| {
        replace_unseen(sandbox, "in/one", "uno");
    }),
    ("everything removed", |sandbox| {
        fs::remove_dir_all(sandbox.path("in")).unwrap();
    }),
];

#[test]
fn a_dep_that_moves_while_its_stage_runs_takes_away_the_key() {
    for (what, edit) in EDITS {
        let sandbox = Sandbox::with_stages(
            "  a: {cmd: 'ls in > x; echo up > up; read line < hold', deps: [in], outs: [x]}\n",
        );
        sandbox.write("in/one", "one");
        sandbox.write("in/two", "two");
        let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let run = sandbox.live(&["run"]);
        up.hear();
        edit(&sandbox);
        hold.tell("go on");
        let said = run.ended().says(0);
        let told = "in changed while 'a' ran, so 'a' runs again next time";
        assert!(said.contains(told), "{what}: {said}");
        assert_eq!(sandbox.read("x"), "one\ntwo\n", "{what}: the result stands");
        let lock = sandbox.read("playbook.lock.yaml");
        assert!(!lock.contains("cache_key"), "{what}: {lock}");
        sandbox.write("in/one", "one");
        let status = sandbox.run(&["status"]).prints(0);
        let reason = "run    a  in changed while the stage last ran (if its own command writes in, that is so each time)\n1 to run\n";
        assert_eq!(status, reason, "{what}");
        hold.tell("go on");
        assert_eq!(sandbox.ran(&[]), ["a"], "{what}");
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_dep_that_moves_before_its_stage_is_decided_is_read_as_it_is_then() {
    // The first stage has read it, too, and the run knows its digest already.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo made > x; echo up > up; read line < hold', deps: [in], outs: [x]}\n  b: {cmd: cp in y, deps: [in, x], outs: [y]}\n",
    );
    sandbox.write("in", "one");
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run"]);
    up.hear();
    replace_unseen(&sandbox, "in", "two");
    hold.tell("go on");
    run.ended().says(0);
    assert_eq!(sandbox.read("y"), "two");
    hold.tell("go on");
    assert_eq!(sandbox.ran(&[]), ["a"], "b has read what is there now");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn what_is_replaced_with_equal_size_and_time_is_seen() {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "one");
    sandbox.ran(&[]);
    replace_unseen(&sandbox, "in", "two");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.read("x"), "two");
    replace_unseen(&sandbox, "x", "owt");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("x was modified since it was made"), "{said}");
    assert_eq!(sandbox.read("x"), "two");
    replace_unseen(&sandbox, "x", "two");
    replace_unseen(&sandbox, "in", "two");
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "the same bytes are no change"
    );
}

#[test]
fn an_output_that_another_program_touched_is_made_anew_and_what_it_had_become_is_kept() {
    let edits: [Edit; 4] = [
        ("appended to", |sandbox| sandbox.write("d/x", "made\nmore")),
        ("added to", |sandbox| sandbox.write("d/new", "")),
        ("made executable", |sandbox| sandbox.mode("d/x", 0o755)),
        ("emptied", |sandbox| sandbox.remove("d/x")),
    ];
    for (what, edit) in edits {
        let sandbox = Sandbox::with_stages("  a: {cmd: 'mkdir d; echo made > d/x', outs: [d]}\n");
        sandbox.ran(&[]);
        edit(&sandbox);
        let said = sandbox.run(&["run"]).says(0);
        assert!(
            said.contains("d/ was modified since it was made: 1 file "),
            "{what}: {said}"
        );
        assert!(
            said.contains("it was moved to .playbook/playbook/kept/"),
            "{what}: {said}"
        );
        assert_eq!(sandbox.names("d"), ["x"], "{what}");
        assert_eq!(sandbox.read("d/x"), "made\n", "{what}");
    }
}

#[test]
fn an_output_that_a_later_stage_of_the_same_run_changes_is_never_taken_for_what_was_made() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo made > x', outs: [x]}\n  b: {cmd: 'test -e off || echo changed >> x; echo > mark', after: [a], outs: [mark]}\n  c: {cmd: cp x z, deps: [x, mark], outs: [z]}\n",
    )
    .real_clock();
    assert_eq!(sandbox.ran(&[]), ["a", "b", "c"]);
    assert_eq!(sandbox.read("z"), "made\nchanged\n");
    let status = sandbox.run(&["status"]).prints(0);
    assert!(
        status.contains("run    a  x was modified since it was made"),
        "{status}"
    );
    assert_eq!(sandbox.ran(&[]), ["a", "b"], "c reads what it read before");
    sandbox.write("off", "");
    assert_eq!(sandbox.ran(&[]), ["a", "b", "c"]);
    assert_eq!(sandbox.read("z"), "made\n");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

/// How many bytes a process has read.
fn bytes_read(run: &Live) -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", run.id())).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn until_read(run: &Live, bytes: u64) {
    until("so much of the file has been read", || {
        (bytes_read(run) > bytes).then_some(())
    });
}

const MB: u64 = 1 << 20;
/// More than can be read before a test has done something about it.
const HUGE: u64 = 64 << 30;

/// A run that reads a huge file which takes no room.
fn reads_a_huge_file(size: u64) -> (Sandbox, Live, fs::File) {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "old");
    let file = OpenOptions::new()
        .write(true)
        .open(sandbox.path("in"))
        .unwrap();
    file.set_len(size).unwrap();
    let run = sandbox.live(&["run", "--json"]);
    (sandbox, run, file)
}

/// Leaves three bytes of it, and at no moment another file that could be read to its end.
fn truncate(file: &fs::File) {
    file.write_all_at(b"new", 0).unwrap();
    file.set_len(3).unwrap();
}

#[test]
fn a_dep_truncated_while_it_is_read_is_read_again() {
    let (sandbox, run, file) = reads_a_huge_file(HUGE);
    until_read(&run, 64 * MB);
    truncate(&file);
    let printed = run.ended().prints(0);
    assert_eq!(started(&printed), ["a"]);
    assert_eq!(sandbox.read("x"), "new");
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(
        lock.contains("total_bytes: 3") && lock.contains("cache_key"),
        "{lock}"
    );
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "its digest is that of what is there"
    );
}

/// A run that was stopped in the middle of reading a file of some size. Nothing if it was too quick for that.
fn stopped_while_reading(size: u64) -> Option<(Sandbox, Live, fs::File)> {
    let (sandbox, run, file) = reads_a_huge_file(size);
    until_read(&run, 8 * MB);
    run.signal(Signal::STOP);
    run.stopped();
    (bytes_read(&run) < size).then_some((sandbox, run, file))
}

#[test]
fn a_dep_rewritten_and_grown_behind_the_readers_back_is_read_again() {
    let sizes = [512 * MB, 2048 * MB, 8192 * MB];
    let stopped = sizes
        .into_iter()
        .find_map(|size| Some((size, stopped_while_reading(size)?)));
    let (size, (sandbox, run, file)) = stopped.unwrap();
    // What was read already is other bytes now, and there is more at the end.
    file.write_all_at(b"rewritten", 0).unwrap();
    file.write_all_at(b"grown", size).unwrap();
    run.signal(Signal::CONT);
    until_read(&run, size + 16 * MB);
    // That it reads on tells that it has noticed. What it finds the second time is again something else.
    truncate(&file);
    run.ended().prints(0);
    assert_eq!(sandbox.read("x"), "new");
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "its digest is that of what is there"
    );
}

#[test]
fn an_interrupt_does_not_wait_for_a_huge_file_to_be_read() {
    let (sandbox, run, _file) = reads_a_huge_file(HUGE);
    until_read(&run, 64 * MB);
    // The third that arrives ends a run that cannot come to its own end before the file has.
    until("somebody who insists has ended it", || {
        run.signal(Signal::INT);
        run.alive().is_empty().then_some(())
    });
    assert_eq!(run.ended().code, Some(130));
    assert!(!sandbox.exists("x"));
}

#[test]
fn a_dep_written_through_a_pipe_while_its_stage_runs_is_noticed_to_have_grown() {
    // The command reads the dep to its end while somebody else still writes it.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in > x; echo up > up; read line < hold; cat in > y', deps: [in], outs: [x, y]}\n",
    );
    sandbox.write("in", "1\n");
    let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
    let run = sandbox.live(&["run"]);
    up.hear();
    let mut log = OpenOptions::new()
        .append(true)
        .open(sandbox.path("in"))
        .unwrap();
    std::io::Write::write_all(&mut log, b"2\n").unwrap();
    hold.tell("go on");
    let said = run.ended().says(0);
    assert!(said.contains("'a' runs again next time"), "{said}");
    hold.tell("go on");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(
        (sandbox.read("x"), sandbox.read("y")),
        ("1\n2\n".to_owned(), "1\n2\n".to_owned())
    );
}
