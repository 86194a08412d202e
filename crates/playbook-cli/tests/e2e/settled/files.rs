//! A playbook whose stages read and make files.
use std::fs::{self, File, FileTimes};

use crate::support::Sandbox;

/// Faults under which every reading counts as having begun ten seconds later: nobody waits for files to age.
pub(crate) const AGED: &str = "late=10";

/// Two stages, up to date, and recognised as such.
fn settled() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cp in x', deps: [in], outs: [x]}\n  b: {cmd: 'cat x \"a dep\" > y', deps: [x, a dep], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("a dep", "1");
    sandbox.ran(&[]);
    assert_eq!(run(&sandbox, &[]), UP_TO_DATE);
    assert!(sandbox.exists(".playbook/playbook/settled"));
    sandbox
}

const UP_TO_DATE: &str =
    "cached a\ncached b\n0 run · 2 cached · 0 failed in 0.00 s (saved 0.00 s)\n";

pub(crate) fn run(sandbox: &Sandbox, args: &[&str]) -> String {
    let all: Vec<&str> = ["run"].iter().chain(args).copied().collect();
    let mut command = sandbox.command(&all);
    command.env("PLAYBOOK_TEST_FAULTS", AGED);
    let ended = sandbox.finish(command);
    ended.stderr + &ended.stdout
}

/// Whether a run that has nothing to do finds that by stats alone.
fn recognises(sandbox: &Sandbox) -> bool {
    let (said, touched) = touched(sandbox, AGED);
    assert_eq!(said, UP_TO_DATE);
    !touched
}

/// What a run says, and whether it opens any file for writing or changes one, as its own seam counts: one that
/// decides something takes the run lock at least.
fn touched(sandbox: &Sandbox, faults: &str) -> (String, bool) {
    let trace = sandbox.path("trace");
    fs::remove_file(&trace).ok();
    let mut command = sandbox.command(&["run"]);
    let faults = format!("{faults};trace={}", trace.display());
    command.env("PLAYBOOK_TEST_FAULTS", faults);
    let said = sandbox.finish(command).says(0);
    (
        said,
        !fs::read_to_string(&trace).unwrap_or_default().is_empty(),
    )
}

#[test]
fn what_has_nothing_to_do_is_recognised_without_being_worked_out() {
    let sandbox = settled();
    assert!(recognises(&sandbox));
    let events = run(&sandbox, &["--json"]);
    let kinds: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].to_string())
        .collect();
    assert_eq!(
        kinds,
        [
            "\"run_started\"",
            "\"stage_cached\"",
            "\"stage_cached\"",
            "\"run_completed\""
        ]
    );
    fs::remove_file(sandbox.path(".playbook/playbook/settled")).unwrap();
    assert_eq!(
        run(&sandbox, &["--json"]),
        events,
        "as if everything had been worked out"
    );
    assert_eq!(run(&sandbox, &["-q"]), "");
}

/// Writes in place, and gives the file back the times it had.
pub(crate) fn edit_in_secret(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.path(name);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut file = File::options()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
}

/// What is done, how, and what the run then says.
pub(super) type Change = (&'static str, fn(&Sandbox), &'static str);

#[rustfmt::skip]
const CHANGES: [Change; 12] = [
        (
            "a dep edited, size and mtime restored",
            |it| edit_in_secret(it, "in", "2"),
            "run    a  in changed",
        ),
        (
            "another dep edited",
            |it| it.write("a dep", "22"),
            "run    b  a dep changed",
        ),
        (
            "a dep gone",
            |it| it.remove("in"),
            "error: stage 'a' did not start: dep in does not exist",
        ),
        (
            "an out edited",
            |it| edit_in_secret(it, "y", "22"),
            "run    b  y was modified",
        ),
        ("an out gone", |it| it.remove("x"), "run    a  x is missing"),
        (
            "an out replaced by a link",
            |it| {
                it.remove("y");
                std::os::unix::fs::symlink("in", it.path("y")).unwrap();
            },
            "run    b  y was modified",
        ),
        (
            "a command changed",
            |it| {
                let text = it.read("playbook.yaml").replace("cp in x", "cat in > x");
                edit_in_secret(it, "playbook.yaml", &text);
            },
            "run    a  command changed",
        ),
        (
            "the playbook broken",
            |it| it.write("playbook.yaml", "stages: ["),
            "error",
        ),
        (
            "the lock gone",
            |it| it.remove("playbook.lock.yaml"),
            "run    a  no lock file found",
        ),
        (
            "the lock edited",
            |it| {
                let text = it.read("playbook.lock.yaml").replacen(
                    "status: completed",
                    "status: failed\n   ",
                    1,
                );
                it.write("playbook.lock.yaml", &text);
            },
            "run    a  previous run did not complete",
        ),
        (
            "a twin",
            |it| it.write("playbook.yml", ""),
            "would share one lock file",
        ),
        (
            "a journal",
            |it| it.write(".playbook/playbook/journal", "torn"),
            UP_TO_DATE,
        ),
];

#[test]
fn every_change_is_seen() {
    for (what, change, expected) in CHANGES {
        let sandbox = settled();
        change(&sandbox);
        let said = run(&sandbox, &[]);
        assert!(said.contains(expected), "{what}: {said}");
    }
}

#[test]
fn what_is_asked_for_otherwise_is_worked_out() {
    let sandbox = settled();
    assert_eq!(
        run(&sandbox, &["a"]),
        "cached a\n0 run · 1 cached · 0 failed in 0.00 s (saved 0.00 s)\n"
    );
    assert!(run(&sandbox, &["nothing"]).contains("selects nothing"));
    assert!(run(&sandbox, &["--set", "p=1"]).contains("param 'p'"));
    assert!(run(&sandbox, &["-n"]).ends_with("2 cached\n"));
    assert!(run(&sandbox, &["--force"]).contains("forced"));
}

#[test]
fn damaged_anywhere_it_is_worked_out() {
    let sandbox = settled();
    let whole = fs::read(sandbox.path(".playbook/playbook/settled")).unwrap();
    let restore = |bytes: &[u8]| {
        let path = sandbox.path(".playbook/playbook/settled");
        fs::remove_file(&path).unwrap();
        std::io::Write::write_all(&mut File::create(path).unwrap(), bytes).unwrap();
    };
    restore(&whole);
    assert!(recognises(&sandbox));
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for bytes in [&flipped[..], &whole[..at]] {
            restore(bytes);
            assert!(!recognises(&sandbox), "byte {at}");
        }
    }
}

#[test]
fn a_file_that_is_too_young_vouches_for_nothing() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'cp in x', deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    for _ in 0..2 {
        let (said, touched) = touched(&sandbox, "late=0");
        assert!(said.starts_with("cached a\n") && touched, "{said}");
    }
}

#[test]
fn what_stats_cannot_vouch_for_is_worked_out() {
    let sandbox =
        Sandbox::with_stages("  a: {cmd: 'cat d/in > x', deps: [d/in], outs: [x], frozen: true}\n");
    sandbox.write("d/in", "1");
    run(&sandbox, &[]);
    for _ in 0..2 {
        let (said, touched) = touched(&sandbox, AGED);
        assert!(said.starts_with("frozen a") && touched, "{said}");
    }
}
