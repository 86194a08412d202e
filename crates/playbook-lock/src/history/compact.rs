//! Making the event log shorter: the last runs stay, what is said of older ones goes, with their logs.

use std::ops::Range;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_hash::disk::{self, Durability, StateDir, remove_half_replaced};
use uuid::Uuid;

use crate::error::LockError;
use crate::history::lines::head;
use crate::history::runs::{Run, RunLog, short_id};
use crate::run_lock::RunLock;

/// What a log lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Compacted {
    /// How many runs it still has.
    pub kept: usize,
    /// The runs it no longer has, newest first.
    pub dropped: Vec<Run>,
    /// How many bytes it had.
    pub bytes_before: u64,
    /// How many it has.
    pub bytes_after: u64,
    /// How many of the dropped runs had logs, which are gone too.
    pub logs_removed: usize,
}

/// Keeps the last `keep` runs of the event log at `path` and removes the others with their logs. The log is replaced
/// whole, with its permissions; one that has no more runs than that is not touched. Nobody may append meanwhile, so the
/// run lock is asked for.
///
/// # Errors
///
/// When the log cannot be read, or the disk refuses.
pub fn compact(
    _held: &RunLock,
    path: &Path,
    state: &StateDir,
    keep: usize,
) -> Result<Compacted, LockError> {
    let unreadable = |source| LockError::EventsUnreadable {
        path: path.to_owned(),
        source,
    };
    let log = RunLog::open(path).map_err(unreadable)?;
    let mut kept = log.runs(None).map_err(unreadable)?;
    let dropped = kept.split_off(keep.min(kept.len()));
    let mut compacted = Compacted {
        kept: kept.len(),
        dropped,
        bytes_before: log.length(),
        bytes_after: log.length(),
        logs_removed: 0,
    };
    if compacted.dropped.is_empty() {
        return Ok(compacted);
    }
    // A compaction that died has left its half-written file.
    remove_half_replaced(path)?;
    let old = std::fs::read(path).map_err(unreadable)?;
    let new = what_stays(&old, &kept);
    disk::replace(path, &new, Durability::Synced)?;
    compacted.bytes_after = new.len() as u64;
    for directory in log_directories(state, &kept, &compacted.dropped) {
        disk::remove_tree(&directory)?;
        compacted.logs_removed += 1;
    }
    Ok(compacted)
}

/// The lines of the runs that are kept. Between them may stand what a crash tore, which stays; what a crash tore at the very end
/// goes.
fn what_stays(old: &[u8], kept: &[Run]) -> Vec<u8> {
    let Some(from) = kept.iter().map(|run| run.extent().start).min() else {
        return Vec::new();
    };
    let mut places: IndexMap<Uuid, Vec<Range<u64>>> = IndexMap::new();
    for run in kept {
        places.entry(run.id).or_default().push(run.extent());
    }
    let from = usize::try_from(from).unwrap_or(old.len());
    let mut new = Vec::with_capacity(old.len() - from);
    let mut at = from;
    for line in old[from..].split_inclusive(|byte| *byte == b'\n') {
        let begins = at as u64;
        at += line.len();
        let whole = line.ends_with(b"\n");
        let stays = match head(line.trim_ascii_end()) {
            Some(head) => places
                .get(&head.run_id)
                .is_some_and(|of_id| of_id.iter().any(|extent| extent.contains(&begins))),
            None => whole,
        };
        if stays {
            new.extend_from_slice(line);
            if !whole {
                new.push(b'\n');
            }
        }
    }
    new
}

/// The directories with logs of dropped runs; what is no directory is not ours.
fn log_directories(state: &StateDir, kept: &[Run], dropped: &[Run]) -> Vec<PathBuf> {
    let kept: Vec<String> = kept.iter().map(|run| short_id(run.id)).collect();
    let mut names: Vec<String> = dropped.iter().map(|run| short_id(run.id)).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !kept.contains(name))
        .map(|name| state.logs_dir().join(name))
        .filter(|path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir()))
        .collect()
}
