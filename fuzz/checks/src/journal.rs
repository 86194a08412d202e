//! A journal is read up to the first record that is not whole, and nothing is made up.
//!
//! The bytes of an input are read as a journal, and then each of its lines as what a record holds: no fuzzer
//! guesses a checksum, so they are written here.

use playbook_hash::disk::records;
use playbook_lock::journal::{JournalRecord, ParsedJournal, parse_journal, replay};

/// How many places of a journal are cut or damaged.
const PLACES: usize = 16;

/// Reads the bytes as they are, and as a journal with checksums.
pub fn check(data: &[u8]) {
    let raw = parse_journal(data);
    let again: String = raw.records.iter().map(JournalRecord::encode).collect();
    // Whoever can write a checksum wrote the rest too. What an older version of the program wrote in
    // another way needs another version of the format.
    assert_eq!(
        data.get(..raw.valid_bytes),
        Some(again.as_bytes()),
        "the records that were read are not those at the front"
    );
    let Some(text) = crate::text(data) else {
        return;
    };
    let mut written = String::new();
    for line in text.lines() {
        records::encode(line, &mut written);
    }
    let parsed = parse_journal(written.as_bytes());
    let whole: usize = text
        .lines()
        .take(parsed.records.len())
        .map(records::encoded_len)
        .sum();
    assert_eq!(parsed.valid_bytes, whole, "so many whole records");
    is_written_as_it_is_read(&parsed.records);
    nothing_is_made_up(&parsed.records);
}

/// What was read is written in one form, which reads back as the same.
fn is_written_as_it_is_read(records: &[JournalRecord]) {
    let written: String = records.iter().map(JournalRecord::encode).collect();
    let bytes = written.as_bytes();
    let again = parse_journal(bytes);
    assert_eq!(again.records, records, "other records from:\n{written}");
    assert_eq!(again.valid_bytes, bytes.len(), "records left out");
    for i in 0..PLACES.min(bytes.len()) {
        let at = bytes.len() * i / PLACES.min(bytes.len());
        let cut = parse_journal(bytes.get(..at).unwrap_or(&[]));
        is_front(&cut, records, at, &written);
        let lines = bytes.iter().take(at).filter(|byte| **byte == b'\n');
        assert_eq!(cut.records.len(), lines.count(), "cut at {at}:\n{written}");
        let mut damaged = bytes.to_vec();
        if let Some(byte) = damaged.get_mut(at) {
            *byte ^= 1 << (i % 8);
        }
        is_front(&parse_journal(&damaged), records, at, &written);
    }
}

/// Only whole records from before the damage.
fn is_front(found: &ParsedJournal, all: &[JournalRecord], damaged_at: usize, written: &str) {
    assert!(
        all.starts_with(&found.records) && found.valid_bytes <= damaged_at,
        "{} records before {damaged_at}:\n{written}",
        found.records.len()
    );
}

/// What the records come to is in them.
fn nothing_is_made_up(records: &[JournalRecord]) {
    let all = replay(records.to_vec());
    for (name, entry) in &all.entries {
        let recorded = records.iter().rev().find_map(|record| match record {
            JournalRecord::Finished { stage, entry } if stage == name => Some(entry),
            JournalRecord::Closed {
                stage,
                entry: Some(entry),
            } if stage == name => Some(entry),
            _ => None,
        });
        assert_eq!(recorded.map(Box::as_ref), Some(entry), "the last of {name}");
    }
    for (name, open) in &all.open {
        let last = records.iter().rev().find_map(|record| match record {
            JournalRecord::Began { stage, outs, .. } if stage == name => Some(Some(outs)),
            JournalRecord::Closed { stage, .. } if stage == name => Some(None),
            _ => None,
        });
        assert_eq!(last.flatten(), Some(&open.outs), "{name} is not open");
    }
}
