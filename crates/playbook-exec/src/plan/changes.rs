//! Which files of a directory differ from those that were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use playbook_hash::disk::DiskError;
use playbook_hash::{DigestMemo, Listing, ListingDiff};
use playbook_lock::Recall;
use playbook_types::digest::Digest;
use playbook_types::graph::StageId;
use playbook_types::name::EnvName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::Reasons;
use playbook_types::record::reason::{EnvChanges, FileCounts, InvalidationReason};

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
        self.since(old, &self.memo.listing_bytes(place, new)?)
    }

    /// What the listing `now` has otherwise than that of the directory with the digest `old`, if it is still known.
    fn since(self, old: Digest, now: &[u8]) -> Option<ListingDiff> {
        let recall = self.plan.project.recall();
        Some(ListingDiff::between(
            &recall.listing(&old)?,
            &Listing::from_bytes(now)?,
        ))
    }

    /// The reasons of a stage, with how many files and which variables differ where that is known. `place` is where the
    /// data at a path stands now.
    pub(crate) fn count(
        self,
        id: StageId,
        reasons: Reasons,
        place: impl Fn(&DataPath) -> std::path::PathBuf,
    ) -> Reasons {
        reasons.map(|mut reason| {
            match &mut reason {
                InvalidationReason::DepChanged {
                    path,
                    old,
                    new,
                    files,
                    directory,
                }
                | InvalidationReason::OutputModified {
                    path,
                    old,
                    new,
                    files,
                    directory,
                } => {
                    let now = self.memo.listing_bytes(&place(path), *new);
                    *directory = now.is_some();
                    let diff = old.zip(now).and_then(|(old, now)| self.since(old, &now));
                    *files = diff.as_ref().map(counts);
                }
                InvalidationReason::EnvChanged { variables } => {
                    *variables = self.variables(id);
                }
                InvalidationReason::Forced
                | InvalidationReason::UpstreamRerun { .. }
                | InvalidationReason::NoLockFile
                | InvalidationReason::StageNotInLock
                | InvalidationReason::PreviousRunIncomplete { .. }
                | InvalidationReason::DepMoved { .. }
                | InvalidationReason::AlwaysRuns { .. }
                | InvalidationReason::CmdChanged { .. }
                | InvalidationReason::DepAdded { .. }
                | InvalidationReason::DepRemoved { .. }
                | InvalidationReason::ParamsChanged { .. }
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

impl Contents<'_> {
    /// Which variables of a stage's environment differ from those on record. Nothing where it is no longer known
    /// what was declared.
    fn variables(self, id: StageId) -> Option<EnvChanges> {
        let name = &self.plan.stage(id).name;
        let entry = self.plan.lock()?.stages.get(name)?;
        let old = match &entry.env_hash {
            Some(digest) => self.plan.project.recall().environment(digest)?,
            None => BTreeMap::new(),
        };
        let new = Recall::values(&self.plan.resolved(id)?.env);
        let only_in = |one: &BTreeMap<EnvName, Digest>, other: &BTreeMap<EnvName, Digest>| {
            let alone = one.keys().filter(|name| !other.contains_key(*name));
            alone.cloned().collect()
        };
        let differs = |(name, value): &(&EnvName, &Digest)| {
            old.get(*name).is_some_and(|former| former != *value)
        };
        let changed = new.iter().filter(differs).map(|(name, _)| name.clone());
        let changes = EnvChanges {
            added: only_in(&new, &old),
            removed: only_in(&old, &new),
            changed: changed.collect(),
        };
        // All are the same where what is inherited beside them is other.
        let EnvChanges {
            added,
            removed,
            changed,
        } = &changes;
        let any = [added, removed, changed]
            .iter()
            .any(|names| !names.is_empty());
        any.then_some(changes)
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

/// Keeps the lists of what is in directories that are on record as they are now, and of the variables of environments, for
/// those who ask later what changed.
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
    let recall = plan.project.recall();
    let mut added = remember_environments(plan, &recall, newer)?;
    if trees.is_empty() && !added {
        return Ok(());
    }
    let recorded = plan.lock().into_iter().flat_map(|lock| &lock.stages);
    let current = recorded
        .filter(|(name, _)| !newer.contains_key(*name))
        .chain(newer);
    let digests = current.flat_map(|(_, entry)| {
        let data = entry.deps.iter().chain(&entry.outs);
        data.filter_map(|data| data.hash).chain(entry.env_hash)
    });
    let wanted: BTreeSet<Digest> = digests.collect();
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

/// Keeps the variables of the environments that stages ran in now, and says whether any were new.
fn remember_environments(
    plan: &Plan<'_>,
    recall: &Recall,
    newer: &Entries,
) -> Result<bool, DiskError> {
    let mut added = false;
    if newer.values().all(|entry| entry.env_hash.is_none()) {
        return Ok(added);
    }
    for id in plan.order() {
        let entry = newer.get(&plan.stage(id).name);
        let (Some(digest), Some(resolved)) =
            (entry.and_then(|entry| entry.env_hash), plan.resolved(id))
        else {
            continue;
        };
        if resolved.env_hash == Some(digest) && !recall.has(&digest) {
            recall.remember_environment(&digest, &resolved.env)?;
            added = true;
        }
    }
    Ok(added)
}
