//! A lock that can be read is written in one fixed form, which reads back as the same lock.

use std::path::Path;

use playbook_lock::{LockError, parse_lock, render_lock};
use playbook_types::record::lock::LockFile;

use crate::text;

/// Reads, writes and reads again.
pub fn check(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let lock = match read(text) {
        Ok(lock) => lock,
        Err(error) => return says_where(text, &error),
    };
    let written = write(&lock);
    match read(&written) {
        Ok(again) => {
            assert_eq!(again, lock, "another lock was read back from:\n{written}");
            assert_eq!(write(&again), written, "the same lock in another form");
        }
        Err(error) => panic!("{error}: what was written cannot be read:\n{written}"),
    }
}

fn read(text: &str) -> Result<LockFile, LockError> {
    parse_lock(text, Path::new("playbook.lock.yaml"))
}

fn write(lock: &LockFile) -> String {
    render_lock(lock).unwrap_or_else(|error| panic!("{error}: {lock:?}"))
}

/// A lock that cannot be read is never thrown away, so its error must lead to the line.
fn says_where(text: &str, error: &LockError) {
    let lines = text.split('\n').count();
    match error {
        LockError::Conflict { line, .. } | LockError::Broken { line, .. } => {
            assert!((1..=lines).contains(line), "{error}: of {lines} lines");
        }
        LockError::Schema { .. } => {}
        other => panic!("an error that is not of the text: {other}"),
    }
}
