//! A shorter event log has every line of the runs it keeps, and no other run's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test lays out files as a person would"
)]

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use playbook_hash::disk::{Root, StateDir, faults};
use playbook_lock::LockError;
use playbook_lock::history::{Compacted, RunLog, compact};
use playbook_lock::run_lock::{Contention, Holder, RunLock};

struct Past {
    _directory: tempfile::TempDir,
    log: PathBuf,
    state: StateDir,
}

impl Past {
    fn of(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("p.events.jsonl");
        fs::write(&log, lines).unwrap();
        let root = Root::new(directory.path().to_owned()).unwrap();
        let state = StateDir::new(&root, "p");
        state.create().unwrap();
        Self {
            _directory: directory,
            log,
            state,
        }
    }

    fn compact(&self, keep: usize) -> Result<Compacted, LockError> {
        let holder = Holder {
            pid: 1,
            host: "here".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        };
        let held = RunLock::acquire(&self.state.run_lock(), &holder, Contention::Fail).unwrap();
        compact(&held, &self.log, &self.state, keep)
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn logs_of(&self, run: u32) -> PathBuf {
        self.state.logs_dir().join(&id(run)[..13])
    }
}

fn id(run: u32) -> String {
    format!("0192f3c1-{run:04}-7000-8000-000000000000")
}

fn line(run: u32, event: &str) -> String {
    let id = id(run);
    format!(
        "{{\"ts\":\"2026-01-01T00:00:00Z\",\"run_id\":\"{id}\",\"event\":\"{event}\",\"x\":1}}\n"
    )
}

#[test]
fn where_runs_are_mixed_each_line_goes_with_its_own() {
    let torn = "{\"ts\":\"20\n";
    let lines = [
        line(1, "run_started"),
        "junk before\n".to_owned(),
        line(2, "run_started"),
        line(1, "stage_dreamt"),
        torn.to_owned(),
        line(2, "stage_dreamt"),
        line(1, "run_completed"),
        line(3, "run_started"),
        line(2, "run_failed"),
    ];
    let past = Past::of(&(lines.concat() + "{\"torn"));
    let compacted = past.compact(2).unwrap();
    assert_eq!((compacted.kept, compacted.dropped.len()), (2, 1));
    let kept = [2, 4, 5, 7, 8].map(|nth| lines[nth].as_str()).concat();
    assert_eq!(past.read(), kept);
    assert_eq!(compacted.bytes_after, kept.len() as u64);
    let runs = RunLog::open(&past.log).unwrap().runs(None).unwrap();
    assert_eq!(runs.len(), 2);
}

#[test]
fn of_one_id_the_older_run_goes_and_its_logs_stay_with_the_newer() {
    let one = line(1, "run_started") + &line(1, "run_completed");
    let past = Past::of(&(one.clone() + &line(1, "run_started")));
    fs::create_dir_all(past.logs_of(1)).unwrap();
    let compacted = past.compact(1).unwrap();
    assert_eq!((compacted.dropped.len(), compacted.logs_removed), (1, 0));
    assert_eq!(past.read(), line(1, "run_started"));
    assert!(past.logs_of(1).is_dir());
}

#[test]
fn a_whole_last_line_without_a_newline_is_closed() {
    let lines = line(1, "run_started") + &line(2, "run_started");
    let past = Past::of(lines.trim_end());
    past.compact(1).unwrap();
    assert_eq!(past.read(), line(2, "run_started"));
}

#[test]
fn what_is_no_directory_is_not_taken_for_logs() {
    let past = Past::of(&(line(1, "run_started") + &line(2, "run_started")));
    fs::create_dir_all(past.state.logs_dir()).unwrap();
    fs::write(past.logs_of(1), "mine").unwrap();
    assert_eq!(past.compact(1).unwrap().logs_removed, 0);
    assert!(past.logs_of(1).exists());
}

#[test]
fn whatever_fails_the_event_log_is_the_old_one_or_the_new_one() {
    let (old, new) = (
        line(1, "run_started") + &line(2, "run_started"),
        line(2, "run_started"),
    );
    let past = || {
        let past = Past::of(&old);
        fs::create_dir_all(past.logs_of(1)).unwrap();
        past
    };
    faults::fail_at(None);
    past().compact(1).unwrap();
    let operations = faults::count();
    assert!(operations > 5);
    for n in 1..=operations {
        faults::fail_at(None);
        let past = past();
        let holder = Holder {
            pid: 1,
            host: "here".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        };
        let held = RunLock::acquire(&past.state.run_lock(), &holder, Contention::Fail).unwrap();
        faults::fail_at(Some(n));
        let done = compact(&held, &past.log, &past.state, 1);
        faults::fail_at(None);
        let now = past.read();
        assert!(now == old || now == new, "{n}: {now}");
        assert!(
            done.is_err() || (now == new && !past.logs_of(1).exists()),
            "{n}"
        );
        // What was not done is done by the next, and nothing is left half written.
        drop(held);
        past.compact(1).unwrap();
        assert_eq!(past.read(), new);
        let beside = fs::read_dir(past.log.parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 2, "the log and the state directory");
    }
}
