//! When running commands must have ended. Time during which the run itself is stopped does not count:
//! [`Running::awake`] tells the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::schedule::running::{Runner, Running};

/// Timeouts of stages and the grace of those being ended.
#[derive(Debug)]
pub(in crate::schedule) struct Deadlines {
    /// How long a command may take to end after SIGTERM, before SIGKILL.
    grace: Duration,
    runners: BTreeMap<Runner, Deadline>,
    /// When everything that still runs is killed.
    kill_all: Option<Instant>,
}

#[derive(Debug)]
struct Deadline {
    at: Instant,
    /// SIGTERM was sent; next is SIGKILL.
    warned: bool,
}

impl Deadlines {
    pub(in crate::schedule) fn new(grace: Duration) -> Self {
        Self {
            grace,
            runners: BTreeMap::new(),
            kill_all: None,
        }
    }

    /// A stage with a timeout, or a job of one, starts.
    pub(in crate::schedule) fn start(&mut self, running: &Running, who: Runner, timeout: Duration) {
        if let Some(at) = running.awake().checked_add(timeout) {
            self.runners.insert(who, Deadline { at, warned: false });
        }
    }

    /// It ended. Whether it had run out of time.
    pub(in crate::schedule) fn ended(&mut self, who: Runner) -> bool {
        self.runners
            .remove(&who)
            .is_some_and(|deadline| deadline.warned)
    }

    /// Everything is being ended: grace begins.
    pub(in crate::schedule) fn end_all(&mut self, running: &Running) {
        self.kill_all = running.awake().checked_add(self.grace);
    }

    /// How long nothing is due.
    pub(in crate::schedule) fn wait(&self, running: &Running) -> Option<Duration> {
        let first = self
            .runners
            .values()
            .map(|deadline| deadline.at)
            .chain(self.kill_all)
            .min()?;
        Some(first.saturating_duration_since(running.awake()))
    }

    /// Ends what is due.
    pub(in crate::schedule) fn strike(&mut self, running: &Running) {
        let now = running.awake();
        if self.kill_all.is_some_and(|at| at <= now) {
            running.end_all(Signal::KILL);
            self.kill_all = None;
        }
        for (who, deadline) in self
            .runners
            .iter_mut()
            .filter(|(_, deadline)| deadline.at <= now)
        {
            running.end(
                *who,
                if deadline.warned {
                    Signal::KILL
                } else {
                    Signal::TERM
                },
            );
            deadline.warned = true;
            deadline.at = now + self.grace;
        }
    }
}
