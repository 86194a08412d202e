//! A lane: one of those that run a stage's jobs, one after the other, as long as there is room.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use playbook_hash::disk::{self, AppendFile, DiskError};
use playbook_lock::entry;
use playbook_types::graph::StageId;
use playbook_types::record::event::EventKind;

use crate::fanout::begin::FanOut;
use crate::fanout::progress::Next;
use crate::fanout::work_dir::Remains;
use crate::outputs::RolledBack;
use crate::process::AttemptLog;
use crate::schedule::{Grant, Runner};
use crate::stage::{Attempt, AttemptResult, Failed, FailureCause, Job, Timer};

/// What those that run jobs have to tell the scheduler.
#[derive(Debug)]
pub(crate) enum Told {
    /// The stage's input is split: others may run its jobs too.
    Split(Arc<FanOut>),
    /// A job with a timeout starts.
    Started(Runner, Duration),
    /// It ended.
    Ended(Runner),
    /// A job failed and will be tried again.
    Retry(Box<EventKind>),
    /// One that ran jobs of the stage does so no longer.
    Left(StageId, u32, Grant),
    /// The stage is at its end, and so is the one that tells.
    Finished(Box<(AttemptResult, Grant)>),
}

/// Splits the input of a stage, and runs its jobs as its first lane.
pub(crate) fn begin_stage(with: Attempt<'_>, job: Job, grant: Grant, tell: &dyn Fn(Told)) {
    let started_at = with.clock.now();
    match FanOut::begin(with, job, started_at) {
        Ok(fan) => {
            let fan = Arc::new(fan);
            tell(Told::Split(Arc::clone(&fan)));
            run_lane(with, &fan, (0, grant), tell);
        }
        Err(not_begun) => {
            let (job, cause) = *not_begun;
            let old = with.entry(&job);
            let old = old.map(|entry| entry.outs.clone()).unwrap_or_default();
            let timer = Timer {
                started_at,
                ran: Duration::ZERO,
            };
            let RolledBack { restored, kept, .. } = RolledBack::default();
            let failed = Failed {
                cause,
                entry: entry::failed(&job.fingerprint, old, with.ran(&job, &timer)),
                restored,
                kept,
                verdict: None,
                jobs: None,
            };
            let result = AttemptResult {
                id: job.id,
                log: job.log,
                usage: None,
                out_of_memory: false,
                outcome: Err(failed),
            };
            tell(Told::Finished(Box::new((result, grant))));
        }
    }
}

/// Runs jobs of the stage until there is nothing to do or somebody else needs the room.
pub(crate) fn run_lane(
    with: Attempt<'_>,
    fan: &FanOut,
    (number, grant): (u32, Grant),
    tell: &dyn Fn(Told),
) {
    let mut lane = None;
    let finished = loop {
        if with.running.all_ending() {
            fan.progress.stop();
        }
        match fan.progress.next(with.running.awake()) {
            Next::Run(turn) => {
                let devices = grant.visible_devices();
                match Lane::opened(&mut lane, with, fan, (number, devices)) {
                    Ok(lane) => fan.run_job(with, lane, turn, tell),
                    Err(error) => fan.cannot_run(turn, FailureCause::log(error)),
                }
                fan.tell_progress(with);
            }
            Next::Conclude => break Some(fan.conclude(with)),
            Next::Leave => break None,
        }
    };
    if let Some(lane) = lane {
        lane.close(with);
    }
    tell(match finished {
        Some(result) => Told::Finished(Box::new((result, grant))),
        None => Told::Left(fan.job.id, number, grant),
    });
}

/// The observer is told no more often than this how far the jobs have come.
const TELL_EVERY: Duration = Duration::from_millis(100);

impl FanOut {
    /// Tells the observer now and then how far the jobs have come.
    fn tell_progress(&self, with: Attempt<'_>) {
        let since = with.running.awake().saturating_duration_since(self.began);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let (done, total) = self.progress.so_far();
        let last = self.told.load(Ordering::Relaxed);
        let every = u64::try_from(TELL_EVERY.as_millis()).unwrap_or(0);
        if since < last.saturating_add(every) && done < total {
            return;
        }
        let mine = self
            .told
            .compare_exchange(last, since, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_ok() {
            let stage = &with.plan.stage(self.job.id).name;
            with.observer.progress(stage, done, total);
        }
    }
}

/// Where the commands of one lane print to. What they printed is moved on after each job, so that a file is made
/// for each lane and not for each job.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) number: u32,
    /// The accelerators its jobs may use, if it was given any.
    pub(super) devices: Option<String>,
    out: AttemptLog,
    err: AttemptLog,
}

impl Lane {
    fn opened<'l>(
        lane: &'l mut Option<Self>,
        with: Attempt<'_>,
        fan: &FanOut,
        (number, devices): (u32, Option<&str>),
    ) -> Result<&'l mut Self, DiskError> {
        if lane.is_none() {
            let open = |what: &str| {
                let mut name = fan.job.log.as_os_str().to_owned();
                name.push(format!(".{number}.{what}"));
                with.logs.open(&PathBuf::from(name))
            };
            *lane = Some(Self {
                number,
                devices: devices.map(str::to_owned),
                out: open("out")?,
                err: open("err")?,
            });
        }
        lane.as_mut()
            .ok_or_else(|| DiskError::new("open", &fan.job.log, std::io::Error::other("no log")))
    }

    pub(super) fn out(&self) -> (&File, &Path) {
        (self.out.file(), self.out.path())
    }

    pub(super) fn err(&self) -> (&File, &Path) {
        (self.err.file(), self.err.path())
    }

    pub(super) fn has_output(&self) -> bool {
        self.out.has_text()
    }

    pub(super) fn has_errors(&self) -> bool {
        self.err.has_text()
    }

    /// What is left of the job that has just run.
    pub(super) fn remains<'a>(
        &'a self,
        command: &'a str,
        cause: Option<&'a FailureCause>,
    ) -> Remains<'a> {
        Remains {
            command,
            out: self.out.path(),
            err: self.err.path(),
            cause,
        }
    }

    /// Moves what was printed to the end of the stage's log, under a title.
    pub(super) fn move_into(
        &mut self,
        log: &mut Option<AppendFile>,
        path: &Path,
        title: &str,
    ) -> Result<(), DiskError> {
        if log.is_none() {
            // A run that ended unluckily may have left one of the same name.
            drop(disk::open_empty(path)?);
        }
        let log = match log {
            Some(log) => log,
            None => log.insert(AppendFile::open(path)?),
        };
        log.append(title.as_bytes())?;
        for printed in [&self.out, &self.err] {
            if printed.has_text() {
                log.append_file(printed.path())?;
                if !printed.ends_a_line() {
                    log.append(b"\n")?;
                }
            }
        }
        self.discard()
    }

    /// Forgets what was printed.
    pub(super) fn discard(&mut self) -> Result<(), DiskError> {
        for printed in [&mut self.out, &mut self.err] {
            if printed.has_text() {
                printed.empty()?;
            }
        }
        Ok(())
    }

    /// Nothing runs in it any more.
    fn close(self, with: Attempt<'_>) {
        for log in [self.out, self.err] {
            if with.running.owns_process() {
                with.logs.give_back(log);
            } else {
                disk::remove_file(log.path()).ok();
            }
        }
    }
}
