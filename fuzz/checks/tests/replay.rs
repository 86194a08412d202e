//! What was ever found to be interesting holds in every run of the test suite.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use playbook_fuzz_checks::CHECKS;
use playbook_lock::history::parse_events;
use playbook_lock::journal::parse_journal;
use playbook_lock::parse_lock;
use playbook_types::parse::{SourceName, parse};

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
fn what_holds_for_params_files_holds_for_the_corpus() {
    replay("params");
}

#[test]
fn what_holds_for_templates_holds_for_the_corpus() {
    replay("template");
}

#[test]
fn the_corpus_gets_past_the_first_line() {
    let read = |target: &str, name: &str| fs::read(fuzz().join("corpus").join(target).join(name));
    let text = |target, name| String::from_utf8(read(target, name).unwrap()).unwrap();
    for name in ["penguins", "every_field"] {
        assert!(
            parse(&text("playbook", name), &SourceName::new("p.yaml")).is_ok(),
            "{name}"
        );
    }
    for name in ["penguins", "every_field"] {
        assert!(
            parse_lock(&text("lock", name), Path::new("p.lock.yaml")).is_ok(),
            "{name}"
        );
    }
    let events = parse_events(&read("events", "every_kind").unwrap());
    assert_eq!((events.events.len(), events.unreadable.len()), (13, 0));
    let journal = parse_journal(&read("journal", "as_it_stands_on_disk").unwrap());
    assert_eq!(journal.records.len(), 11);
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
