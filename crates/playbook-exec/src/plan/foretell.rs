//! What a run would do with each stage, told without running any.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use playbook_hash::{DigestMemo, HashError, PathDigest, Trust};
use playbook_lock::decide::LockState;
use playbook_types::graph::StageId;
use playbook_types::model::policy::Validation;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::{HitKind, Reasons};
use playbook_types::record::reason::{AlwaysCause, InvalidationReason};
use rayon::prelude::*;

use crate::fanout::{JobsOutlook, SplitFault, runs_anew};
use crate::plan::build::Plan;
use crate::plan::changes::Contents;
use crate::plan::decide::{Decided, Facts, StageFault, decide};

/// What a run would do with a stage.
#[derive(Debug)]
pub enum Fate {
    /// Not run it.
    Hit(HitKind),
    /// Run it, unless something it needs fails.
    Miss(Reasons),
    /// Run it only if one of these makes other bytes, or runs at all, than are recorded.
    Maybe(Vec<StageName>),
    /// Nothing yet: another run is working on it now.
    Running {
        /// That run's process.
        pid: u32,
        /// When it began with this stage.
        since: Timestamp,
    },
    /// Fail at it.
    Fault(StageFault),
}

impl Fate {
    /// Whether the stage would certainly not run.
    pub fn is_hit(&self) -> bool {
        matches!(self, Self::Hit(_))
    }
}

/// A stage and what a run would do with it.
#[derive(Debug)]
pub struct Foretold {
    /// The stage.
    pub id: StageId,
    /// Its name.
    pub stage: StageName,
    /// What a run would do.
    pub fate: Fate,
    /// Of a fan-out that would run, and whose input is there: its jobs.
    pub jobs: Option<JobsOutlook>,
}

impl Foretold {
    /// Whether it makes a playbook out of date. A stage that always runs does not by itself, but where nothing is recorded
    /// nothing is known to be up to date.
    pub fn counts_as_out_of_date(&self) -> bool {
        match &self.fate {
            Fate::Hit(_) => false,
            Fate::Miss(reasons) => match reasons.as_slice() {
                [InvalidationReason::AlwaysRuns { cause }] => {
                    *cause == Some(AlwaysCause::NothingRecorded)
                }
                _ => true,
            },
            Fate::Maybe(_) | Fate::Running { .. } | Fate::Fault(_) => true,
        }
    }
}

/// What stands at each path, looked at once.
pub(super) struct Seen {
    found: BTreeMap<DataPath, Result<PathDigest, HashError>>,
    pub(super) memo: DigestMemo,
}

impl Seen {
    /// Looks at everything the stages read or made, in parallel.
    pub(super) fn look(plan: &Plan<'_>, trust: Trust) -> Self {
        let lock = plan.lock();
        let recorded = |id: &StageId| lock.and_then(|lock| lock.stages.get(&plan.stage(*id).name));
        let compared = plan.playbook_policy().validation == Validation::Checksum;
        let mut paths: Vec<DataPath> = Vec::new();
        for id in plan
            .stages
            .iter()
            .filter(|id| !plan.stage(**id).frozen || plan.forced.contains(id))
        {
            paths.extend(plan.stage(*id).deps.iter().map(|dep| dep.path.clone()));
            paths.extend(
                recorded(id)
                    .filter(|_| compared)
                    .into_iter()
                    .flat_map(|entry| &entry.outs)
                    .map(|out| out.path.clone()),
            );
        }
        paths.sort_unstable();
        paths.dedup();
        let memo = DigestMemo::with_cache(trust, plan.stat_cache());
        let digest = |path: DataPath| {
            let found = memo.digest(&plan.will_stand_at(&path), &plan.ignore);
            (path, found)
        };
        let found: Vec<_> = paths.into_par_iter().map(digest).collect();
        // Looking works where nothing can be written, too; what was read is then read again.
        memo.save().ok();
        Self {
            found: found.into_iter().collect(),
            memo,
        }
    }

    pub(super) fn at(&self, plan: &Plan<'_>, path: &DataPath) -> Result<PathDigest, HashError> {
        match self.found.get(path) {
            Some(Ok(found)) => Ok(found.clone()),
            // An error is not a value to copy, and what nothing is decided by was not looked at yet.
            _ => self.memo.digest(&plan.will_stand_at(path), &plan.ignore),
        }
    }
}

impl Plan<'_> {
    /// What a run would do with each stage of this plan, in the order of the run. What is wrong with one
    /// stage is told as its fate. Writes nothing.
    pub fn foretell(&self, trust: Trust) -> Vec<Foretold> {
        self.foretell_seen(&Seen::look(self, trust))
    }

    pub(super) fn foretell_seen(&self, seen: &Seen) -> Vec<Foretold> {
        let mut fates: BTreeMap<StageId, Fate> = BTreeMap::new();
        let mut outlooks = BTreeMap::new();
        for id in self.order() {
            let mut fate = self.fate(id, seen, &fates);
            match self.jobs_of_fate(id, &fate, (seen, &fates)) {
                Ok(jobs) => {
                    outlooks.insert(id, jobs);
                }
                Err(fault) => fate = Fate::Fault(fault.into()),
            }
            fates.insert(id, fate);
        }
        let told = self.order().filter_map(|id| {
            Some(Foretold {
                id,
                stage: self.stage(id).name.clone(),
                fate: fates.remove(&id)?,
                jobs: outlooks.remove(&id).flatten(),
            })
        });
        told.collect()
    }

    /// The jobs of a stage that certainly runs, on what is there already.
    fn jobs_of_fate(
        &self,
        id: StageId,
        fate: &Fate,
        (seen, fates): (&Seen, &BTreeMap<StageId, Fate>),
    ) -> Result<Option<JobsOutlook>, SplitFault> {
        let Fate::Miss(reasons) = fate else {
            return Ok(None);
        };
        // What it reads, or which runs it will follow, is still to come.
        let mut needs = self.graph.reads(id).iter();
        let waits = needs.any(|need| is_open(fates.get(need)))
            || self
                .after(id)
                .any(|other| is_open(fates.get(&other)) && !runs(fates.get(&other)));
        if waits {
            return Ok(None);
        }
        let follows = self.after(id).any(|other| runs(fates.get(&other)));
        let anew = follows || runs_anew(self, id, reasons);
        self.jobs_outlook(id, anew, &seen.memo)
    }

    /// That another run is working on the stage now.
    fn being_run(&self, id: StageId) -> Option<Fate> {
        let unfinished = self.recorded.unfinished.as_ref()?;
        let since = unfinished.running_since(&self.stage(id).name)?;
        let pid = unfinished.header.pid;
        Some(Fate::Running { pid, since })
    }

    fn fate(&self, id: StageId, seen: &Seen, fates: &BTreeMap<StageId, Fate>) -> Fate {
        if let Some(running) = self.being_run(id) {
            return running;
        }
        let open: Vec<StageId> = self
            .graph
            .follows(id)
            .filter(|need| is_open(fates.get(need)))
            .collect();
        let read_open: Vec<StageId> = self
            .graph
            .reads(id)
            .iter()
            .copied()
            .filter(|need| open.contains(need))
            .collect();
        let to_come = |path: &DataPath| {
            read_open.iter().any(|maker| {
                self.stage(*maker)
                    .outs
                    .iter()
                    .any(|out| out.path.overlaps(path))
            })
        };
        let contents = Contents {
            plan: self,
            memo: &seen.memo,
        };
        let facts = Facts {
            lock: self.lock_state(id),
            after: self.after_in_future(id, fates),
            look: &|path| seen.at(self, path),
            to_come: &to_come,
            count_files: &|reasons| contents.count(id, reasons, |path| self.will_stand_at(path)),
        };
        let waits = || {
            open.iter()
                .map(|need| self.stage(*need).name.clone())
                .collect::<Vec<_>>()
        };
        match decide(self, id, &facts) {
            Err(fault) => Fate::Fault(fault),
            Ok(Decided::Hit(HitKind::Frozen)) => Fate::Hit(HitKind::Frozen),
            Ok(Decided::Hit(HitKind::Hit)) if open.is_empty() => Fate::Hit(HitKind::Hit),
            Ok(Decided::Hit(HitKind::Hit)) => Fate::Maybe(waits()),
            // What is to come was taken as recorded, so whatever speaks against the result is certain.
            Ok(Decided::Miss(reasons, _)) => Fate::Miss(reasons),
        }
    }

    /// Where on disk is now what will stand at this path when the next run begins: elsewhere if a run died in
    /// the middle of the stage that makes it.
    pub(crate) fn will_stand_at(&self, path: &DataPath) -> PathBuf {
        let run = self.recorded.unfinished.as_ref();
        run.and_then(|run| run.waits_elsewhere(self.root(), path))
            .unwrap_or_else(|| self.root().resolve(path))
    }

    pub(crate) fn lock_state(&self, id: StageId) -> LockState<'_> {
        match self.lock() {
            None => LockState::NoLock,
            Some(lock) => match lock.stages.get(&self.stage(id).name) {
                None => LockState::NotInLock,
                Some(entry) => LockState::Entry(entry),
            },
        }
    }

    /// The stages it is only ordered after.
    fn after(&self, id: StageId) -> impl Iterator<Item = StageId> {
        let stages = &self.playbook().stages;
        let after = self.stage(id).after.iter();
        after.filter_map(|name| stages.get_index_of(name).map(StageId::new))
    }

    /// When the stages it is ordered after will last have ended: one that would certainly run, later than ever.
    fn after_in_future<'a>(
        &'a self,
        id: StageId,
        fates: &BTreeMap<StageId, Fate>,
    ) -> Vec<(&'a StageName, Option<Timestamp>)> {
        let ended = |name: &StageName| {
            let other = self.playbook().stages.get_index_of(name).map(StageId::new);
            match other.and_then(|other| fates.get(&other)) {
                fate if runs(fate) => Some(Timestamp::MAX),
                _ => self
                    .lock()
                    .and_then(|lock| lock.stages.get(name))
                    .and_then(|entry| entry.completed_at),
            }
        };
        self.stage(id)
            .after
            .iter()
            .map(|name| (name, ended(name)))
            .collect()
    }
}

/// Whether a stage certainly runs.
fn runs(fate: Option<&Fate>) -> bool {
    matches!(fate, Some(Fate::Miss(_) | Fate::Running { .. }))
}

/// Whether what a stage will leave behind is not known yet.
fn is_open(fate: Option<&Fate>) -> bool {
    !matches!(fate, None | Some(Fate::Hit(_)))
}
