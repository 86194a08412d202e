//! New entries as stages end. The journal has them at once; now and then, and at the end, they go into the lock.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_lock::{Composed, Folder, LockError};
use playbook_types::name::StageName;
use playbook_types::record::lock::StageEntry;

use crate::plan::Plan;

/// Entries by stage.
pub(crate) type Entries = IndexMap<StageName, StageEntry>;

/// The entries of a run.
#[derive(Debug)]
pub(super) struct Record<'s> {
    plan: &'s Plan<'s>,
    /// Entries that are newer than the lock the plan was made from.
    newer: Entries,
    /// Some of them are not in the lock on disk.
    unfolded: bool,
    fold_every: Duration,
    next_fold: Instant,
    /// A fold is under way on another thread.
    folding: bool,
}

impl<'s> Record<'s> {
    pub(super) fn new(plan: &'s Plan<'s>, fold_every: Duration) -> Self {
        Self {
            plan,
            newer: Entries::new(),
            unfolded: false,
            fold_every,
            next_fold: Instant::now() + fold_every,
            folding: false,
        }
    }

    pub(super) fn entry(&self, stage: &StageName) -> Option<&StageEntry> {
        let recorded = || self.plan.lock()?.stages.get(stage);
        self.newer.get(stage).or_else(recorded)
    }

    /// Notes a stage's new entry.
    pub(super) fn note(&mut self, stage: &StageName, entry: StageEntry) {
        self.newer.insert(stage.clone(), entry);
        self.unfolded = true;
    }

    /// A copy of the entries, if it is time to fold them into the lock while the run goes on: for those who
    /// look at the lock, and so that the next run has less of a journal to read should this one die.
    pub(super) fn due(&mut self) -> Option<Entries> {
        let due = self.unfolded && !self.folding && Instant::now() >= self.next_fold;
        (due && self.plan.playbook().policy.lock_file).then(|| {
            self.folding = true;
            self.unfolded = false;
            self.newer.clone()
        })
    }

    /// The fold ended. If it went wrong it is tried again later: the journal has everything.
    pub(super) fn folded(&mut self, fold: &Result<(), LockError>) {
        self.folding = false;
        self.unfolded |= fold.is_err();
        self.next_fold = Instant::now() + self.fold_every;
    }

    pub(super) fn is_folding(&self) -> bool {
        self.folding
    }

    /// The entries that are newer than the lock the plan was made from.
    pub(super) fn newer(&self) -> &Entries {
        &self.newer
    }

    /// The lock with what is not in it yet, to be saved; `None` if it has everything.
    pub(super) fn compose(
        &mut self,
        folder: &Mutex<Folder>,
        now: Timestamp,
    ) -> Result<Option<Composed>, LockError> {
        if !self.unfolded || !self.plan.playbook().policy.lock_file {
            return Ok(None);
        }
        let mut folder = folder
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let composed = folder.compose(self.plan.project, self.plan.base(), &self.newer, now)?;
        self.unfolded = false;
        Ok(Some(composed))
    }
}
