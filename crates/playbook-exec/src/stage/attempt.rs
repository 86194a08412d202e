//! One attempt at one stage, on the thread of a worker.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use playbook_hash::{DigestMemo, Fingerprint};
use playbook_types::graph::StageId;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;
use playbook_types::record::lock::{DataEntry, StageEntry};

use crate::clock::Clock;
use crate::outputs::{Places, Transaction};
use crate::plan::{Plan, Resolved};
use crate::process::{AttemptLog, Builder, Ended};
use crate::schedule::Running;
use crate::stage::cause::FailureCause;
use crate::stage::made::Eyes;

/// What a worker is to do.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: StageId,
    pub(crate) fingerprint: Box<Fingerprint>,
    pub(crate) log: PathBuf,
}

/// Everything a worker needs beside its job.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) memo: &'a DigestMemo,
    pub(crate) places: &'a Places,
    pub(crate) running: &'a Running,
    pub(crate) clock: &'a dyn Clock,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) struct Result {
    pub(crate) id: StageId,
    pub(crate) fingerprint: Box<Fingerprint>,
    pub(crate) log: PathBuf,
    pub(crate) started_at: Timestamp,
    pub(crate) completed_at: Timestamp,
    /// How long the commands ran.
    pub(crate) seconds: f64,
    pub(crate) outcome: std::result::Result<Made, Failed>,
}

/// The stage made every out.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) outs: Vec<DataEntry>,
    /// Deps that changed while it ran.
    pub(crate) moved: Vec<DataPath>,
    pub(crate) kept: Vec<KeptFile>,
}

/// The stage did not.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) cause: FailureCause,
    pub(crate) restored: Vec<DataPath>,
    pub(crate) kept: Vec<KeptFile>,
}

impl From<FailureCause> for Failed {
    fn from(cause: FailureCause) -> Self {
        Self {
            cause,
            restored: Vec::new(),
            kept: Vec::new(),
        }
    }
}

/// Runs the stage once.
pub(crate) fn attempt(with: Attempt<'_>, job: Job) -> Result {
    let started_at = with.clock.now();
    let began = Instant::now();
    let mut ran = std::time::Duration::ZERO;
    let outcome = with.transact(&job, |stage| {
        let ended = with.commands(stage, &job);
        ran = began.elapsed();
        ended
    });
    let seconds = if with.clock.is_fixed() {
        0.0
    } else {
        ran.as_secs_f64()
    };
    let Job {
        id,
        fingerprint,
        log,
    } = job;
    Result {
        id,
        fingerprint,
        log,
        started_at,
        completed_at: with.clock.now(),
        seconds,
        outcome,
    }
}

impl Attempt<'_> {
    /// Runs `commands` inside the transaction around the stage's outs.
    fn transact(
        &self,
        job: &Job,
        commands: impl FnOnce(&Stage) -> std::result::Result<(), FailureCause>,
    ) -> std::result::Result<Made, Failed> {
        let stage = self.plan.stage(job.id);
        let eyes = self.eyes();
        let old = eyes.old_outs(stage, self.entry(stage));
        let mut transaction =
            Transaction::begin(self.places, &stage.name, old).map_err(FailureCause::from)?;
        match commands(stage).and_then(|()| eyes.made(stage)) {
            Ok(outs) => {
                let moved = eyes.moved(&job.fingerprint.deps);
                let kept = transaction.commit().map_err(FailureCause::from)?;
                Ok(Made { outs, moved, kept })
            }
            Err(cause) => match transaction.roll_back() {
                Ok(back) => Err(Failed {
                    cause,
                    restored: back.restored,
                    kept: back.kept,
                }),
                Err(fault) => {
                    let (cause, fault) = (Box::new(cause), Box::new(fault));
                    Err(FailureCause::NotRolledBack { cause, fault }.into())
                }
            },
        }
    }

    fn eyes(&self) -> Eyes<'_> {
        Eyes {
            places: self.places,
            memo: self.memo,
            ignore: &self.plan.ignore,
        }
    }

    fn entry(&self, stage: &Stage) -> Option<&StageEntry> {
        self.plan
            .lock()
            .and_then(|lock| lock.stages.get(&stage.name))
    }

    /// Runs the stage's commands one after the other; the first that fails ends it.
    fn commands(&self, stage: &Stage, job: &Job) -> std::result::Result<(), FailureCause> {
        let log = AttemptLog::create(&job.log).map_err(FailureCause::log)?;
        let Some(resolved) = &self.plan.resolved[job.id.index()] else {
            return Ok(());
        };
        let directory = match &stage.wdir {
            Some(wdir) => self.places.resolve(wdir),
            None => self.plan.root().as_path().to_owned(),
        };
        resolved
            .commands
            .iter()
            .try_for_each(|text| self.command(stage, job.id, (resolved, text), (&directory, &log)))
    }

    fn command(
        &self,
        stage: &Stage,
        id: StageId,
        (resolved, text): (&Resolved, &str),
        (directory, log): (&Path, &AttemptLog),
    ) -> std::result::Result<(), FailureCause> {
        let builder = Builder {
            shell: stage.shell,
            text,
            directory: directory.to_owned(),
            env: &resolved.env,
            log: log.file(),
        };
        let start = |error: &dyn std::fmt::Display| FailureCause::Start(error.to_string());
        // A run that is ending starts nothing more, not even the next command of a list.
        let group = self
            .running
            .enter(id, || builder.spawn())
            .ok_or(FailureCause::Interrupted)?;
        let group = group.map_err(|error| start(&error))?;
        let waited = group.wait_for_leader();
        // From here on the group's id may be used again, so no signal may be sent to it.
        self.running.leave(id);
        waited.map_err(|error| start(&error))?;
        let ended = group.end().map_err(|error| start(&error))?;
        match ended {
            Ended::Exited(0) if !self.running.is_ending(id) => Ok(()),
            Ended::Exited(0) => Err(FailureCause::Interrupted),
            Ended::Exited(code) => Err(FailureCause::Exit(code)),
            Ended::Signalled(number) => Err(FailureCause::Signal { number }),
        }
    }
}
