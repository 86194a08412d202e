//! What is written down: the lock, the decision by it, and the journal.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use playbook_hash::digest_command;
use playbook_lock::decide::{LockState, OutputState, Query, Standing, check_cache};
use playbook_lock::journal::{FORMAT, Journal, JournalRecord, RunHeader};
use playbook_lock::{load_lock_file, render_lock, save_lock_file};
use playbook_types::model::policy::Validation;
use playbook_types::record::decision::CacheDecision;
use uuid::Uuid;

use crate::fixture::{entry, fingerprint, lock, name};

const STAGES: usize = 1_000;

#[divan::bench]
fn lock_read(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playbook.lock.yaml");
    save_lock_file(&path, &lock(STAGES)).unwrap();
    bencher
        .counter(ItemsCount::new(STAGES))
        .bench(|| load_lock_file(black_box(&path)).unwrap());
}

#[divan::bench]
fn lock_render(bencher: Bencher<'_, '_>) {
    let lock = lock(STAGES);
    bencher
        .counter(ItemsCount::new(STAGES))
        .bench(|| render_lock(black_box(&lock)).unwrap());
}

/// With the syncs that make it durable, so this is the disk's speed as much as ours.
#[divan::bench]
fn lock_write(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("playbook.lock.yaml");
    let lock = lock(STAGES);
    bencher
        .counter(ItemsCount::new(STAGES))
        .bench_local(|| save_lock_file(&path, black_box(&lock)).unwrap());
}

#[divan::bench]
fn check_cache_hit(bencher: Bencher<'_, '_>) {
    let (entry, fingerprint) = (entry(7), fingerprint(7));
    let standing = Standing {
        forced: false,
        frozen: false,
        always_runs: None,
        forced_upstream: Vec::new(),
        after: Vec::new(),
        lock: LockState::Entry(&entry),
    };
    let query = Query {
        standing: &standing,
        fingerprint: &fingerprint,
        recorded_command: &|_| None,
        outputs: &[OutputState::Digest(digest_command("made"))],
        validation: Validation::Checksum,
    };
    assert_eq!(check_cache(&query), CacheDecision::Hit);
    bencher.bench_local(|| check_cache(black_box(&query)));
}

/// Without the syncs, which a thread of their own makes.
#[divan::bench]
fn journal_append(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let header = RunHeader {
        format: FORMAT,
        run_id: Uuid::nil(),
        since: "2026-01-02T03:04:05Z".parse().unwrap(),
        pid: 7,
        pid_started: None,
        host: "here".to_owned(),
        boot: None,
        pid_namespace: None,
    };
    let journal = Journal::new(folder.path().join("journal"), header);
    let record = JournalRecord::Finished {
        stage: name(7),
        entry: Box::new(entry(7)),
    };
    bencher.bench_local(|| journal.append(black_box(&record)).unwrap());
}
