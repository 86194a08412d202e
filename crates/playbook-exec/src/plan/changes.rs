//! Which files of a directory differ from those that were recorded.

use std::collections::BTreeSet;
use std::path::Path;

use playbook_hash::disk::DiskError;
use playbook_hash::{DigestMemo, Listing, ListingDiff};
use playbook_types::digest::Digest;
use playbook_types::path::DataPath;
use playbook_types::record::decision::Reasons;
use playbook_types::record::reason::{FileCounts, InvalidationReason};

use crate::plan::Plan;
use crate::schedule::Entries;

/// What is known of the contents of directories.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    pub(crate) plan: &'a Plan<'a>,
    /// What they are now.
    pub(crate) memo: &'a DigestMemo,
}

impl Contents<'_> {
    /// What changed in the directory that had the one digest and, where it stands now, has the other. Nothing for
    /// files, and where it is no longer known what was in it.
    pub(crate) fn changed(self, place: &Path, old: Digest, new: Digest) -> Option<ListingDiff> {
        // Files, which most deps are, have no listing: nothing is looked for.
        let bytes = self.memo.listing_bytes(place, new)?;
        let recall = self.plan.project.recall();
        Some(ListingDiff::between(
            &recall.listing(&old)?,
            &Listing::from_bytes(&bytes)?,
        ))
    }

    /// The reasons, with how many files differ where that is known. `place` is where the data at a path stands now.
    pub(crate) fn count(
        self,
        reasons: Reasons,
        place: impl Fn(&DataPath) -> std::path::PathBuf,
    ) -> Reasons {
        let count = |path: &DataPath, old: Option<Digest>, new: Digest| {
            let diff = self.changed(&place(path), old?, new)?;
            Some(counts(&diff))
        };
        reasons.map(|mut reason| {
            match &mut reason {
                InvalidationReason::DepChanged {
                    path,
                    old,
                    new,
                    files,
                }
                | InvalidationReason::OutputModified {
                    path,
                    old,
                    new,
                    files,
                } => {
                    *files = count(path, *old, *new);
                }
                InvalidationReason::Forced
                | InvalidationReason::UpstreamRerun { .. }
                | InvalidationReason::NoLockFile
                | InvalidationReason::StageNotInLock
                | InvalidationReason::PreviousRunIncomplete { .. }
                | InvalidationReason::DepMoved { .. }
                | InvalidationReason::AlwaysRuns
                | InvalidationReason::CmdChanged { .. }
                | InvalidationReason::DepAdded { .. }
                | InvalidationReason::DepRemoved { .. }
                | InvalidationReason::ParamsChanged { .. }
                | InvalidationReason::EnvChanged
                | InvalidationReason::ShellChanged { .. }
                | InvalidationReason::WdirChanged { .. }
                | InvalidationReason::OutsChanged { .. }
                | InvalidationReason::SplitChanged { .. }
                | InvalidationReason::CacheKeyMismatch { .. }
                | InvalidationReason::OutputMissing { .. } => {}
            }
            reason
        })
    }
}

/// How many files differ.
pub(crate) fn counts(diff: &ListingDiff) -> FileCounts {
    FileCounts {
        added: diff.added.len() as u64,
        removed: diff.removed.len() as u64,
        changed: diff.changed.len() as u64,
    }
}

/// Keeps the lists of what is in directories that are on record as they are now, for those who ask later what changed.
///
/// # Errors
///
/// When the disk refuses. Later answers then have fewer words.
pub(crate) fn remember_listings(
    plan: &Plan<'_>,
    memo: &DigestMemo,
    newer: &Entries,
) -> Result<(), DiskError> {
    let trees = memo.trees();
    if trees.is_empty() {
        return Ok(());
    }
    let recall = plan.project.recall();
    let recorded = plan.lock().into_iter().flat_map(|lock| &lock.stages);
    let current = recorded
        .filter(|(name, _)| !newer.contains_key(*name))
        .chain(newer);
    let data = current.flat_map(|(_, entry)| entry.deps.iter().chain(&entry.outs));
    let wanted: BTreeSet<Digest> = data.filter_map(|data| data.hash).collect();
    let mut added = false;
    for tree in trees
        .iter()
        .filter(|tree| wanted.contains(&tree.digest) && !recall.has(&tree.digest))
    {
        if let Some(list) = memo.listing_bytes(&tree.path, tree.digest) {
            recall.remember(&tree.digest, &list)?;
            added = true;
        }
    }
    // A plan for some stages knows of the others only that they stand.
    if added && plan.standing.is_none() {
        recall.forget_all_but(&wanted)?;
    }
    Ok(())
}
