//! Did a stage make the same bytes from the same?

use playbook_types::path::DataPath;
use playbook_types::record::lock::{EntryStatus, StageEntry};

/// Outs of which a run made other bytes than the one before, although everything that decides was the same: then something that is
/// not declared decides, too. Nothing where the two cannot be compared.
pub fn made_otherwise(before: &StageEntry, now: &StageEntry) -> Vec<DataPath> {
    // Without a key something it read moved meanwhile. What was adopted it did not make. A stage that is ordered after another
    // one lives on what that does elsewhere.
    let same_inputs = before.status == EntryStatus::Completed
        && !before.adopted
        && now.cache_key.is_some()
        && before.cache_key == now.cache_key
        && before.after == now.after;
    if !same_inputs {
        return Vec::new();
    }
    let differs = now.outs.iter().filter(|out| {
        let old = before.outs.iter().find(|old| old.path == out.path);
        // With other ignore rules another part of a directory counts.
        let old = old.filter(|old| old.ignored == out.ignored);
        let (old, new) = (old.and_then(|old| old.hash), out.hash);
        old.is_some() && new.is_some() && old != new
    });
    differs.map(|out| out.path.clone()).collect()
}
