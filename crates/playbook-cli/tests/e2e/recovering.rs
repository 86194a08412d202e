//! What a run that died left behind: what is said of it, and what the next run does about it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Stdio};

use jiff::Timestamp;
use playbook_lock::journal::{FORMAT, Journal, JournalRecord, OldOut, RunHeader};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use uuid::Uuid;

use crate::support::Sandbox;

/// Runs the playbook and has the process die at a named point. Gives its number.
fn die_at(sandbox: &Sandbox, point: &str) -> u32 {
    let mut command = sandbox.command(&["run", "-j1"]);
    command.env("PLAYBOOK_TEST_FAULTS", format!("kill-at={point}:1"));
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    assert_eq!(
        child.wait().unwrap().signal(),
        Some(9),
        "it dies at {point}"
    );
    pid
}

/// One stage with an old out, whose dep has changed since.
fn about_to_run_again() -> Sandbox {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'cat in in > x', deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    sandbox
}

fn journal_of(sandbox: &Sandbox, header: RunHeader) -> Journal {
    Journal::new(sandbox.path(".playbook/playbook/journal"), header)
}

fn header(host: &str, boot: Option<&str>) -> RunHeader {
    RunHeader {
        format: FORMAT,
        run_id: Uuid::from_u128(0x0192_f3c1_0000_7000_8000_0000_0000_0009),
        since: Timestamp::UNIX_EPOCH,
        pid: 4_000_000,
        pid_started: None,
        host: host.to_owned(),
        boot: boot.map(str::to_owned),
        pid_namespace: std::fs::read_link("/proc/self/ns/pid")
            .ok()
            .map(|link| link.to_string_lossy().into_owned()),
    }
}

fn began(stage: &str, aside: Option<&str>) -> JournalRecord {
    JournalRecord::Began {
        stage: StageName::parse(stage).unwrap(),
        at: Timestamp::UNIX_EPOCH,
        outs: vec![OldOut {
            path: DataPath::parse("x").unwrap(),
            aside: aside.map(str::to_owned),
            recorded: true,
        }],
    }
}

#[test]
fn looking_at_a_dead_run_shows_what_the_next_run_will_find() {
    let sandbox = about_to_run_again();
    let lock = sandbox.read("playbook.lock.yaml");
    let pid = die_at(&sandbox, "outs-aside");
    assert!(!sandbox.exists("x"), "the old out is aside");
    let cut_off = "run    a  previous run did not complete (interrupted)\n1 to run\n";
    assert_eq!(sandbox.run(&["status"]).prints(0), cut_off);
    assert_eq!(sandbox.run(&["run", "-n"]).prints(0), cut_off);
    assert_eq!(sandbox.run(&["list"]).prints(0), "a  interrupted\n");
    assert!(sandbox.run(&["lock"]).prints(0).contains("status: running"));
    assert!(!sandbox.exists("x"), "looking moves nothing");
    assert_eq!(sandbox.read("playbook.lock.yaml"), lock);
    let said = sandbox.run(&["run"]).says(0);
    insta::assert_snapshot!(said.replace(&pid.to_string(), "PID"), @r"
    note: the last run (pid PID, since 2026-02-16T14:00:00Z) did not come to its end; what it left is put right
      cut off:   a; the former x is back
    run    a  previous run did not complete (interrupted)
    done   a  0.00 s
    1 run · 0 cached · 0 failed in 0.00 s
    ");
    assert_eq!(sandbox.read("x"), "22");
}

#[test]
fn a_dep_is_seen_where_a_dead_run_has_put_it() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cat in > x', deps: [in], outs: [x]}\n  b: {cmd: 'cat x > y', deps: [x], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    die_at(&sandbox, "outs-aside");
    let only_b = ["run", "-n", "--only", "b"];
    assert_eq!(sandbox.run(&only_b).prints(0), "cached b\n1 cached\n");
    assert_eq!(sandbox.ran(&["--only", "b"]), Vec::<String>::new());
    assert_eq!(sandbox.read("x"), "1");
}

#[test]
fn what_a_stage_left_when_it_was_cut_off_is_kept_for_a_look() {
    let sandbox = about_to_run_again();
    die_at(&sandbox, "outs-made");
    assert_eq!(sandbox.read("x"), "22");
    assert!(sandbox.run(&["status"]).prints(0).contains("interrupted"));
    let said = sandbox.run(&["run", "--only", "nothing"]).says(2);
    assert!(
        said.contains("cut off:   a; the former x is back"),
        "{said}"
    );
    assert_eq!(sandbox.read("x"), "11");
    assert_eq!(sandbox.read(".playbook/playbook/failed/a/x"), "22");
}

#[test]
fn a_stage_is_done_once_its_entry_is_in_the_journal() {
    let sandbox = about_to_run_again();
    die_at(&sandbox, "recorded");
    assert_eq!(sandbox.run(&["status"]).prints(0), "cached a\n1 cached\n");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("completed: a (now in the lock)"), "{said}");
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
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn the_users_own_file_is_not_lost_when_the_run_dies_at_any_point() {
    for point in playbook_hash::disk::faults::Point::ALL {
        let sandbox = about_to_run_again();
        sandbox.write("x", "mine");
        let mut command = sandbox.command(&["run", "-q"]);
        command.env(
            "PLAYBOOK_TEST_FAULTS",
            format!("kill-at={}:1", point.name()),
        );
        command.stderr(Stdio::null()).status().unwrap();
        sandbox.run(&["run", "-q"]).says(0);
        let kept = sandbox.names(".playbook/playbook/kept");
        let [run] = &kept[..] else {
            panic!("{}: {kept:?}", point.name());
        };
        assert_eq!(
            sandbox.read(&format!(".playbook/playbook/kept/{run}/a/x")),
            "mine"
        );
        assert_eq!(sandbox.read("x"), "22", "{}", point.name());
    }
}

#[test]
fn a_recovery_that_dies_is_continued() {
    let points = [
        "recovery-begun",
        "orphans-ended",
        "leftovers-moved",
        "old-outs-back",
        "outs-recovered",
        "recovery-folded",
    ];
    let sandbox = about_to_run_again();
    die_at(&sandbox, "outs-made");
    for point in points {
        die_at(&sandbox, point);
    }
    sandbox.run(&["run", "-q"]).says(0);
    assert_eq!(sandbox.read("x"), "22");
    assert!(!sandbox.exists(".playbook/playbook/journal"));
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_dead_run_without_a_lock_is_put_right_too() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: t\npolicy: {lock_file: false}\nstages:\n  a: {cmd: 'cat in in > x', deps: [in], outs: [x]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("x", "mine");
    die_at(&sandbox, "outs-made");
    sandbox.run(&["run", "-q"]).says(0);
    assert!(!sandbox.exists("playbook.lock.yaml"));
    assert_eq!(sandbox.read("x"), "11");
    let kept = sandbox.names(".playbook/playbook/kept/0192f3c1-0000/a");
    assert_eq!(kept, ["x"], "what was there first");
}

#[test]
fn a_stage_that_is_no_longer_in_the_playbook_is_put_right_too() {
    let sandbox = about_to_run_again();
    die_at(&sandbox, "outs-made");
    sandbox.stages("  other: {cmd: 'echo > o', outs: [o]}\n");
    sandbox.run(&["run", "-q"]).says(0);
    assert_eq!(sandbox.read("x"), "11");
    assert!(!sandbox.read("playbook.lock.yaml").contains("  a:"));
}

#[test]
fn old_outs_that_a_power_cut_made_the_journal_forget_come_back() {
    let sandbox = about_to_run_again();
    die_at(&sandbox, "outs-aside");
    let journal = sandbox.read(".playbook/playbook/journal");
    let first = journal.lines().next().unwrap();
    sandbox.write(
        ".playbook/playbook/journal",
        &format!("{first}\n{}", "\0".repeat(512)),
    );
    sandbox.run(&["run", "--only", "nothing"]).says(2);
    assert_eq!(sandbox.read("x"), "11");
    assert_eq!(sandbox.ran(&[]), ["a"]);
}

#[test]
fn a_run_that_died_on_another_machine_is_the_users_to_judge() {
    let sandbox = about_to_run_again();
    std::fs::remove_file(sandbox.path("x")).unwrap();
    sandbox.write(".playbook-aside-0192f3c1-0000-a-0", "11");
    let journal = journal_of(&sandbox, header("faraway", Some("another")));
    journal
        .append(&began("a", Some(".playbook-aside-0192f3c1-0000-a-0")))
        .unwrap();
    insta::assert_snapshot!(sandbox.run(&["run"]).says(5), @r"
    error: the last run of this playbook did not end: it died, or still runs, on faraway (pid 4000000, since 1970-01-01T00:00:00Z)
      hint: if it still runs, wait for it; if it is dead, nothing can tell that from here: make sure that none of its commands runs on faraway any more, then 'playbook run --recover'
    ");
    assert!(!sandbox.exists("x"), "nothing was touched");
    assert!(sandbox.run(&["status"]).prints(0).contains("interrupted"));
    let said = sandbox.run(&["run", "--recover"]).says(0);
    assert!(said.contains("the former x is back"), "{said}");
    assert_eq!(sandbox.read("x"), "22");
}

#[test]
fn a_journal_of_a_newer_program_is_left_alone() {
    let sandbox = about_to_run_again();
    let newer = RunHeader {
        format: FORMAT + 1,
        ..header("here", None)
    };
    journal_of(&sandbox, newer)
        .append(&began("a", None))
        .unwrap();
    let said = sandbox.run(&["run"]).says(2);
    assert!(
        said.contains("its journal has format 2, which this program does not know"),
        "{said}"
    );
    assert!(said.contains("the version that wrote it"), "{said}");
    sandbox.run(&["status"]).says(2);
}

/// A process in a group of its own, until it is ended.
struct Stranger(Child);

impl Stranger {
    fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a process that the run knows nothing of"
        )]
        let mut command = std::process::Command::new("sleep");
        Self(command.arg("1000").process_group(0).spawn().unwrap())
    }

    fn stat(&self) -> Vec<String> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }

    /// The record of its group, with the start of its leader off by so much.
    fn noted(&self, off_by: u64) -> JournalRecord {
        let stat = self.stat();
        JournalRecord::Group {
            stage: StageName::parse("a").unwrap(),
            id: i32::try_from(self.0.id()).unwrap(),
            session: stat[3].parse().ok(),
            leader_started: stat[19].parse::<u64>().ok().map(|started| started + off_by),
        }
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    boot.trim().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn only_a_group_that_is_still_the_one_noted_is_ended() {
    // Its number now belongs to a process that started later; the machine was started anew since; it is the one.
    let cases = [
        (1, boot(), false),
        (0, "an earlier one".to_owned(), false),
        (0, boot(), true),
    ];
    for (off_by, boot, ended) in cases {
        let sandbox = about_to_run_again();
        let mut stranger = Stranger::start();
        let host = playbook_exec::host();
        let journal = journal_of(&sandbox, header(&host, Some(&boot)));
        journal.append(&began("a", None)).unwrap();
        journal.append(&stranger.noted(off_by)).unwrap();
        let said = sandbox.run(&["run"]).says(0);
        assert_eq!(said.contains("1 process that still ran"), ended, "{said}");
        assert_eq!(stranger.has_ended(), ended, "off by {off_by}, boot {boot}");
    }
}

#[test]
fn status_during_a_run_shows_what_is_going_on() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo > x', outs: [x]}\n  b: {cmd: 'echo half > y; read line < fifo', deps: [x], outs: [y]}\n  c: {cmd: 'cp y z', deps: [y], outs: [z]}\n",
    );
    sandbox.fifo("fifo");
    let mut command = sandbox.command(&["run", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    lines
        .find(|line| line.contains("stage_started") && line.contains("\"b\""))
        .unwrap();
    while !sandbox.exists("y") {
        std::thread::yield_now();
    }
    let pid = child.id();
    assert_eq!(
        sandbox.run(&["status"]).prints(0),
        format!(
            "cached a\nnow    b  running since 2026-02-16T14:00:00Z, by pid {pid}\nrun    c  not in the lock file (new stage)\n1 running now · 1 to run · 1 cached\n"
        )
    );
    let json = sandbox.run(&["status", "--json", "--exit-code"]).prints(3);
    let running = format!("\"running\":{{\"pid\":{pid},\"since\":\"2026-02-16T14:00:00Z\"}}");
    assert!(json.lines().nth(1).unwrap().contains(&running), "{json}");
    sandbox.write("fifo", "go on\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(
        sandbox.run(&["status"]).prints(0),
        "cached a\ncached b\ncached c\n3 cached\n"
    );
}

#[test]
fn a_lock_that_was_checked_out_during_the_run_is_built_upon() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'cp in x', deps: [in], outs: [x]}\n  b: {cmd: 'test ! -e other || cp other playbook.lock.yaml; cp in2 y', deps: [in2], outs: [y]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("in2", "1");
    sandbox.ran(&[]);
    let other = sandbox
        .read("playbook.lock.yaml")
        .replace("duration_seconds: 0.0", "duration_seconds: 7.0");
    sandbox.write("other", &other);
    sandbox.write("in2", "2");
    assert_eq!(sandbox.ran(&[]), ["b"]);
    let lock = sandbox.read("playbook.lock.yaml");
    assert_eq!(
        lock.matches("duration_seconds: 7.0").count(),
        1,
        "that of a: {lock}"
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_lock_that_cannot_be_built_upon_loses_nothing() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'printf \"<<<<<<< ours\\n\" > playbook.lock.yaml; echo > x', outs: [x]}\n",
    );
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2));
    assert_eq!(sandbox.read("playbook.lock.yaml"), "<<<<<<< ours\n");
    sandbox.run(&["status"]).says(2);
    sandbox.remove("playbook.lock.yaml");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("completed: a (now in the lock)"), "{said}");
    assert!(said.contains("cached a"), "{said}");
}
