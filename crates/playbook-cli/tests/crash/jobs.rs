//! What must hold of the jobs of fan-outs: one that is done runs again only if what decides about it has changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::fan::Job;
use crate::run::Ran;
use crate::sandbox::Sandbox;
use crate::watch::{Verdict, ensure};

/// What a test knows of the jobs of one sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    now: Vec<Job>,
    /// Those that were done when all was made, and that nobody has touched the outputs of.
    settled: Vec<Job>,
    /// The last run before something was changed.
    since: u32,
    /// How many jobs a run could have at once, and how many of a stage's failed, by its number.
    runs: BTreeMap<u32, usize>,
}

impl Jobs {
    pub(crate) fn new(now: &[Job]) -> Self {
        Self {
            now: now.to_vec(),
            settled: Vec::new(),
            since: 0,
            runs: BTreeMap::new(),
        }
    }

    /// All are done, and now there are these.
    pub(crate) fn next_generation(&mut self, now: &[Job], last_run: u32) {
        self.settled = std::mem::take(&mut self.now);
        self.change(now, last_run);
    }

    /// There are others, and whether the former ones were done is not known.
    pub(crate) fn change(&mut self, now: &[Job], last_run: u32) {
        let same: BTreeSet<&str> = now.iter().map(|job| job.key.as_str()).collect();
        self.settled.retain(|job| same.contains(job.key.as_str()));
        self.now = now.to_vec();
        self.since = last_run;
    }

    /// Somebody wrote into this file.
    pub(crate) fn touched(&mut self, path: &str, last_run: u32) {
        self.settled
            .retain(|job| !job.outs.iter().any(|out| out == path));
        self.since = last_run;
    }

    /// How many jobs of a stage a run has started.
    pub(crate) fn started_in(&self, sandbox: &Sandbox, stage: &str, run: u32) -> usize {
        let jobs = self.now.iter().filter(|job| job.stage == stage);
        jobs.filter(|job| starts(sandbox, job).contains(&run))
            .count()
    }

    /// A run has ended somehow.
    pub(crate) fn after(&mut self, sandbox: &Sandbox, ran: &Ran) -> Verdict {
        self.runs.insert(ran.number, ran.at_once);
        for job in &self.settled {
            let again = starts(sandbox, job).range(self.since + 1..).next().copied();
            let same = self.now.iter().any(|now| now.key == job.key);
            ensure!(
                !same || again.is_none(),
                "{} was done and is as it was, and run {again:?} started it",
                job.counts.join(", ")
            );
        }
        self.no_more_than_ran_at_once(sandbox)
    }

    /// Whatever ended a run, only those of its jobs that it was at then may have to run again, and those that failed.
    fn no_more_than_ran_at_once(&self, sandbox: &Sandbox) -> Verdict {
        let mut again: BTreeMap<(u32, &str), BTreeSet<&str>> = BTreeMap::new();
        for job in &self.now {
            let starts = starts(sandbox, job);
            let starts: Vec<u32> = starts.range(self.since + 1..).copied().collect();
            for run in starts.iter().rev().skip(1) {
                let jobs = again.entry((*run, &job.stage)).or_default();
                jobs.insert(&job.counts[0]);
            }
        }
        for ((run, stage), jobs) in again {
            // One of each stage's jobs fails at first.
            let most = self.runs.get(&run).map_or(0, |at_once| at_once + 1);
            ensure!(
                jobs.len() <= most,
                "of {stage} run {run} started {jobs:?}, of which {most} at most could not be done, and all ran again"
            );
        }
        Ok(())
    }
}

/// The runs that have started a job.
fn starts(sandbox: &Sandbox, job: &Job) -> BTreeSet<u32> {
    let texts = job.counts.iter();
    let texts = texts.filter_map(|count| sandbox.read(&format!("counts/{count}")));
    let mut runs = BTreeSet::new();
    for text in texts {
        let starts = text.lines().filter_map(|line| line.strip_prefix("start "));
        runs.extend(starts.filter_map(|run| run.parse::<u32>().ok()));
    }
    runs
}
