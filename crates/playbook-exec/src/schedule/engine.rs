//! The loop: decide what is ready, start what fits, wait for the next message.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::{self, DiskError, StateDir};
use playbook_hash::{DigestMemo, Fingerprint};
use playbook_lock::history::{EventLog, log_name};
use playbook_lock::journal::Journal;
use playbook_lock::{Composed, Folder};
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

/// Writes down what the run found for the next one, given the entries of stages that ran and how the run ended. The last
/// is whether the lock is saved, and waits until that is known.
pub(super) type Keep<'s> =
    dyn Fn(&Entries, Outcome, &dyn Fn() -> bool) -> Result<(), ExecError> + Sync + 's;

/// Whether the lock is saved, once that is known. If it never is, it is not.
#[derive(Default)]
struct LockIsSaved(OnceLock<bool>);

/// Answers those who wait.
struct Answer<'l>(&'l LockIsSaved);

impl Answer<'_> {
    fn is(&self, saved: bool) {
        // The first answer stands.
        self.0.0.set(saved).ok();
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        self.is(false);
    }
}

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
    pub(super) keep: &'s Keep<'s>,
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

    pub(super) fn run(mut self, messages: &Receiver<Message>) -> Result<Summary, ExecError> {
        let began = self.shared.runtime.clock.monotonic();
        self.report.tell(EventKind::RunStarted {
            playbook: self.shared.plan.playbook().name.clone(),
            generator: playbook_lock::GENERATOR.to_owned(),
            stages: self.shared.plan.total(),
            params: self.shared.runtime.overrides.clone(),
        });
        self.count_what_stands();
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
    fn count_what_stands(&mut self) {
        if let Some(standing) = &self.shared.plan.standing {
            self.totals.stages_cached += standing.len();
            self.totals.saved_seconds += standing.seconds().sum::<f64>();
            self.report.tell_first(standing);
        }
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

    fn finish(mut self) -> Result<Summary, ExecError> {
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
        let composed = self
            .record
            .compose(self.shared.folder, self.shared.runtime.clock.now());
        let lock_is_saved = LockIsSaved::default();
        let answer = Answer(&lock_is_saved);
        let newer = self.record.newer();
        let keep = || (self.shared.keep)(newer, outcome, &|| *lock_is_saved.0.wait());
        let (closed, kept) = std::thread::scope(|threads| {
            // The disk is what saving the lock waits for: meanwhile another thread can work.
            let keeping = std::thread::Builder::new().name("keep".to_owned());
            let keeping = keeping.spawn_scoped(threads, keep);
            let folded = composed.and_then(|lock| lock.map_or(Ok(()), Composed::save));
            pass(Point::Folded);
            answer.is(folded.is_ok());
            self.report.tell(kind);
            let logged = self.report.flush();
            let closed = close_journal(self.shared.journal, folded.is_ok());
            let closed = folded
                .map_err(ExecError::NotFolded)
                .and(logged.map_err(ExecError::from))
                .and(closed.map_err(ExecError::from));
            let kept = match keeping {
                Ok(keeping) => keeping.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => keep(),
            };
            (closed, kept)
        });
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        closed?;
        kept?;
        let lock_written = self.report.executed() && self.shared.plan.playbook().policy.lock_file;
        Ok(Summary {
            outcome,
            totals: self.totals,
            failures: self.failures,
            lock_written,
        })
    }
}

/// The journal goes once the lock has everything and no old out is left aside; else the next run reads it.
fn close_journal(journal: &Journal, folded: bool) -> Result<(), DiskError> {
    journal.stop()?;
    if folded && !journal.has_open_stages() {
        return journal.remove();
    }
    journal.sync_now()
}
