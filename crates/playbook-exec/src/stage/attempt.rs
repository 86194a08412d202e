//! One attempt at one stage, on the thread of a worker.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::{DigestMemo, Fingerprint};
use playbook_lock::entry::{self, Ran};
use playbook_lock::journal::Journal;
use playbook_types::graph::StageId;
use playbook_types::model::policy::FailurePolicy;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::decision::Reasons;
use playbook_types::record::event::{JobCounts, KeptFile};
use playbook_types::record::lock::{AfterEntry, DataEntry, StageEntry};
use playbook_types::record::usage::Usage;

use crate::clock::Clock;
use crate::observer::Observer;
use crate::outputs::{Committed, OutFault, Places, RolledBack, Transaction};
use crate::plan::Plan;
use crate::process::{AttemptLog, Direct, SpareLogs};
use crate::schedule::Running;
use crate::stage::cause::FailureCause;
use crate::stage::commands::Commands;
use crate::stage::made::Eyes;

/// What a worker is to do.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: StageId,
    /// Why it runs.
    pub(crate) reasons: Reasons,
    pub(crate) fingerprint: Box<Fingerprint>,
    /// Which try this is, from 1.
    pub(crate) attempt: u32,
    pub(crate) log: PathBuf,
    /// Which runs of the stages it is ordered after this one follows.
    pub(crate) after: Vec<AfterEntry>,
    /// What an earlier try of this run left on record, if its outs stand.
    pub(crate) known: Option<Box<StageEntry>>,
    /// The accelerators it may use, if it was given any.
    pub(crate) devices: Option<String>,
}

/// Everything a worker needs beside its job.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) memo: &'a DigestMemo,
    pub(crate) places: &'a Places,
    pub(crate) running: &'a Running,
    pub(crate) direct: &'a Direct,
    pub(crate) logs: &'a SpareLogs,
    pub(crate) journal: &'a Journal,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) observer: &'a dyn Observer,
    /// What a failure means for what has not begun.
    pub(crate) failure: FailurePolicy,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) struct Result {
    pub(crate) id: StageId,
    pub(crate) log: PathBuf,
    /// What its commands used, if any ran.
    pub(crate) usage: Option<Usage>,
    /// Meanwhile the system has ended a process for lack of memory.
    pub(crate) out_of_memory: bool,
    pub(crate) outcome: std::result::Result<Made, Failed>,
}

/// The stage made every out, and the journal has its entry.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) entry: StageEntry,
    pub(crate) kept: Vec<KeptFile>,
    /// Why old outs are still aside.
    pub(crate) fault: Option<OutFault>,
    /// Of a fan-out: its jobs.
    pub(crate) jobs: Option<JobCounts>,
}

/// The stage did not.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) cause: FailureCause,
    pub(crate) entry: StageEntry,
    pub(crate) restored: Vec<DataPath>,
    pub(crate) kept: Vec<KeptFile>,
    /// It is a gate that said no.
    pub(crate) verdict: Option<Verdict>,
    /// Of a fan-out that had begun: its jobs.
    pub(crate) jobs: Option<JobCounts>,
}

/// What a gate that failed leaves: its reports, in their places. The journal has its entry.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The first of its reports that it wrote.
    pub(crate) report: Option<DataPath>,
    /// Those that it did not.
    pub(crate) missing: Vec<DataPath>,
    /// Why old reports are still aside.
    pub(crate) fault: Option<OutFault>,
}

/// Runs the stage once.
pub(crate) fn attempt(with: Attempt<'_>, job: Job) -> Result {
    let mut timer = Timer {
        started_at: with.clock.now(),
        ran: Duration::ZERO,
    };
    let kills = with.running.memory_kills();
    let outcome = with.transact(&job, &mut timer).map_err(|stop| match *stop {
        Stop::RolledBack { cause, back } => {
            let old = with.entry(&job);
            let outs = old.map(|entry| entry.outs.clone()).unwrap_or_default();
            let entry = entry::failed(&job.fingerprint, outs, with.ran(&job, &timer));
            Failed {
                cause,
                // What is back it still did not make.
                entry: StageEntry {
                    adopted: old.is_some_and(|old| old.adopted),
                    ..entry
                },
                restored: back.restored,
                kept: back.left.into_iter().chain(back.kept).collect(),
                verdict: None,
                jobs: None,
            }
        }
        Stop::SaidNo {
            cause,
            entry,
            committed: Committed { kept, fault },
        } => {
            let wrote = |path: &DataPath| entry.outs.iter().any(|out| out.path == *path);
            let outs = with.plan.stage(job.id).outs.iter().map(|out| &out.path);
            let missing = outs.filter(|path| !wrote(path)).cloned().collect();
            let report = entry.outs.first().map(|out| out.path.clone());
            Failed {
                cause,
                entry: *entry,
                restored: Vec::new(),
                kept,
                verdict: Some(Verdict {
                    report,
                    missing,
                    fault,
                }),
                jobs: None,
            }
        }
    });
    Result {
        id: job.id,
        log: job.log,
        usage: with.usage(job.id),
        out_of_memory: outcome.is_err() && with.running.memory_kills() > kills,
        outcome,
    }
}

/// When an attempt began, and how long its commands ran.
#[derive(Debug)]
pub(crate) struct Timer {
    pub(crate) started_at: Timestamp,
    pub(crate) ran: Duration,
}

/// Why an attempt came to nothing, and what its transaction left.
enum Stop {
    /// Everything is as it was before.
    RolledBack {
        cause: FailureCause,
        back: RolledBack,
    },
    /// A gate failed: what it wrote stands in the place of what it wrote before.
    SaidNo {
        cause: FailureCause,
        entry: Box<StageEntry>,
        committed: Committed,
    },
}

impl From<FailureCause> for Box<Stop> {
    fn from(cause: FailureCause) -> Self {
        let back = RolledBack::default();
        Self::new(Stop::RolledBack { cause, back })
    }
}

impl Attempt<'_> {
    /// Runs the commands inside the transaction around the stage's outs.
    fn transact(&self, job: &Job, timer: &mut Timer) -> std::result::Result<Made, Box<Stop>> {
        let stage = self.plan.stage(job.id);
        let eyes = self.eyes();
        let old = eyes.old_outs(stage, self.entry(job));
        let with = (self.places, self.journal);
        let transaction = Transaction::begin(with, &stage.name, &old, timer.started_at)
            .map_err(FailureCause::from)?;
        let began = self.running.awake();
        let log = self.logs.open(&job.log).map_err(FailureCause::log);
        let ended = log.and_then(|log| self.commands(stage, job, &log).map(|()| log));
        timer.ran = self.running.awake().saturating_duration_since(began);
        let made = ended.and_then(|log| {
            let outs = eyes.made(stage)?;
            pass(Point::OutsMade);
            let entry = self.completed(job, outs, timer);
            if self.memo.is_halted() {
                // Whether its deps moved is then not known.
                return Err(FailureCause::Interrupted);
            }
            let Committed { kept, fault } =
                transaction.commit(&entry).map_err(FailureCause::log)?;
            if self.running.owns_process() {
                self.logs.give_back(log);
            }
            Ok(Made {
                entry,
                kept,
                fault,
                jobs: None,
            })
        });
        made.map_err(|cause| {
            let cause = match self.said_no(job, &transaction, (cause, timer)) {
                Ok(said_no) => return Box::new(said_no),
                Err(cause) => cause,
            };
            let (cause, back) = match transaction.roll_back() {
                Ok(back) => (cause, back),
                Err(fault) => (cause.and_stuck(fault), RolledBack::default()),
            };
            Box::new(Stop::RolledBack { cause, back })
        })
    }

    /// A gate whose commands came to their end by themselves, and did not end well, has failed: its reports take the
    /// place of its former ones, as the outs of a stage do that went well. Any other failure is given back.
    fn said_no(
        &self,
        job: &Job,
        transaction: &Transaction<'_>,
        (cause, timer): (FailureCause, &Timer),
    ) -> std::result::Result<Stop, FailureCause> {
        let stage = self.plan.stage(job.id);
        // What this run ends has not said anything, and its reports may be half written.
        if !stage.gate || !cause.is_the_commands() || self.running.is_ending(job.id.into()) {
            return Err(cause);
        }
        let Some(reports) = self.eyes().reports(stage) else {
            return Err(cause);
        };
        pass(Point::OutsMade);
        let entry = entry::failed(&job.fingerprint, reports, self.ran(job, timer));
        match transaction.commit(&entry) {
            Ok(committed) => Ok(Stop::SaidNo {
                cause,
                entry: Box::new(entry),
                committed,
            }),
            Err(error) => Err(FailureCause::log(error)),
        }
    }

    /// The entry of a stage that made all its outs.
    fn completed(&self, job: &Job, outs: Vec<DataEntry>, timer: &Timer) -> StageEntry {
        let moved = self.eyes().moved(&job.fingerprint.deps);
        let mut entry = entry::completed(&job.fingerprint, outs, self.ran(job, timer));
        if !moved.is_empty() {
            entry.cache_key = None;
            entry.moved = moved;
        }
        entry
    }

    pub(crate) fn ran(&self, job: &Job, timer: &Timer) -> Ran {
        let fixed = self.clock.is_fixed();
        Ran {
            started_at: timer.started_at,
            completed_at: self.clock.now(),
            duration_seconds: if fixed { 0.0 } else { timer.ran.as_secs_f64() },
            target: self
                .plan
                .stage(job.id)
                .target
                .as_ref()
                .map(ToString::to_string),
            after: job.after.clone(),
            retries: job.attempt.saturating_sub(1),
        }
    }

    /// Whether nothing new begins after a failure.
    pub(crate) fn stops_on_first(&self) -> bool {
        self.failure == FailurePolicy::StopOnFirst
    }

    /// What the commands of a stage used. Where time stands still, nothing is measured.
    pub(crate) fn usage(&self, id: StageId) -> Option<Usage> {
        let used = self.running.used(id)?;
        (!self.clock.is_fixed()).then(|| used.usage())
    }

    pub(crate) fn eyes(&self) -> Eyes<'_> {
        Eyes {
            places: self.places,
            memo: self.memo,
            ignore: &self.plan.ignore,
        }
    }

    /// What is on record of what stands at the stage's outs.
    pub(crate) fn entry<'j>(&'j self, job: &'j Job) -> Option<&'j StageEntry> {
        let name = &self.plan.stage(job.id).name;
        let recorded = || self.plan.lock()?.stages.get(name);
        job.known.as_deref().or_else(recorded)
    }

    /// Runs the stage's commands one after the other; the first that fails ends it.
    fn commands(
        &self,
        stage: &Stage,
        job: &Job,
        log: &AttemptLog,
    ) -> std::result::Result<(), FailureCause> {
        let Some(resolved) = &self.plan.resolved[job.id.index()] else {
            return Ok(());
        };
        self.run(&Commands {
            stage,
            who: job.id.into(),
            lane: None,
            texts: &resolved.commands,
            env: &resolved.env,
            environment: resolved.environment,
            devices: job.devices.as_deref(),
            out: (log.file(), &job.log),
            err: (log.file(), &job.log),
        })
    }
}
