//! What is told of a fan-out without running it: how many jobs would run and which, and one job as a person would run it.

use std::path::PathBuf;

use playbook_hash::{DigestMemo, JobKeys, Listings, PathDigest};
use playbook_lock::history::short_id;
use playbook_types::digest::Digest;
use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::AfterEntry;
use playbook_types::template::TemplateError;

use crate::fanout::begin::{Unmade, look_at, parts, pending, templates};
use crate::fanout::commands::{job_names, render};
use crate::fanout::manifest::Manifest;
use crate::fanout::split::{Jobs, SplitFault};
use crate::fanout::work_dir::{WorkDirs, short};
use crate::plan::{Facts, Plan, StageFault, fingerprint};

/// Jobs that are named one by one.
const NAMED: usize = 5;

/// The jobs that a run would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsOutlook {
    /// How many there are.
    pub total: usize,
    /// How many would run.
    pub to_run: usize,
    /// The first of those, by what they read.
    pub first: Vec<String>,
    /// How many outputs that jobs made are made by none any more, and would be removed.
    pub to_remove: usize,
    /// The first of those, below the root.
    pub first_removed: Vec<String>,
}

/// One job as a person would run it.
#[derive(Debug)]
pub struct JobByHand {
    /// What it is known by.
    pub id: String,
    /// What it reads.
    pub inputs: Vec<DataPath>,
    /// What it makes.
    pub outputs: Vec<DataPath>,
    /// Its commands.
    pub commands: Vec<String>,
    /// The same with values from the environment masked.
    pub shown: Vec<String>,
    /// Where what it left is, if it failed when it last ran.
    pub work_dir: PathBuf,
}

/// Why a job cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobFault {
    /// Its stage is no fan-out.
    #[error("stage '{stage}' has no jobs: it has no 'parallel'")]
    NoFanOut {
        /// The stage.
        stage: StageName,
    },
    /// There is none of that name.
    #[error("stage '{stage}' has no job that reads '{job}' or has that id")]
    NoSuchJob {
        /// The stage.
        stage: StageName,
        /// What was asked for.
        job: String,
    },
    /// An id that several jobs begin with.
    #[error("several jobs of stage '{stage}' have ids that begin with '{job}'")]
    Several {
        /// The stage.
        stage: StageName,
        /// What was asked for.
        job: String,
    },
    /// The stage's input cannot be looked at, or cannot be split.
    #[error(transparent)]
    Input(#[from] StageFault),
    /// A name cannot be put into the command.
    #[error("{0}")]
    Command(TemplateError),
}

impl Plan<'_> {
    /// The jobs that a run would run of a stage that runs; all of them if they run anew. Nothing where the stage is no
    /// fan-out, or what it reads or makes changes at this moment.
    ///
    /// # Errors
    ///
    /// It cannot be split as its input is now.
    pub(crate) fn jobs_outlook(
        &self,
        id: StageId,
        anew: bool,
        memo: &DigestMemo,
    ) -> Result<Option<JobsOutlook>, SplitFault> {
        let stage = self.stage(id);
        let Some((_, _, out)) = parts(stage) else {
            return Ok(None);
        };
        let (jobs, keys) = match self.jobs_of(id, memo) {
            Ok(found) => found,
            Err(JobFault::Input(StageFault::Split(fault))) => return Err(fault),
            Err(_) => return Ok(None),
        };
        let manifest = Manifest::load(&self.project.state_dir(), &stage.name);
        let Ok(found) = look_at(stage, |path| self.listed(path, memo)) else {
            return Ok(None);
        };
        let pending = if anew {
            (0..keys.len()).collect()
        } else {
            let pending = pending(self, &manifest, (&jobs, &keys), &found.things());
            let cut_off = self.cut_off(&stage.name, &manifest);
            let number = |job: &u32| *job as usize;
            let mut pending: Vec<usize> = pending.iter().map(number).collect();
            pending.extend((0..keys.len()).filter(|job| cut_off.contains(&&keys[*job])));
            pending.sort_unstable();
            pending.dedup();
            pending
        };
        let first = pending.iter().take(NAMED).map(|job| jobs.title(*job));
        let entry = self.lock().and_then(|lock| lock.stages.get(&stage.name));
        let own = found.own(entry, &manifest);
        let unmade = found.unmade(&jobs, &own);
        let removed = unmade.iter().filter(|(_, what)| *what == Unmade::Own);
        let named = removed.clone().take(NAMED);
        let named = named.map(|(path, _)| format!("{out}/{}", path.to_string_lossy()));
        let first_removed = named.collect();
        Ok(Some(JobsOutlook {
            total: keys.len(),
            to_run: pending.len(),
            first: first.collect(),
            to_remove: removed.count(),
            first_removed,
        }))
    }

    /// The jobs that a run was in the middle of when it died. What stands at their outputs the next run takes away first,
    /// even if it is what they should make.
    fn cut_off(&self, stage: &StageName, manifest: &Manifest) -> Vec<&Digest> {
        let Some(unfinished) = &self.recorded.unfinished else {
            return Vec::new();
        };
        let run = short_id(unfinished.header.run_id);
        let is_done = |key: &Digest| manifest.job(key).is_some_and(|record| record.run == run);
        let open = unfinished.open.get(stage).into_iter();
        let jobs = open.flat_map(|open| open.jobs.values());
        jobs.map(|job| &job.key)
            .filter(|key| !is_done(key))
            .collect()
    }

    fn listed(
        &self,
        path: &DataPath,
        memo: &DigestMemo,
    ) -> Result<PathDigest, playbook_hash::HashError> {
        memo.digest_listed(&self.will_stand_at(path), &self.ignore, Listings::Make)
    }

    /// The jobs of a stage as its input is now, and their keys in the next run.
    fn jobs_of(&self, id: StageId, memo: &DigestMemo) -> Result<(Jobs, Vec<Digest>), JobFault> {
        let stage = self.stage(id);
        let Some((parallel, dep, out)) = parts(stage) else {
            let stage = stage.name.clone();
            return Err(JobFault::NoFanOut { stage });
        };
        let facts = Facts {
            lock: self.lock_state(id),
            after: Vec::new(),
            look: &|path| memo.digest(&self.will_stand_at(path), &self.ignore),
            to_come: &|_| false,
            count_files: &|reasons| reasons,
        };
        let fingerprint = fingerprint(self, id, &facts)?;
        let found = self.listed(dep, memo).map_err(StageFault::from)?;
        let Some(listing) = found.listing else {
            let dep = dep.clone();
            return Err(StageFault::from(SplitFault::NotADirectory { dep }).into());
        };
        let jobs = Jobs::split(parallel, (dep, out), &listing).map_err(StageFault::from)?;
        let ended = |name: &StageName| self.lock()?.stages.get(name)?.completed_at;
        let after = stage.after.iter().map(|name| AfterEntry {
            stage: name.clone(),
            completed_at: ended(name),
        });
        let keys = JobKeys::new(&fingerprint, &after.collect::<Vec<_>>());
        let keys = (0..jobs.len()).map(|job| jobs.key(&keys, job)).collect();
        Ok((jobs, keys))
    }

    /// One job of a stage, by what it reads or the front of its id.
    ///
    /// # Errors
    ///
    /// There is none, or its stage cannot be split as its input is now.
    pub fn job_by_hand(&self, stage: &StageName, job: &str) -> Result<JobByHand, JobFault> {
        let none = || JobFault::NoSuchJob {
            stage: stage.clone(),
            job: job.to_owned(),
        };
        let id = self
            .playbook()
            .stages
            .get_index_of(stage)
            .ok_or_else(none)?;
        let id = StageId::new(id);
        let memo = DigestMemo::with_cache(playbook_hash::Trust::Stat, self.stat_cache());
        let (jobs, keys) = self.jobs_of(id, &memo)?;
        let by_path = DataPath::parse(job)
            .ok()
            .and_then(|path| jobs.reading(&path));
        let number = if let Some(number) = by_path {
            number
        } else {
            let is_id = job.len() >= 4 && job.bytes().all(|byte| byte.is_ascii_hexdigit());
            let begins = |key: &Digest| is_id && crate::fanout::work_dir::hex(key).starts_with(job);
            let mut found = (0..keys.len()).filter(|number| begins(&keys[*number]));
            let number = found.next().ok_or_else(none)?;
            if found.next().is_some() {
                let (stage, job) = (stage.clone(), job.to_owned());
                return Err(JobFault::Several { stage, job });
            }
            number
        };
        let key = &keys[number];
        let dirs = WorkDirs::new(self, &self.project.state_dir(), stage);
        let stage = self.stage(id);
        let (inputs, outputs) = (jobs.inputs(number), jobs.outputs(number));
        let names = job_names(stage, (&inputs, &outputs), &dirs.scratch_named(key));
        let rendered = render(self.playbook(), stage, &templates(stage), &names);
        let rendered = rendered.map_err(JobFault::Command)?;
        Ok(JobByHand {
            id: short(key),
            inputs,
            outputs,
            commands: rendered.texts,
            shown: rendered.shown,
            work_dir: dirs.of(key),
        })
    }
}
