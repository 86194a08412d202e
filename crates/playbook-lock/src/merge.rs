//! Merging two locks that came from one, entry by entry, as git's merge driver.
//!
//! An entry that one side alone changed is that side's; one that both changed in the same way is theirs both. Where both
//! changed it differently, the side whose outs are the ones on disk is taken, and ours if that is so of both or of none.
//! That is safe whatever is taken: an entry only counts if its key and its outs are what is there. Where one side has
//! removed an entry that the other changed, it stays.

use std::path::Path;

use indexmap::{IndexMap, IndexSet};
use playbook_hash::disk::{Root, StateDir};
use playbook_hash::{DigestMemo, IgnoreRules, StatCache, Trust};
use playbook_types::name::StageName;
use playbook_types::record::lock::{EntryStatus, LockFile, StageEntry};

use crate::record::GENERATOR;

/// Two locks in one.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The lock.
    pub lock: LockFile,
    /// Stages whose entries both sides had changed, each in its own way, with the side that was taken.
    pub decided: Vec<(StageName, Side)>,
}

/// A side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The branch that is merged into. (In a rebase, the one that is rebased onto.)
    Ours,
    /// The branch that is merged.
    Theirs,
}

/// Tells whether the outs of an entry are what is on disk.
pub trait Truth {
    /// Whether everything that the entry says was made is there as it was made, and that is at least one out.
    fn is_there(&self, entry: &StageEntry) -> bool;
}

/// A disk about which nothing is known.
#[derive(Debug, Clone, Copy)]
pub struct NoTruth;

impl Truth for NoTruth {
    fn is_there(&self, _entry: &StageEntry) -> bool {
        false
    }
}

/// The files below a playbook's root.
#[derive(Debug)]
pub struct OnDisk {
    root: Root,
    rules: IgnoreRules,
    memo: DigestMemo,
}

impl OnDisk {
    /// Those of the playbook whose lock is at `lock`; `None` if its directory cannot be looked at.
    pub fn beside(lock: &Path) -> Option<Self> {
        let parent = lock
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let root = Root::new(parent.unwrap_or(Path::new(".")).to_owned()).ok()?;
        let rules = IgnoreRules::load(root.as_path()).ok()?;
        // It is shared by all playbooks of the root.
        let path = StateDir::new(&root, "").stat_cache();
        let cache = StatCache::new(path, root.as_path().to_owned());
        let memo = DigestMemo::with_cache(Trust::Stat, cache);
        Some(Self { root, rules, memo })
    }
}

impl Truth for OnDisk {
    fn is_there(&self, entry: &StageEntry) -> bool {
        let same = |place: &Path, hash| {
            let found = self.memo.digest(place, &self.rules);
            found.is_ok_and(|found| Some(found.digest) == hash)
        };
        let counts = entry.status == EntryStatus::Completed && entry.cache_key.is_some();
        let mut outs = entry.outs.iter();
        counts
            && !entry.outs.is_empty()
            && outs.all(|out| same(&self.root.resolve(&out.path), out.hash))
    }
}

/// Merges `ours` and `theirs`, which came from `base`; none if they have no common ancestor.
pub fn merge(
    base: Option<&LockFile>,
    ours: &LockFile,
    theirs: &LockFile,
    truth: &dyn Truth,
) -> Merged {
    let mut decided = Vec::new();
    let mut stages = IndexMap::new();
    for name in order(base, ours, theirs) {
        let was = base.and_then(|base| base.stages.get(name));
        let (here, there) = (ours.stages.get(name), theirs.stages.get(name));
        let (entry, side) = one_entry(was, here, there, truth);
        decided.extend(side.map(|side| (name.clone(), side)));
        stages.extend(entry.map(|entry| (name.clone(), entry)));
    }
    let lock = LockFile {
        playbook: three_way(
            base.map(|base| &base.playbook),
            &ours.playbook,
            &theirs.playbook,
        )
        .unwrap_or(&ours.playbook)
        .clone(),
        generated_at: ours.generated_at.max(theirs.generated_at),
        generator: GENERATOR.to_owned(),
        // Where both sides changed params, the digest of all of them is that of neither.
        params_hash: three_way(
            base.map(|base| &base.params_hash),
            &ours.params_hash,
            &theirs.params_hash,
        )
        .copied()
        .flatten(),
        stages,
        ..ours.clone()
    };
    Merged { lock, decided }
}

/// What one side alone changed, or both in the same way.
fn three_way<'a, T: PartialEq>(base: Option<&T>, ours: &'a T, theirs: &'a T) -> Option<&'a T> {
    if ours == theirs || base == Some(theirs) {
        Some(ours)
    } else if base == Some(ours) {
        Some(theirs)
    } else {
        None
    }
}

/// One entry, and whose it is if both sides had changed it, each in its own way.
fn one_entry(
    base: Option<&StageEntry>,
    ours: Option<&StageEntry>,
    theirs: Option<&StageEntry>,
    truth: &dyn Truth,
) -> (Option<StageEntry>, Option<Side>) {
    if let Some(entry) = three_way(Some(&base), &ours, &theirs) {
        return (entry.cloned(), None);
    }
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if !truth.is_there(ours) && truth.is_there(theirs) => {
            (Some(theirs.clone()), Some(Side::Theirs))
        }
        (Some(ours), Some(_)) => (Some(ours.clone()), Some(Side::Ours)),
        // Removed here and changed there: an entry too many is no harm, one too few costs a run.
        (ours, theirs) => (ours.or(theirs).cloned(), None),
    }
}

/// All stages, in the order of the side that changed it; what only the other side has stands behind what it stands behind
/// there.
fn order<'a>(
    base: Option<&'a LockFile>,
    ours: &'a LockFile,
    theirs: &'a LockFile,
) -> Vec<&'a StageName> {
    let unchanged = |side: &LockFile| {
        let base = base.map(|base| &base.stages);
        let of_base = base.into_iter().flat_map(IndexMap::keys);
        let common = of_base.filter(|name| side.stages.contains_key(*name));
        let now = side.stages.keys();
        let now = now.filter(|name| base.is_some_and(|base| base.contains_key(*name)));
        base.is_some() && common.eq(now)
    };
    let (first, second) = if unchanged(ours) {
        (theirs, ours)
    } else {
        (ours, theirs)
    };
    // What only the second has, by what it stands behind.
    let mut behind: IndexMap<Option<&StageName>, Vec<&StageName>> = IndexMap::new();
    let mut anchor = None;
    for name in second.stages.keys() {
        if first.stages.contains_key(name) {
            anchor = Some(name);
        } else {
            behind.entry(anchor).or_default().push(name);
        }
    }
    let mut all = IndexSet::new();
    all.extend(behind.get(&None).into_iter().flatten().copied());
    for name in first.stages.keys() {
        all.insert(name);
        all.extend(behind.get(&Some(name)).into_iter().flatten().copied());
    }
    all.into_iter().collect()
}
