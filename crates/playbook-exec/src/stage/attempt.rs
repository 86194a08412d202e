//! One attempt at one stage, on the thread of a worker.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use playbook_hash::disk::DiskError;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::{DigestMemo, Fingerprint};
use playbook_lock::entry::{self, Ran};
use playbook_lock::journal::{Journal, JournalRecord};
use playbook_types::graph::StageId;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;
use playbook_types::record::lock::{AfterEntry, DataEntry, StageEntry};
use playbook_types::record::usage::Usage;

use crate::clock::Clock;
use crate::outputs::{Committed, OutFault, Places, RolledBack, Transaction};
use crate::plan::{Plan, Resolved};
use crate::process::{
    AttemptLog, Builder, Direct, Ended, Group, Leader, SpareLogs, SpawnError, identity, retelling,
};
use crate::schedule::{Grant, Running};
use crate::stage::cause::FailureCause;
use crate::stage::made::Eyes;

/// What a worker is to do.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: StageId,
    pub(crate) fingerprint: Box<Fingerprint>,
    /// Which try this is, from 1.
    pub(crate) attempt: u32,
    pub(crate) log: PathBuf,
    /// Which runs of the stages it is ordered after this one follows.
    pub(crate) after: Vec<AfterEntry>,
    /// What an earlier try of this run left on record, if its outs stand.
    pub(crate) known: Option<Box<StageEntry>>,
    /// What it may use meanwhile.
    pub(crate) grant: Grant,
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

/// Runs the stage once, and gives back what it could use.
pub(crate) fn attempt(with: Attempt<'_>, job: Job) -> (Result, Grant) {
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
            }
        }
    });
    let result = Result {
        id: job.id,
        log: job.log,
        usage: with.usage(job.id),
        out_of_memory: outcome.is_err() && with.running.memory_kills() > kills,
        outcome,
    };
    (result, job.grant)
}

/// When an attempt began, and how long its commands ran.
struct Timer {
    started_at: Timestamp,
    ran: Duration,
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
            Ok(Made { entry, kept, fault })
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
        if !stage.gate || !cause.is_the_commands() || self.running.is_ending(job.id) {
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

    fn ran(&self, job: &Job, timer: &Timer) -> Ran {
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

    /// What the commands of a stage used. Where time stands still, nothing is measured.
    fn usage(&self, id: StageId) -> Option<Usage> {
        let used = self.running.used(id)?;
        (!self.clock.is_fixed()).then(|| used.usage())
    }

    fn eyes(&self) -> Eyes<'_> {
        Eyes {
            places: self.places,
            memo: self.memo,
            ignore: &self.plan.ignore,
        }
    }

    /// What is on record of what stands at the stage's outs.
    fn entry<'j>(&'j self, job: &'j Job) -> Option<&'j StageEntry> {
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
        let directory = match &stage.wdir {
            Some(wdir) => self.places.resolve(wdir),
            None => self.plan.root().as_path().to_owned(),
        };
        self.running.begin(job.id, &stage.name, &job.log);
        let ended = resolved
            .commands
            .iter()
            .try_for_each(|text| self.command(stage, job, (resolved, text), (&directory, log)));
        self.running.ended(job.id);
        ended
    }

    fn command(
        &self,
        stage: &Stage,
        job: &Job,
        (resolved, text): (&Resolved, &str),
        (directory, log): (&Path, &AttemptLog),
    ) -> std::result::Result<(), FailureCause> {
        let id = job.id;
        let builder = Builder {
            shell: stage.shell,
            text,
            directory: directory.to_owned(),
            env: &resolved.env,
            environment: resolved.environment,
            log: log.file(),
            state: self.places.state_dir(),
            devices: job.grant.visible_devices(),
            stage: stage.name.as_str(),
        };
        if self.running.is_ending(id) {
            // Making ready empties the files that the command would write to.
            return Err(FailureCause::Interrupted);
        }
        let prepared = builder.prepare(self.direct);
        let (ended, leader) = self.lead(stage, id, || builder.spawn(prepared))?;
        let ended = match (ended, leader) {
            (Ended::Signalled(signal), Leader::Program) if !self.running.is_ending(id) => {
                // How a shell tells of it, and with what status, is for a shell to say.
                let text = &retelling(signal);
                let builder = Builder { text, ..builder };
                let (told, _) = self.lead(stage, id, || builder.spawn_shell())?;
                if told == Ended::Exited(0) {
                    ended
                } else {
                    told
                }
            }
            _ => ended,
        };
        match ended {
            Ended::Exited(0) if !self.running.is_ending(id) => Ok(()),
            Ended::Exited(0) => Err(FailureCause::Interrupted),
            Ended::Exited(code) => Err(FailureCause::Exit(code)),
            Ended::Signalled(number) => Err(FailureCause::Signal { number }),
        }
    }

    /// Starts a process group and waits for its end.
    fn lead(
        &self,
        stage: &Stage,
        id: StageId,
        start: impl FnOnce() -> std::result::Result<Group, SpawnError>,
    ) -> std::result::Result<(Ended, Leader), FailureCause> {
        // A run that is ending starts nothing more, not even the next command of a list.
        let group = self
            .running
            .enter(id, start)
            .ok_or(FailureCause::Interrupted)?;
        let group = group.map_err(FailureCause::spawn)?;
        let leader = group.led_by();
        pass(Point::Started);
        let noted = self.note(stage, &group);
        let waited = match &noted {
            Ok(()) => group.wait_for_leader(),
            // Nobody could end it if this process died: it is ended now.
            Err(_) => Ok(()),
        };
        pass(Point::LeaderEnded);
        // From here on the group's id may be used again, so no signal may be sent to it.
        self.running.leave(id);
        waited.map_err(FailureCause::wait)?;
        let (ended, used) = group.end().map_err(FailureCause::wait)?;
        self.running.add(id, used);
        noted.map_err(FailureCause::log)?;
        Ok((ended, leader))
    }

    /// Notes in the journal which group to end if this process dies.
    fn note(&self, stage: &Stage, group: &Group) -> std::result::Result<(), DiskError> {
        let leader = identity::process(group.id());
        self.journal.append(&JournalRecord::Group {
            stage: stage.name.clone(),
            id: group.id().as_raw_nonzero().get(),
            session: leader.map(|leader| leader.session),
            leader_started: leader.map(|leader| leader.started),
        })?;
        pass(Point::GroupNoted);
        Ok(())
    }
}
