//! Running a plan: the threads, what they share, and who tells whom.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::StateDir;
use playbook_hash::{DigestMemo, Trust};
use playbook_lock::history::short_id;
use playbook_lock::journal::Journal;
use playbook_lock::{Folder, LockError};
use playbook_types::graph::StageId;
use playbook_types::model::policy::FailurePolicy;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::event::RunTotals;
use playbook_types::value::ParamValue;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::ExecError;
use crate::fanout::Told;
use crate::observer::Observer;
use crate::outputs::Places;
use crate::plan::{
    Contents, Decided, Facts, Plan, StageFault, decide, refuse_clashes, remember_listings,
};
use crate::process::{Direct, Heard, SignalWatch, SpareLogs, become_subreaper, identity};
use crate::schedule::capacity::{Grant, Machine};
use crate::schedule::dispatch::FEW;
use crate::schedule::engine::{Engine, Logs, Shared, Soon};
use crate::schedule::record::Entries;
use crate::schedule::running::Running;
use crate::schedule::workers::{Queue, Workers, work};
use crate::settled::remember;
use crate::stage::{Attempt, AttemptResult, FailureCause};

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
    /// Whether the process does nothing but this run: then SIGINT, SIGTERM and SIGHUP end the run in order, SIGTSTP
    /// pauses it, and descendants of commands that left their process group are found and ended.
    pub owns_process: bool,
    /// How long a command may take to end after SIGTERM, before SIGKILL.
    pub grace: Duration,
    /// How often new entries go into the lock while the run goes on. The journal has them at once.
    pub fold_every: Duration,
}

/// [`Runtime::grace`] unless there is a reason for another.
pub const GRACE: Duration = Duration::from_secs(10);
/// [`Runtime::fold_every`] unless there is a reason for another.
pub const FOLD_EVERY: Duration = Duration::from_secs(30);

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

/// Runs a plan. The caller holds the run lock.
///
/// # Errors
///
/// When the run cannot begin, or its own files cannot be written. The failure of a stage is an outcome.
pub fn execute(plan: &Plan<'_>, runtime: &Runtime<'_>) -> Result<Summary, ExecError> {
    let machine = refuse_or_measure(plan, runtime.trust)?;
    let state_dir = plan.project.state_dir();
    let run = short_id(runtime.run_id);
    let places = Places::new(plan.root(), &state_dir, &run);
    let memo = plan.memo(runtime.trust);
    let running = Running::new(runtime.owns_process);
    let journal = new_journal(&state_dir, runtime);
    let folder = Mutex::new(Folder::new(plan.project.lock_path(), plan.base()));
    let (inbox, messages) = channel();
    let watch = watch_signals(runtime, &running, &inbox)?;
    let direct = direct_starts(&state_dir, runtime.trust);
    let logs = SpareLogs::default();
    let with = Attempt {
        plan,
        memo: &memo,
        places: &places,
        running: &running,
        direct: &direct,
        logs: &logs,
        journal: &journal,
        clock: runtime.clock,
        observer: runtime.observer,
        failure: runtime.failure,
    };
    let (memo, folder) = (&memo, &folder);
    let keep = keeper((plan, memo), &direct, folder);
    // The scheduler waits for every task, so it is there to hear what came of it.
    let carry_out = |task| drop(inbox.send(carry_out(task, plan, memo, folder)));
    let carry_out = &carry_out;
    let summary = std::thread::scope(|threads| {
        let _stop_syncing = StopSyncing(&journal);
        keep_synced(&journal, threads)?;
        let to_scheduler = inbox.clone();
        let start_worker = move |queue: Queue| {
            let inbox = to_scheduler.clone();
            let thread = std::thread::Builder::new().name("stage".to_owned());
            thread
                .spawn_scoped(threads, move || work(&queue, with, &inbox))
                .map(|_| ())
        };
        let now = move |id, after: &[_]| decide_now(plan, memo, id, after);
        let go = |soon: &Soon<'_>| {
            let shared = Shared {
                plan,
                runtime,
                running: &running,
                journal: &journal,
                folder,
                machine: &machine,
                memo,
                soon,
                now: &now,
                keep: &keep,
            };
            let logs = Logs::new(&state_dir, &run);
            Engine::new(shared, Workers::new(&start_worker), logs).run(&messages)
        };
        if plan.len() <= FEW {
            // Most of what so few stages need the scheduler does itself: rayon's threads are not worth their start.
            return go(&|task| on_a_thread(threads, task, carry_out));
        }
        rayon::in_place_scope_fifo(|hashing| {
            go(&|task| hashing.spawn_fifo(move |_| carry_out(task)))
        })
    });
    drop(watch);
    let tidied = logs.remove();
    let summary = summary?;
    tidied?;
    Ok(summary)
}

/// What writes down what a run found, so that the next one need not find it out again.
fn keeper<'r>(
    (plan, memo): (&'r Plan<'_>, &'r DigestMemo),
    direct: &'r Direct,
    folder: &'r Mutex<Folder>,
) -> impl Fn(&Entries, Outcome, &dyn Fn() -> bool) -> Result<(), ExecError> + Sync + 'r {
    move |newer, outcome, lock_is_saved| {
        memo.save()?;
        direct.save()?;
        remember_listings(plan, memo, newer)?;
        if outcome == Outcome::Completed {
            remember(plan, memo, (&lock(folder), newer), lock_is_saved)?;
        }
        Ok(())
    }
}

/// Refuses what cannot be run here, and says what the machine has.
fn refuse_or_measure(plan: &Plan<'_>, trust: Trust) -> Result<Machine, ExecError> {
    refuse_clashes(plan)?;
    let machine = Machine::of(plan);
    plan.refuse_on(&machine, trust)?;
    Ok(machine)
}

/// What a shell said before stands for as long as the shell's stat does.
fn direct_starts(state_dir: &StateDir, trust: Trust) -> Direct {
    match trust {
        Trust::Stat => Direct::kept_at(state_dir.environments()),
        Trust::ReadEverything => Direct::default(),
    }
}

fn new_journal(state_dir: &StateDir, runtime: &Runtime<'_>) -> Journal {
    let header = identity::header(runtime.run_id, runtime.clock.now());
    Journal::new(state_dir.journal(), header)
}

/// Starts the thread that syncs the journal.
fn keep_synced<'scope>(
    journal: &'scope Journal,
    threads: &'scope Scope<'scope, '_>,
) -> Result<(), ExecError> {
    let syncing = std::thread::Builder::new().name("journal".to_owned());
    let syncing = syncing.spawn_scoped(threads, || journal.keep_synced());
    syncing.map(drop).map_err(|source| ExecError::System {
        what: "start a thread for the journal",
        source,
    })
}

/// Ends the thread that syncs the journal when the run is over, however it ends.
struct StopSyncing<'a>(&'a Journal);

impl Drop for StopSyncing<'_> {
    fn drop(&mut self) {
        // The run has asked before, if it came to its end.
        self.0.stop().ok();
    }
}

/// Has a task carried out on a thread of its own, or here if there can be none.
fn on_a_thread<'s>(threads: &'s Scope<'s, '_>, task: Task, carry_out: &'s (impl Fn(Task) + Sync)) {
    let task = Arc::new(Mutex::new(Some(task)));
    let take = |task: &Mutex<Option<Task>>| {
        let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
        task.take()
    };
    let there = Arc::clone(&task);
    let thread = std::thread::Builder::new().name("hashing".to_owned());
    let started = thread.spawn_scoped(threads, move || {
        take(&there).into_iter().for_each(carry_out);
    });
    if started.is_err() {
        take(&task).into_iter().for_each(carry_out);
    }
}

/// What arrives at the scheduler.
pub(super) enum Message {
    Decided(StageId, Result<Decided, StageFault>),
    /// An attempt is over; what it took is free again.
    Finished(Box<(AttemptResult, Grant)>),
    /// News of a fan-out.
    Jobs(Told),
    Folded(Result<(), LockError>),
    Signal(i32),
}

/// What the scheduler has others do.
pub(super) enum Task {
    /// Decide a stage, given when the stages it is ordered after last ended.
    Decide(StageId, Vec<Option<Timestamp>>),
    /// Put entries into the lock.
    Fold(Entries, Timestamp),
}

fn carry_out(task: Task, plan: &Plan<'_>, memo: &DigestMemo, folder: &Mutex<Folder>) -> Message {
    match task {
        Task::Decide(id, after) => Message::Decided(id, decide_now(plan, memo, id, &after)),
        Task::Fold(entries, now) => {
            let mut folder = lock(folder);
            Message::Folded(folder.fold(plan.project, plan.base(), &entries, now))
        }
    }
}

/// A thread that died while folding left the lock on disk as it was.
fn lock(folder: &Mutex<Folder>) -> MutexGuard<'_, Folder> {
    folder.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Decides a stage on what is on disk now. `after` is when the stages it is ordered after last ended.
fn decide_now(
    plan: &Plan<'_>,
    memo: &DigestMemo,
    id: StageId,
    after: &[Option<Timestamp>],
) -> Result<Decided, StageFault> {
    let place = |path: &DataPath| plan.root().resolve(path);
    let look = |path: &DataPath| memo.digest(&place(path), &plan.ignore);
    let contents = Contents { plan, memo };
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
        count_files: &|reasons| contents.count(id, reasons, place),
    };
    decide(plan, id, &facts)
}

fn watch_signals(
    runtime: &Runtime<'_>,
    running: &Running,
    inbox: &Sender<Message>,
) -> Result<Option<SignalWatch>, ExecError> {
    if !runtime.owns_process {
        return Ok(None);
    }
    become_subreaper();
    let (inbox, running) = (inbox.clone(), running.clone());
    let around = runtime.observer.around_stops();
    let watch = SignalWatch::start(move |heard| {
        match heard {
            // After the run nobody listens, and nothing is left to end.
            Heard::End(signal) => drop(inbox.send(Message::Signal(signal))),
            Heard::Pause => running.pause(around.as_deref()),
        }
    });
    watch.map(Some).map_err(|source| ExecError::System {
        what: "watch for signals",
        source,
    })
}
