//! The loop: decide what is ready, start what fits, wait for the next message.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::{self, DiskError, StateDir};
use playbook_hash::{DigestMemo, Fingerprint};
use playbook_lock::Folder;
use playbook_lock::history::{EventLog, log_name};
use playbook_lock::journal::Journal;
use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::record::decision::Reasons;
use playbook_types::record::event::{EventKind, RunTotals};
use playbook_types::record::state::StageState;

use crate::error::ExecError;
use crate::fanout::Fans;
use crate::plan::{Decided, Plan, StageFault};
use crate::schedule::capacity::{Capacity, Machine, Turns};
use crate::schedule::dispatch::Turn;
use crate::schedule::record::{Entries, Record};
use crate::schedule::report::Report;
use crate::schedule::run::Message;
use crate::schedule::run::{Outcome, Runtime, Summary, Task};
use crate::schedule::running::Running;
use crate::schedule::states::States;
use crate::schedule::timing::{Deadlines, Retries};
use crate::schedule::workers::Workers;
use crate::settled::Standing;
use crate::stage::FailureCause;

/// Where the logs of this run go.
pub(super) struct Logs {
    directory: PathBuf,
    made: bool,
}

impl Logs {
    pub(super) fn new(state: &StateDir, run: &str) -> Self {
        Self {
            directory: state.logs_dir().join(run),
            made: false,
        }
    }

    /// The log of a stage's attempt, its directory made.
    pub(super) fn of(&mut self, stage: &StageName, attempt: u32) -> Result<PathBuf, ExecError> {
        if !self.made {
            disk::create_dirs(&self.directory)?;
            self.made = true;
        }
        Ok(self.directory.join(log_name(stage, attempt)))
    }
}

/// Has a task carried out on another thread; its result comes as a message.
pub(super) type Soon<'s> = dyn Fn(Task) + 's;

/// Decides a stage on this thread, given when the stages it is ordered after last ended.
pub(super) type Now<'s> = dyn Fn(StageId, &[Option<Timestamp>]) -> Result<Decided, StageFault> + 's;

/// What the scheduler works with.
pub(super) struct Shared<'s> {
    pub(super) plan: &'s Plan<'s>,
    pub(super) runtime: &'s Runtime<'s>,
    pub(super) running: &'s Running,
    pub(super) journal: &'s Journal,
    pub(super) folder: &'s Mutex<Folder>,
    pub(super) machine: &'s Machine,
    pub(super) memo: &'s DigestMemo,
    pub(super) soon: &'s Soon<'s>,
    pub(super) now: &'s Now<'s>,
}

pub(super) struct Engine<'s> {
    pub(super) shared: Shared<'s>,
    pub(super) workers: Workers<'s>,
    pub(super) states: States,
    pub(super) capacity: Capacity,
    /// The fan-outs under way.
    pub(super) fans: Fans,
    pub(super) deadlines: Deadlines,
    pub(super) retries: Retries,
    pub(super) record: Record<'s>,
    pub(super) report: Report<'s>,
    pub(super) logs: Logs,
    /// Decided misses that have not begun.
    pub(super) waiting: BTreeMap<StageId, (Reasons, Box<Fingerprint>)>,
    /// Whatever can start, in the order of its turns.
    pub(super) turns: Turns<Turn>,
    /// Stages that are being decided on other threads.
    pub(super) deciding: BTreeSet<StageId>,
    pub(super) totals: RunTotals,
    pub(super) failures: Vec<(StageName, FailureCause)>,
    /// Nothing new starts.
    pub(super) stopping: bool,
    /// The stage because of whose failure nothing does.
    pub(super) stopped_by: Option<StageName>,
    pub(super) interrupted: Option<i32>,
    /// The first error that a run cannot go on with.
    pub(super) fatal: Option<ExecError>,
}

impl<'s> Engine<'s> {
    pub(super) fn new(shared: Shared<'s>, workers: Workers<'s>, logs: Logs) -> Self {
        let Shared { plan, runtime, .. } = &shared;
        let log = EventLog::new(plan.project.events_path());
        Self {
            states: States::new(plan),
            capacity: Capacity::new(runtime.jobs, plan.playbook(), shared.machine),
            fans: Fans::default(),
            deadlines: Deadlines::new(runtime.grace),
            retries: Retries::default(),
            record: Record::new(plan, runtime.fold_every),
            report: Report::new(runtime.run_id, runtime.clock, runtime.observer, log),
            shared,
            workers,
            logs,
            waiting: BTreeMap::new(),
            turns: Turns::default(),
            deciding: BTreeSet::new(),
            totals: RunTotals::default(),
            failures: Vec::new(),
            stopping: false,
            stopped_by: None,
            interrupted: None,
            fatal: None,
        }
    }

    pub(super) fn run(
        mut self,
        messages: &Receiver<Message>,
    ) -> Result<(Summary, Entries), ExecError> {
        let began = self.shared.runtime.clock.monotonic();
        self.report.tell(EventKind::RunStarted {
            playbook: self.shared.plan.playbook().name.clone(),
            generator: playbook_lock::GENERATOR.to_owned(),
            stages: self.shared.plan.total(),
            params: self.shared.runtime.overrides.clone(),
        });
        self.tell_what_stands();
        while !self.is_over() {
            if let Err(error) = self.turn(messages) {
                self.give_up(error);
            }
        }
        self.skip_the_rest()?;
        let total = self.shared.runtime.clock.monotonic().saturating_sub(began);
        self.totals.total_seconds = total.as_secs_f64();
        self.finish()
    }

    /// Stages that stand were decided before the run.
    fn tell_what_stands(&mut self) {
        let plan = self.shared.plan;
        let totals = &mut self.totals;
        let standing = plan.standing.iter().flat_map(Standing::stages);
        self.report.tell_all(standing.map(|stage| {
            totals.stages_cached += 1;
            totals.saved_seconds += stage.seconds.unwrap_or(0.0);
            stage.cached()
        }));
    }

    /// One turn of the loop: start what can start, write what is due, wait for a message.
    fn turn(&mut self, messages: &Receiver<Message>) -> Result<(), ExecError> {
        if self.stopping {
            self.give_up_retries()?;
        } else {
            self.decide_ready()?;
            // A stage that could not be decided may have stopped the run.
            if !self.stopping {
                self.start_waiting()?;
            }
        }
        self.start_jobs()?;
        if self.is_over() {
            return Ok(());
        }
        if self.stopping && self.workers.busy() == 0 {
            // Nothing that is still being decided would begin.
            self.shared.memo.halt();
        }
        self.write_what_is_due();
        let message = match self.next_due() {
            // Hits that were found at once have made others ready.
            _ if self.states.has_ready() && !self.stopping => messages.try_recv().ok(),
            None => messages.recv().ok(),
            Some(wait) => messages.recv_timeout(wait).ok(),
        };
        self.deadlines.strike(self.shared.running);
        // Whatever else has arrived is settled in the same turn, so that its events are written together.
        for message in message.into_iter().chain(messages.try_iter()) {
            self.settle(message)?;
        }
        Ok(())
    }

    /// How long nothing is due; `None` if only a message can bring news.
    fn next_due(&self) -> Option<Duration> {
        let running = self.shared.running;
        let retry = self.retries.next_due(running.awake());
        let now = running.awake();
        let jobs = self.fans.next_due();
        let jobs = jobs.map(|at| at.saturating_duration_since(now));
        // One whose time has come waits for room, which comes with a message.
        let jobs = jobs.filter(|wait| !wait.is_zero());
        let deadline = self.deadlines.wait(running);
        deadline.into_iter().chain(retry).chain(jobs).min()
    }

    /// Writes events and, now and then, the lock. Once that has failed it is not tried again: what runs
    /// may still finish, and the run ends with the first error.
    fn write_what_is_due(&mut self) {
        if self.fatal.is_some() {
            return;
        }
        if let Err(error) = self.report.flush() {
            self.give_up(error.into());
        }
        if let Some(error) = self.shared.journal.fault() {
            self.give_up(error.into());
        }
        if let Some(entries) = self.record.due() {
            (self.shared.soon)(Task::Fold(entries, self.shared.runtime.clock.now()));
        }
    }

    fn is_over(&self) -> bool {
        let idle =
            self.deciding.is_empty() && self.workers.busy() == 0 && !self.record.is_folding();
        idle && self.fans.is_empty()
            && self.retries.is_empty()
            && (self.stopping || self.states.all_final())
    }

    /// The run's own files cannot be written: nothing new starts, what runs may finish.
    pub(super) fn give_up(&mut self, error: ExecError) {
        self.stopping = true;
        self.fans.stop();
        self.fatal.get_or_insert(error);
    }

    /// Every change of a stage's state.
    pub(super) fn set(&mut self, id: StageId, to: StageState) -> Result<(), ExecError> {
        Ok(self.states.set(self.shared.plan, id, to)?)
    }

    pub(super) fn name(&self, id: StageId) -> StageName {
        self.shared.plan.stage(id).name.clone()
    }

    /// After a failure that stopped the run, what has not run is skipped because of it.
    fn skip_the_rest(&mut self) -> Result<(), ExecError> {
        let first = || Some(&self.failures.first()?.0);
        let because = self.stopped_by.as_ref().or_else(first).cloned();
        let Some(because) = because.filter(|_| self.interrupted.is_none()) else {
            return Ok(());
        };
        for id in self.states.unfinished(self.shared.plan) {
            self.skip(id, &because)?;
        }
        Ok(())
    }

    pub(super) fn skip(&mut self, id: StageId, because: &StageName) -> Result<(), ExecError> {
        self.set(id, StageState::Skipped)?;
        self.totals.stages_skipped += 1;
        let stage = self.name(id);
        self.report.tell(EventKind::StageSkipped {
            stage,
            because: because.clone(),
        });
        Ok(())
    }

    fn finish(mut self) -> Result<(Summary, Entries), ExecError> {
        let (outcome, kind) = match self.interrupted {
            Some(signal) => (
                Outcome::Interrupted(signal),
                EventKind::RunInterrupted(self.totals.clone()),
            ),
            None if self.failures.is_empty() && self.fatal.is_none() => (
                Outcome::Completed,
                EventKind::RunCompleted(self.totals.clone()),
            ),
            None => (Outcome::Failed, EventKind::RunFailed(self.totals.clone())),
        };
        pass(Point::Folding);
        let folded = self
            .record
            .fold(self.shared.folder, self.shared.runtime.clock.now());
        pass(Point::Folded);
        self.report.tell(kind);
        let logged = self.report.flush();
        let closed = self.close_journal(folded.is_ok());
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        folded.map_err(ExecError::NotFolded)?;
        logged?;
        closed?;
        let lock_written = self.report.executed() && self.shared.plan.playbook().policy.lock_file;
        let summary = Summary {
            outcome,
            totals: self.totals,
            failures: self.failures,
            lock_written,
        };
        Ok((summary, self.record.into_newer()))
    }

    /// The journal goes once the lock has everything and no old out is left aside; else the next run reads it.
    fn close_journal(&self, folded: bool) -> Result<(), DiskError> {
        let journal = self.shared.journal;
        journal.stop()?;
        if folded && !journal.has_open_stages() {
            return journal.remove();
        }
        journal.sync_now()
    }
}
