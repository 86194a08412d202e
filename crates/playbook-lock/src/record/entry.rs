//! From what a run found to the entry that records it.

use jiff::Timestamp;
use playbook_hash::{DataDigest, Fingerprint, digest_params};
use playbook_types::record::lock::{AfterEntry, DataEntry, EntryStatus, StageEntry};

/// How and when a stage ran.
#[derive(Debug, Clone)]
pub struct Ran {
    /// When its command started.
    pub started_at: Timestamp,
    /// When its outs were recorded.
    pub completed_at: Timestamp,
    /// How long its command ran, in seconds.
    pub duration_seconds: f64,
    /// Where; `None` is this machine.
    pub target: Option<String>,
    /// Which runs of the stages it is ordered after it followed.
    pub after: Vec<AfterEntry>,
    /// How many tries failed before this one.
    pub retries: u32,
}

/// The entry of a stage that made all its outs.
pub fn completed(fingerprint: &Fingerprint, outs: Vec<DataEntry>, ran: Ran) -> StageEntry {
    let cache_key = Some(fingerprint.cache_key());
    StageEntry {
        cache_key,
        ..entry(fingerprint, EntryStatus::Completed, outs, ran)
    }
}

/// The entry of a stage that failed. `outs` are what was recorded before: the old outputs are back in
/// their places and still known.
pub fn failed(fingerprint: &Fingerprint, outs: Vec<DataEntry>, ran: Ran) -> StageEntry {
    entry(fingerprint, EntryStatus::Failed, outs, ran)
}

/// The entry of a stage whose outs were found at this moment, however they were made.
pub fn adopted(
    fingerprint: &Fingerprint,
    outs: Vec<DataEntry>,
    at: Timestamp,
    after: Vec<AfterEntry>,
) -> StageEntry {
    let ran = Ran {
        started_at: at,
        completed_at: at,
        duration_seconds: 0.0,
        target: None,
        after,
        retries: 0,
    };
    StageEntry {
        started_at: None,
        duration_seconds: None,
        adopted: true,
        ..completed(fingerprint, outs, ran)
    }
}

fn entry(
    fingerprint: &Fingerprint,
    status: EntryStatus,
    outs: Vec<DataEntry>,
    ran: Ran,
) -> StageEntry {
    let Fingerprint {
        shell,
        command,
        is_list: _,
        deps,
        params,
        env,
        wdir,
        outs: _,
        split,
    } = fingerprint;
    let Ran {
        started_at,
        completed_at,
        duration_seconds,
        target,
        after,
        retries,
    } = ran;
    StageEntry {
        status,
        started_at: Some(started_at),
        completed_at: Some(completed_at),
        duration_seconds: Some(round_to_millis(duration_seconds)),
        target,
        deps: deps
            .iter()
            .map(|dep: &DataDigest| DataEntry::from(dep))
            .collect(),
        params: params.clone(),
        params_hash: Some(digest_params(params)),
        outs,
        cmd_hash: Some(*command),
        cache_key: None,
        shell: *shell,
        wdir: wdir.clone(),
        split: split.clone(),
        env_hash: *env,
        after,
        moved: Vec::new(),
        adopted: false,
        retries: Some(retries).filter(|count| *count > 0),
    }
}

fn round_to_millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
