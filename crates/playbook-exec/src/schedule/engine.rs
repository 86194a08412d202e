//! The loop: decide what is ready, start what fits, wait for the next message.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::{self, StateDir};
use playbook_hash::{DigestMemo, Fingerprint, Trust};
use playbook_lock::history::EventLog;
use playbook_types::graph::StageId;
use playbook_types::model::policy::FailurePolicy;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::decision::Reasons;
use playbook_types::record::event::{EventKind, RunTotals};
use playbook_types::record::state::StageState;
use playbook_types::value::ParamValue;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::ExecError;
use crate::observer::Observer;
use crate::outputs::Places;
use crate::plan::{Decided, Facts, Plan, StageFault, decide, refuse_clashes};
use crate::process::{SignalWatch, become_subreaper};
use crate::schedule::capacity::Capacity;
use crate::schedule::deadlines::Deadlines;
use crate::schedule::message::Message;
use crate::schedule::record::Record;
use crate::schedule::report::Report;
use crate::schedule::running::Running;
use crate::schedule::states::States;
use crate::schedule::workers::{Queue, Workers, work};
use crate::stage::{Attempt, FailureCause};

/// What a run needs beside its plan.
pub struct Runtime<'a> {
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// How many cores may be used at once.
    pub jobs: u32,
    /// What a failure means for the other stages.
    pub failure: FailurePolicy,
    /// Whether unchanged stats may save reading.
    pub trust: Trust,
    /// The run's name.
    pub run_id: Uuid,
    /// Params set from outside, for the record.
    pub overrides: IndexMap<ParamKey, ParamValue>,
    /// Whether SIGINT, SIGTERM and SIGHUP end the run in order.
    pub watch_signals: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for is done.
    Completed,
    /// A stage failed.
    Failed,
    /// This signal ended it.
    Interrupted(i32),
}

/// What a run came to.
#[derive(Debug)]
pub struct Summary {
    /// How it ended.
    pub outcome: Outcome,
    /// In figures.
    pub totals: RunTotals,
    /// The stages that failed, with why, in the order they did.
    pub failures: Vec<(StageName, FailureCause)>,
    /// Whether the lock was written.
    pub lock_written: bool,
}

/// Runs a plan.
///
/// # Errors
///
/// When the run cannot begin, or its own files cannot be written. The failure of a stage is an outcome.
pub fn execute(plan: &Plan<'_>, runtime: &Runtime<'_>) -> Result<Summary, ExecError> {
    refuse_clashes(plan)?;
    let state_dir = plan.project.state_dir();
    let run = short(runtime.run_id);
    let places = Places::new(plan.root(), &state_dir, &run);
    let memo = DigestMemo::new(runtime.trust);
    let running = Running::default();
    let (inbox, messages) = channel();
    let watch = watch_signals(runtime, &inbox)?;
    let with = Attempt {
        plan,
        memo: &memo,
        places: &places,
        running: &running,
        clock: runtime.clock,
    };
    let memo = &memo;
    let summary = std::thread::scope(|threads| {
        rayon::in_place_scope_fifo(|hashing| {
            let to_scheduler = inbox.clone();
            let start_worker = move |queue: Queue| {
                let inbox = to_scheduler.clone();
                let thread = std::thread::Builder::new().name("stage".to_owned());
                thread
                    .spawn_scoped(threads, move || work(&queue, with, &inbox))
                    .map(|_| ())
            };
            let decide_soon = move |id: StageId, after: Vec<Option<Timestamp>>| {
                let inbox = inbox.clone();
                hashing.spawn_fifo(move |_| {
                    // The scheduler waits for every decision, so it is there to hear this one.
                    inbox
                        .send(Message::Decided(id, decide_now(plan, memo, id, &after)))
                        .ok();
                });
            };
            let shared = Shared {
                plan,
                runtime,
                running: &running,
                decide_soon: &decide_soon,
            };
            Engine::new(
                shared,
                Workers::new(&start_worker),
                Logs::new(&state_dir, &run),
            )
            .run(&messages)
        })
    });
    drop(watch);
    summary
}

/// Decides a stage on what is on disk now. `after` is when the stages it is ordered after last ended.
fn decide_now(
    plan: &Plan<'_>,
    memo: &DigestMemo,
    id: StageId,
    after: &[Option<Timestamp>],
) -> Result<Decided, StageFault> {
    let look = |path: &DataPath| memo.digest(&plan.root().resolve(path), &plan.ignore);
    let after = plan
        .stage(id)
        .after
        .iter()
        .zip(after.iter().copied())
        .collect();
    let facts = Facts {
        lock: plan.lock_state(id),
        after,
        look: &look,
        to_come: &|_| false,
    };
    decide(plan, id, &facts)
}

fn watch_signals(
    runtime: &Runtime<'_>,
    inbox: &Sender<Message>,
) -> Result<Option<SignalWatch>, ExecError> {
    become_subreaper();
    if !runtime.watch_signals {
        return Ok(None);
    }
    let inbox = inbox.clone();
    let watch = SignalWatch::start(move |signal| {
        // After the run nobody listens, and nothing is left to end.
        inbox.send(Message::Signal(signal)).ok();
    });
    watch.map(Some).map_err(|source| ExecError::System {
        what: "watch for signals",
        source,
    })
}

/// The part of a run's id that names its files: the milliseconds it began at (RFC 9562, UUID version 7).
fn short(run_id: Uuid) -> String {
    run_id.to_string()[..13].to_owned()
}

/// Where the logs of this run go.
pub(super) struct Logs {
    directory: PathBuf,
    made: bool,
}

impl Logs {
    fn new(state: &StateDir, run: &str) -> Self {
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
        Ok(self.directory.join(format!("{stage}.{attempt}.log")))
    }
}

/// Has a stage decided on another thread, given when the stages it is ordered after last ended.
pub(super) type DecideSoon<'s> = dyn Fn(StageId, Vec<Option<Timestamp>>) + 's;

/// What the scheduler works with.
pub(super) struct Shared<'s> {
    pub(super) plan: &'s Plan<'s>,
    pub(super) runtime: &'s Runtime<'s>,
    pub(super) running: &'s Running,
    pub(super) decide_soon: &'s DecideSoon<'s>,
}

pub(super) struct Engine<'s> {
    pub(super) shared: Shared<'s>,
    pub(super) workers: Workers<'s>,
    pub(super) states: States,
    pub(super) capacity: Capacity,
    pub(super) deadlines: Deadlines,
    pub(super) record: Record<'s>,
    pub(super) report: Report<'s>,
    pub(super) logs: Logs,
    /// Decided misses that wait for a slot.
    pub(super) waiting: BTreeMap<StageId, (Reasons, Box<Fingerprint>)>,
    /// Decisions under way.
    pub(super) deciding: usize,
    pub(super) totals: RunTotals,
    pub(super) failures: Vec<(StageName, FailureCause)>,
    /// Nothing new starts.
    pub(super) stopping: bool,
    pub(super) interrupted: Option<i32>,
    /// The first error that a run cannot go on with.
    pub(super) fatal: Option<ExecError>,
}

impl<'s> Engine<'s> {
    fn new(shared: Shared<'s>, workers: Workers<'s>, logs: Logs) -> Self {
        let Shared { plan, runtime, .. } = &shared;
        let log = EventLog::new(plan.project.events_path());
        Self {
            states: States::new(plan),
            capacity: Capacity::new(runtime.jobs, plan.playbook()),
            deadlines: Deadlines::default(),
            record: Record::new(plan),
            report: Report::new(runtime.run_id, runtime.clock, runtime.observer, log),
            shared,
            workers,
            logs,
            waiting: BTreeMap::new(),
            deciding: 0,
            totals: RunTotals::default(),
            failures: Vec::new(),
            stopping: false,
            interrupted: None,
            fatal: None,
        }
    }

    fn run(mut self, messages: &Receiver<Message>) -> Result<Summary, ExecError> {
        let began = self.shared.runtime.clock.monotonic();
        self.report.tell(EventKind::RunStarted {
            playbook: self.shared.plan.playbook().name.clone(),
            generator: crate::GENERATOR.to_owned(),
            stages: self.shared.plan.len(),
            params: self.shared.runtime.overrides.clone(),
        });
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

    /// One turn of the loop: start what can start, write what is due, wait for a message.
    fn turn(&mut self, messages: &Receiver<Message>) -> Result<(), ExecError> {
        if !self.stopping {
            self.decide_ready()?;
            self.start_waiting()?;
        }
        if self.is_over() {
            return Ok(());
        }
        self.write_what_is_due();
        let due = self.deadlines.wait().into_iter().chain(self.record_wait());
        let message = match due.min() {
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

    /// How long until the lock is due to be saved; once that has failed, never.
    fn record_wait(&self) -> Option<Duration> {
        self.record.wait().filter(|_| self.fatal.is_none())
    }

    /// Writes events and, now and then, the lock. Once that has failed it is not tried again: what runs
    /// may still finish, and the run ends with the first error.
    fn write_what_is_due(&mut self) {
        if self.fatal.is_some() {
            return;
        }
        let now = self.shared.runtime.clock.now();
        let flushed = self.report.flush().map_err(ExecError::from);
        let saved = flushed.and_then(|()| Ok(self.record.save_if_due(now)?));
        if let Err(error) = saved {
            self.give_up(error);
        }
    }

    fn is_over(&self) -> bool {
        let idle = self.deciding == 0 && self.workers.busy() == 0;
        idle && (self.stopping || self.states.all_final())
    }

    /// The run's own files cannot be written: nothing new starts, what runs may finish.
    fn give_up(&mut self, error: ExecError) {
        self.stopping = true;
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
        let Some((because, _)) = self.failures.first().filter(|_| self.interrupted.is_none())
        else {
            return Ok(());
        };
        let because = because.clone();
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
        let saved = self.record.save(self.shared.runtime.clock.now());
        self.report.tell(kind);
        let logged = self.report.flush();
        if let Some(fatal) = self.fatal {
            return Err(fatal);
        }
        saved?;
        logged?;
        let lock_written = self.report.executed() && self.shared.plan.playbook().policy.lock_file;
        Ok(Summary {
            outcome,
            totals: self.totals,
            failures: self.failures,
            lock_written,
        })
    }
}
