//! How far the jobs of a fan-out have come, and what is to be done next: shared by those that run them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use playbook_types::path::DataPath;
use playbook_types::record::event::{FailedJob, JobCounts, KeptFile};

use crate::stage::FailureCause;

/// So many failures are remembered with everything about them; of others, that they were.
const REMEMBERED: usize = 100;

/// What one that runs jobs is to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Run this job.
    Run(Turn),
    /// Bring the stage to its end: nobody else does anything for it any more.
    Conclude,
    /// Nothing. Somebody else may need the room.
    Leave,
}

/// A job to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its number.
    pub(crate) job: u32,
    /// Which try this is, from 1.
    pub(crate) attempt: u32,
}

/// A job that failed.
#[derive(Debug)]
pub struct JobFailure {
    /// What it read; of several files, the first and how many more.
    pub input: String,
    /// By which `playbook debug` knows it.
    pub id: String,
    /// Its command, values from the environment masked.
    pub command: String,
    /// Why.
    pub cause: FailureCause,
    /// Its work directory, relative to the root if it is below it.
    pub work_dir: Option<String>,
    /// What it printed, likewise.
    pub log: Option<String>,
}

impl JobFailure {
    /// As the event log has it.
    pub(crate) fn job(&self) -> FailedJob {
        FailedJob {
            input: self.input.clone(),
            id: self.id.clone(),
            command: self.command.clone(),
            work_dir: self.work_dir.clone(),
        }
    }
}

/// How far the jobs have come.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    /// How many of those that run jobs are asked to leave room for others.
    yields: AtomicU32,
    total: usize,
    to_run: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Jobs that are not done, the next one last.
    pending: Vec<u32>,
    /// Jobs that are tried again, by when.
    waiting: BTreeMap<(Instant, u32), (u32, JobFailure)>,
    running: usize,
    /// Jobs that ended well in this run.
    done: usize,
    failed: usize,
    failures: Vec<JobFailure>,
    /// No job begins any more.
    stopped: bool,
    interrupted: bool,
    concluded: bool,
    left: Left,
}

/// What jobs left behind besides their outputs.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// What was moved out of the way and not deleted.
    pub(crate) kept: Vec<KeptFile>,
    /// Former outputs that are back in their places.
    pub(crate) restored: Vec<DataPath>,
    /// What failed jobs left, until the stage runs next.
    pub(crate) leftovers: Vec<KeptFile>,
    /// Inputs that changed while their jobs ran.
    pub(crate) moved: bool,
}

/// What the jobs came to.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) counts: JobCounts,
    pub(crate) failures: Vec<JobFailure>,
    pub(crate) interrupted: bool,
    pub(crate) left: Left,
}

impl Progress {
    /// Of so many jobs these are to be run, in ascending order.
    pub(crate) fn new(total: usize, mut pending: Vec<u32>) -> Self {
        pending.reverse();
        let to_run = pending.len();
        let state = State {
            pending,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            yields: AtomicU32::new(0),
            total,
            to_run,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done next.
    pub(crate) fn next(&self, now: Instant) -> Next {
        let mut state = self.state();
        let due = state.due(now);
        if state.stopped || (due.is_none() && state.pending.is_empty()) {
            return state.at_the_end();
        }
        if self.take_yield() {
            return Next::Leave;
        }
        state.running += 1;
        if let Some(key) = due {
            let (_, job) = key;
            let attempt = state.waiting.remove(&key).map_or(1, |(attempt, _)| attempt);
            return Next::Run(Turn { job, attempt });
        }
        match state.pending.pop() {
            Some(job) => Next::Run(Turn { job, attempt: 1 }),
            None => Next::Leave,
        }
    }

    fn take_yield(&self) -> bool {
        let fewer = |asked: u32| asked.checked_sub(1);
        self.yields
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_ok()
    }

    /// Asks so many of those that run jobs to leave room; what was asked before is forgotten.
    pub(crate) fn ask_for_room(&self, runners: u32) {
        self.yields.store(runners, Ordering::Relaxed);
    }

    /// How many lanes have something to do now.
    pub(crate) fn lanes_for(&self, now: Instant) -> usize {
        let state = self.state();
        let over = state.pending.is_empty() && state.waiting.is_empty();
        if state.concluded {
            0
        } else if state.stopped || over {
            // Those that run, or one to bring it to its end.
            state.running.max(1)
        } else {
            let due = state.waiting.keys().filter(|(at, _)| *at <= now).count();
            state.running + state.pending.len() + due
        }
    }

    /// When the next job is tried again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let state = self.state();
        let waiting = state.waiting.first_key_value();
        waiting.filter(|_| !state.stopped).map(|((at, _), _)| *at)
    }

    /// A job ended well. How many are done, of all.
    pub(crate) fn done(&self) -> (usize, usize) {
        let mut state = self.state();
        state.running -= 1;
        state.done += 1;
        (self.total - self.to_run + state.done, self.total)
    }

    /// How many are done so far, of all.
    pub(crate) fn so_far(&self) -> (usize, usize) {
        (self.total - self.to_run + self.state().done, self.total)
    }

    /// A job failed, and is tried again then.
    pub(crate) fn try_again(&self, turn: Turn, at: Instant, failure: JobFailure) {
        let mut state = self.state();
        state.running -= 1;
        let again = (turn.attempt + 1, failure);
        state.waiting.insert((at, turn.job), again);
    }

    /// A job failed for good. `stop` says that no other begins any more.
    pub(crate) fn failed(&self, failure: JobFailure, stop: bool) {
        let mut state = self.state();
        state.running -= 1;
        state.stopped |= stop;
        state.fail(failure);
    }

    /// A job was cut off with everything else.
    pub(crate) fn interrupted(&self) {
        let mut state = self.state();
        state.running -= 1;
        state.interrupted = true;
        state.stopped = true;
    }

    /// No job begins any more.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        if !state.concluded {
            state.interrupted = true;
            state.stopped = true;
        }
    }

    /// Whether no job begins any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Notes what a job left behind.
    pub(crate) fn leave(&self, note: impl FnOnce(&mut Left)) {
        note(&mut self.state().left);
    }

    /// What it all came to; everything is over.
    pub(crate) fn came_to(&self) -> Came {
        let mut state = self.state();
        // Those that waited for their next try have failed after all.
        for (_, (_, failure)) in std::mem::take(&mut state.waiting) {
            if state.interrupted {
                continue;
            }
            state.fail(failure);
        }
        Came {
            counts: JobCounts {
                total: self.total,
                run: state.done,
                failed: state.failed,
                cached: self.total - self.to_run,
                removed: 0,
            },
            failures: std::mem::take(&mut state.failures),
            interrupted: state.interrupted,
            left: std::mem::take(&mut state.left),
        }
    }
}

impl State {
    fn due(&self, now: Instant) -> Option<(Instant, u32)> {
        let (first, _) = self.waiting.first_key_value()?;
        (first.0 <= now).then_some(*first)
    }

    /// Nothing can begin at this moment.
    fn at_the_end(&mut self) -> Next {
        let over = self.running == 0 && (self.stopped || self.waiting.is_empty());
        if over && !self.concluded {
            self.concluded = true;
            Next::Conclude
        } else {
            Next::Leave
        }
    }

    fn fail(&mut self, failure: JobFailure) {
        self.failed += 1;
        if self.failures.len() < REMEMBERED {
            self.failures.push(failure);
        }
    }
}

#[cfg(test)]
impl JobFailure {
    fn sample() -> Self {
        Self {
            input: "raw/a".to_owned(),
            id: "0123abcd".to_owned(),
            command: "false".to_owned(),
            cause: FailureCause::Exit(1),
            work_dir: None,
            log: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn run(progress: &Progress, now: Instant) -> Option<(u32, u32)> {
        match progress.next(now) {
            Next::Run(turn) => Some((turn.job, turn.attempt)),
            Next::Conclude | Next::Leave => None,
        }
    }

    #[test]
    fn jobs_run_in_order_and_the_last_to_end_concludes() {
        let now = Instant::now();
        let progress = Progress::new(5, vec![1, 3, 4]);
        assert_eq!(progress.lanes_for(now), 3);
        assert_eq!(run(&progress, now), Some((1, 1)));
        assert_eq!(run(&progress, now), Some((3, 1)));
        assert_eq!(progress.done(), (3, 5));
        assert_eq!(run(&progress, now), Some((4, 1)));
        assert!(matches!(progress.next(now), Next::Leave), "two still run");
        progress.done();
        assert!(matches!(progress.next(now), Next::Leave), "one still runs");
        assert_eq!(progress.done(), (5, 5));
        assert!(matches!(progress.next(now), Next::Conclude));
        assert!(matches!(progress.next(now), Next::Leave), "only once");
        assert_eq!(progress.lanes_for(now), 0);
    }

    #[test]
    fn a_job_that_waits_for_its_next_try_keeps_the_stage_open() {
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let progress = Progress::new(1, vec![0]);
        assert_eq!(run(&progress, now), Some((0, 1)));
        let turn = Turn { job: 0, attempt: 1 };
        progress.try_again(turn, later, JobFailure::sample());
        assert_eq!((run(&progress, now), progress.lanes_for(now)), (None, 0));
        assert_eq!(progress.next_due(), Some(later));
        assert_eq!(progress.lanes_for(later), 1);
        assert_eq!(run(&progress, later), Some((0, 2)));
        progress.done();
        assert!(matches!(progress.next(later), Next::Conclude));
        assert_eq!(progress.came_to().counts.failed, 0);
    }

    #[test]
    fn after_a_failure_that_stops_nothing_begins() {
        let now = Instant::now();
        let progress = Progress::new(3, vec![0, 1, 2]);
        run(&progress, now);
        run(&progress, now);
        progress.failed(JobFailure::sample(), true);
        assert!(matches!(progress.next(now), Next::Leave));
        progress.done();
        assert!(matches!(progress.next(now), Next::Conclude));
        let came = progress.came_to();
        assert_eq!((came.counts.run, came.counts.failed), (1, 1));
    }

    #[test]
    fn who_is_asked_to_leave_room_does_so_once() {
        let now = Instant::now();
        let progress = Progress::new(3, vec![0, 1, 2]);
        progress.ask_for_room(1);
        assert!(matches!(progress.next(now), Next::Leave));
        assert_eq!(run(&progress, now), Some((0, 1)));
        progress.ask_for_room(1);
        progress.ask_for_room(0);
        assert_eq!(run(&progress, now), Some((1, 1)));
    }
}
