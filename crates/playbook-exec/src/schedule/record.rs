//! The lock during a run: new entries as stages end, saved now and then and at the end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::digest_params;
use playbook_lock::{LockError, save_lock_file};
use playbook_types::name::{ParamKey, StageName};
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::plan::Plan;

/// The version of the lock's shape.
const SCHEMA: &str = "1.0";
/// The version of BLAKE3 that digests are of.
const BLAKE3_VERSION: &str = "1.8";
/// The shortest time between two saves while the run goes on.
const SAVE_EVERY: Duration = Duration::from_millis(50);

/// The lock of a run.
#[derive(Debug)]
pub(super) struct Record<'s> {
    plan: &'s Plan<'s>,
    path: Option<PathBuf>,
    /// Entries that are newer than the lock the plan was made from.
    newer: IndexMap<StageName, StageEntry>,
    unsaved: bool,
    next_save: Instant,
}

impl<'s> Record<'s> {
    pub(super) fn new(plan: &'s Plan<'s>) -> Self {
        let path = plan
            .playbook()
            .policy
            .lock_file
            .then(|| plan.project.lock_path());
        Self {
            plan,
            path,
            newer: IndexMap::new(),
            unsaved: false,
            next_save: Instant::now() + SAVE_EVERY,
        }
    }

    pub(super) fn entry(&self, stage: &StageName) -> Option<&StageEntry> {
        let recorded = || self.plan.lock()?.stages.get(stage);
        self.newer.get(stage).or_else(recorded)
    }

    /// Notes a stage's new entry.
    pub(super) fn note(&mut self, stage: &StageName, entry: StageEntry) {
        self.newer.insert(stage.clone(), entry);
        self.unsaved = true;
    }

    /// How long until something unsaved is due to be saved.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.unsaved
            .then(|| self.next_save.saturating_duration_since(Instant::now()))
    }

    /// Saves if the last save is long enough ago. The time between saves grows with what a save costs, so
    /// that a lock of many stages does not slow its run down.
    pub(super) fn save_if_due(&mut self, now: Timestamp) -> Result<(), LockError> {
        let began = Instant::now();
        if !self.unsaved || began < self.next_save {
            return Ok(());
        }
        self.save(now)?;
        self.next_save = Instant::now() + SAVE_EVERY.max(began.elapsed() * 20);
        Ok(())
    }

    /// Saves what is not saved yet.
    pub(super) fn save(&mut self, now: Timestamp) -> Result<(), LockError> {
        let Some(path) = self.path.clone().filter(|_| self.unsaved) else {
            return Ok(());
        };
        save_lock_file(&path, &self.lock_file(now))?;
        self.unsaved = false;
        Ok(())
    }

    /// Entries in the playbook's order; those of stages it no longer has are left out.
    fn lock_file(&self, now: Timestamp) -> LockFile {
        let playbook = self.plan.playbook();
        let entry = |name: &StageName| Some((name.clone(), self.entry(name)?.clone()));
        let params = playbook
            .params
            .iter()
            .filter_map(|(name, value)| Some((ParamKey::parse(name).ok()?, value.clone())));
        LockFile {
            schema: SCHEMA.to_owned(),
            playbook: playbook.name.clone(),
            generated_at: Some(now),
            generator: crate::GENERATOR.to_owned(),
            blake3_version: BLAKE3_VERSION.to_owned(),
            params_hash: Some(digest_params(&params.collect())),
            stages: playbook.stages.keys().filter_map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BLAKE3_VERSION;

    #[test]
    fn the_version_of_blake3_is_the_one_that_is_used() {
        let manifest = include_str!("../../../../Cargo.toml");
        let line = format!("blake3 = {{ version = \"{BLAKE3_VERSION}\"");
        assert!(
            manifest.contains(&line),
            "the workspace does not say {line}"
        );
    }
}
