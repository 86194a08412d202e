//! The journal: what was appended is read, whatever happened to its end, and says what was under way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use playbook_hash::disk::faults;
use playbook_lock::journal::{
    FORMAT, Journal, JournalRecord, OldOut, Phase, RunHeader, parse_journal, read_journal, replay,
};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{EntryStatus, StageEntry};
use playbook_types::value::ParamValue;
use uuid::Uuid;

fn stage(name: &str) -> StageName {
    StageName::parse(name).unwrap()
}

fn header() -> RunHeader {
    RunHeader {
        format: FORMAT,
        run_id: Uuid::nil(),
        since: Timestamp::UNIX_EPOCH,
        pid: 7,
        pid_started: None,
        host: "here".to_owned(),
        boot: Some("b".to_owned()),
        pid_namespace: None,
    }
}

fn entry(status: EntryStatus) -> StageEntry {
    StageEntry {
        status,
        duration_seconds: Some(0.1 + 0.2),
        cache_key: Some(Digest::from_bytes([7; 32])),
        params: [
            ("lr", ParamValue::Float(1e-7)),
            ("n", ParamValue::Int(u64::MAX.into())),
        ]
        .into_iter()
        .map(|(key, value)| (playbook_types::name::ParamKey::parse(key).unwrap(), value))
        .collect(),
        ..StageEntry::unknown()
    }
}

fn began(name: &str, aside: Option<&str>) -> JournalRecord {
    JournalRecord::Began {
        stage: stage(name),
        at: Timestamp::UNIX_EPOCH,
        outs: vec![OldOut {
            path: DataPath::parse("out/a b\n").unwrap(),
            aside: aside.map(str::to_owned),
            recorded: true,
        }],
    }
}

fn finished(name: &str) -> JournalRecord {
    JournalRecord::Finished {
        stage: stage(name),
        entry: Box::new(entry(EntryStatus::Completed)),
    }
}

fn closed(name: &str, entry: Option<StageEntry>) -> JournalRecord {
    JournalRecord::Closed {
        stage: stage(name),
        entry: entry.map(Box::new),
    }
}

fn aside(name: &str) -> JournalRecord {
    JournalRecord::Aside { stage: stage(name) }
}

fn group(name: &str) -> JournalRecord {
    JournalRecord::Group {
        stage: stage(name),
        id: 42,
        session: Some(40),
        leader_started: Some(u64::MAX),
    }
}

/// One record of every kind.
fn all_kinds() -> Vec<JournalRecord> {
    vec![
        began("a", Some(".playbook-aside-x-a-0")),
        aside("a"),
        group("a"),
        finished("a"),
        closed("a", None),
        began("b", Some(".playbook-aside-x-b-0")),
        JournalRecord::Restoring { stage: stage("b") },
        closed("b", Some(entry(EntryStatus::Failed))),
    ]
}

fn written(records: &[JournalRecord]) -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::new(path.clone(), header());
    for record in records {
        journal.append(record).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    (dir, bytes)
}

fn read(path: &Path) -> Vec<JournalRecord> {
    read_journal(path).unwrap().unwrap().records
}

#[test]
fn what_was_appended_is_read() {
    let (dir, bytes) = written(&all_kinds());
    let stored = read_journal(&dir.path().join("journal")).unwrap().unwrap();
    assert_eq!(stored.header, header());
    assert_eq!(stored.records, all_kinds());
    assert_eq!(stored.valid_bytes, bytes.len() as u64);
}

#[test]
fn the_format_is_pinned() {
    let (_dir, bytes) = written(&[began("a", None), aside("a"), group("a"), closed("a", None)]);
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn cut_at_every_byte_it_is_what_was_whole() {
    let (_dir, bytes) = written(&all_kinds());
    let all = parse_journal(&bytes).records;
    for cut in 0..=bytes.len() {
        let parsed = parse_journal(&bytes[..cut]);
        let lines = bytes[..cut].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(parsed.records, all[..lines], "at {cut}");
        assert!(parsed.valid_bytes <= cut);
    }
}

#[test]
fn a_torn_journal_is_continued_behind_its_last_whole_record() {
    let (dir, bytes) = written(&[began("a", None), finished("a")]);
    let path = dir.path().join("journal");
    let torn = parse_journal(&bytes[..bytes.len() - 1]);
    drop(
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(bytes.len() as u64 - 1),
    );
    let journal = Journal::reopen(path.clone(), header(), torn.valid_bytes as u64).unwrap();
    journal.append(&closed("a", None)).unwrap();
    assert_eq!(read(&path), [began("a", None), closed("a", None)]);
}

#[test]
fn a_record_that_the_disk_refused_spoils_none_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::new(path.clone(), header());
    journal.append(&began("a", None)).unwrap();
    faults::fail_at(Some(1));
    let refused = journal.append(&finished("a")).unwrap_err();
    faults::fail_at(None);
    assert!(
        refused.to_string().starts_with("cannot append to "),
        "{refused}"
    );
    assert_eq!(read(&path), [began("a", None)], "half of it was written");
    journal.append(&closed("a", None)).unwrap();
    assert_eq!(read(&path), [began("a", None), closed("a", None)]);
}

#[test]
fn a_run_that_notes_nothing_leaves_no_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::new(path.clone(), header());
    journal.sync_now().unwrap();
    journal.remove().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(read_journal(&path).unwrap(), None);
}

#[test]
fn a_journal_torn_in_its_first_record_is_none() {
    let (dir, bytes) = written(&[began("a", None)]);
    let path = dir.path().join("journal");
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(first as u64).unwrap();
    assert_eq!(read_journal(&path).unwrap(), None);
}

#[test]
fn the_journal_of_another_version_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let newer = RunHeader {
        format: FORMAT + 1,
        ..header()
    };
    Journal::new(path.clone(), newer)
        .append(&aside("a"))
        .unwrap();
    let refused = read_journal(&path).unwrap_err().to_string();
    assert!(refused.contains("its journal has format 2"), "{refused}");
}

#[test]
fn what_was_under_way_at_every_moment() {
    let phase = |records: &[JournalRecord]| {
        let replay = replay(records.to_vec());
        let open = replay.open.get(&stage("a")).map(|open| open.phase);
        (
            open,
            replay
                .entries
                .get(&stage("a"))
                .map(|entry| entry.status.clone()),
        )
    };
    let had = Some(".playbook-aside-x-a-0");
    let restoring = JournalRecord::Restoring { stage: stage("a") };
    let failed = closed("a", Some(entry(EntryStatus::Failed)));
    let mut told = vec![began("a", had)];
    assert_eq!(phase(&told), (Some(Phase::SettingAside), None));
    told.push(aside("a"));
    assert_eq!(phase(&told), (Some(Phase::Running), None));
    told.push(group("a"));
    assert_eq!(phase(&told), (Some(Phase::Running), None));
    let mut other = told.clone();
    told.push(finished("a"));
    assert_eq!(
        phase(&told),
        (Some(Phase::Dropping), Some(EntryStatus::Completed))
    );
    told.push(closed("a", None));
    assert_eq!(phase(&told), (None, Some(EntryStatus::Completed)));
    other.push(restoring);
    assert_eq!(phase(&other), (Some(Phase::Restoring), None));
    other.push(failed);
    assert_eq!(phase(&other), (None, Some(EntryStatus::Failed)));
    // Where nothing stood, nothing has to be dropped.
    assert_eq!(phase(&[began("a", None)]), (Some(Phase::Running), None));
    assert_eq!(
        phase(&[began("a", None), finished("a")]),
        (None, Some(EntryStatus::Completed))
    );
}

#[test]
fn appended_records_are_synced_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path().join("journal"), header());
    std::thread::scope(|threads| {
        let syncing = threads.spawn(|| {
            journal.keep_synced();
            // Of this thread: the file, and the directory it was made in.
            faults::count()
        });
        journal.append(&began("a", None)).unwrap();
        while journal.is_unsynced() {
            std::thread::yield_now();
        }
        journal.stop().unwrap();
        assert_eq!(syncing.join().unwrap(), 2);
    });
}
