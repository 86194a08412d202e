//! Rule 9: is the key what was recorded, and if not, which parts of it differ?

use playbook_hash::Fingerprint;
use playbook_types::digest::Digest;
use playbook_types::record::decision::{CacheDecision, Reasons};
use playbook_types::record::lock::StageEntry;
use playbook_types::record::reason::InvalidationReason;

use crate::decide::standing::Verdict;

/// The digest that today's command text has when it is rendered with the params, dep paths and out paths
/// of an entry; `None` if it cannot be rendered with them.
pub type RecordedCommand<'a> = dyn Fn(&StageEntry) -> Option<Digest> + 'a;

/// Applies rule 9.
pub fn compare_key<'a>(
    fingerprint: &Fingerprint,
    entry: &'a StageEntry,
    recorded_command: &RecordedCommand<'_>,
) -> Verdict<'a> {
    let new = fingerprint.cache_key();
    let old = match entry.cache_key {
        Some(old) if old == new => return Verdict::Compare(entry),
        Some(old) => old,
        None => return Verdict::miss(InvalidationReason::StageNotInLock),
    };
    let mut found = fingerprint.differences(entry);
    // A param that stands in the command changes the command too. That is one change, not two.
    let explained = |reason: &InvalidationReason| {
        matches!(reason, InvalidationReason::CmdChanged { .. })
            && entry.cmd_hash.is_some()
            && recorded_command(entry) == entry.cmd_hash
    };
    if found.len() > 1 {
        found.retain(|reason| !explained(reason));
    }
    let mismatch = || Reasons::from(InvalidationReason::CacheKeyMismatch { old, new });
    Verdict::Decided(CacheDecision::Miss(
        Reasons::new(found).unwrap_or_else(mismatch),
    ))
}
