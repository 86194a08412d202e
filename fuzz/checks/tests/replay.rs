//! What was ever found to be interesting holds in every run of the test suite.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use playbook_fuzz_checks::CHECKS;

/// A corpus is read by people too.
const MOST_FILES: usize = 150;
const MOST_BYTES: usize = 300_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(fuzz().join("corpus").join(target))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let (_, check) = CHECKS.iter().find(|(name, _)| *name == target).unwrap();
    let files = corpus(target);
    let broken: Vec<_> = files
        .iter()
        .filter(|(_, data)| catch_unwind(AssertUnwindSafe(|| check(data))).is_err())
        .map(|(name, _)| name)
        .collect();
    assert!(broken.is_empty(), "in the corpus of {target}: {broken:?}");
}

#[test]
fn what_holds_for_playbooks_holds_for_the_corpus() {
    replay("playbook");
}

#[test]
fn what_holds_for_locks_holds_for_the_corpus() {
    replay("lock");
}

#[test]
fn what_holds_for_events_holds_for_the_corpus() {
    replay("events");
}

#[test]
fn what_holds_for_journals_holds_for_the_corpus() {
    replay("journal");
}

#[test]
fn what_holds_for_templates_holds_for_the_corpus() {
    replay("template");
}

#[test]
fn a_corpus_is_there_and_stays_small() {
    for (target, _) in CHECKS {
        let files = corpus(target);
        let bytes: usize = files.iter().map(|(_, data)| data.len()).sum();
        assert!(
            (1..=MOST_FILES).contains(&files.len()),
            "{target}: {} files",
            files.len()
        );
        assert!(bytes <= MOST_BYTES, "{target}: {bytes} bytes");
    }
}

#[test]
fn every_check_has_a_target_and_a_test() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (target, _) in CHECKS {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")),
            "{target}"
        );
        let source = fs::read_to_string(fuzz().join(format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(
            source.contains(&format!("playbook_fuzz_checks::{target}::check")),
            "{target}"
        );
        assert!(
            include_str!("replay.rs").contains(&format!("replay(\"{target}\")")),
            "{target}"
        );
    }
}
