//! Rules 10 and 11: are the outs still what the stage made?

use playbook_types::digest::Digest;
use playbook_types::model::policy::Validation;
use playbook_types::record::decision::{CacheDecision, Reasons};
use playbook_types::record::lock::{DataEntry, StageEntry};
use playbook_types::record::reason::InvalidationReason;

/// What stands at the path of an out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputState {
    /// Nothing.
    Missing,
    /// Something; its contents were not read.
    Present,
    /// Something with this digest.
    Digest(Digest),
}

/// Applies rules 10 and 11. `outputs` are in the order of the entry's outs; one that is not given counts as missing.
pub fn compare_outputs(
    entry: &StageEntry,
    outputs: &[OutputState],
    validation: Validation,
) -> CacheDecision {
    let states = outputs
        .iter()
        .copied()
        .chain(std::iter::repeat(OutputState::Missing));
    let found = entry
        .outs
        .iter()
        .zip(states)
        .filter_map(|(out, state)| judge(out, state, validation));
    match Reasons::new(found.collect()) {
        Some(reasons) => CacheDecision::Miss(reasons),
        None => CacheDecision::Hit,
    }
}

fn judge(
    out: &DataEntry,
    state: OutputState,
    validation: Validation,
) -> Option<InvalidationReason> {
    let path = out.path.clone();
    match (state, validation) {
        (OutputState::Missing, _) => Some(InvalidationReason::OutputMissing { path }),
        (OutputState::Present, _) | (OutputState::Digest(_), Validation::None) => None,
        (OutputState::Digest(new), Validation::Checksum) if out.hash == Some(new) => None,
        (OutputState::Digest(new), Validation::Checksum) => {
            Some(InvalidationReason::OutputModified {
                path,
                old: out.hash,
                new,
                files: None,
                directory: false,
            })
        }
    }
}
