//! When running commands must have ended. Time during which the run itself is stopped does not count:
//! [`Running::awake`] tells the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use playbook_types::graph::StageId;
use rustix::process::Signal;

use crate::schedule::running::Running;

/// Timeouts of stages and the grace of those being ended.
#[derive(Debug)]
pub(in crate::schedule) struct Deadlines {
    /// How long a command may take to end after SIGTERM, before SIGKILL.
    grace: Duration,
    stages: BTreeMap<StageId, Deadline>,
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
            stages: BTreeMap::new(),
            kill_all: None,
        }
    }

    /// A stage with a timeout starts.
    pub(in crate::schedule) fn start(&mut self, running: &Running, id: StageId, timeout: Duration) {
        if let Some(at) = running.awake().checked_add(timeout) {
            self.stages.insert(id, Deadline { at, warned: false });
        }
    }

    /// The stage ended. Whether it had run out of time.
    pub(in crate::schedule) fn ended(&mut self, id: StageId) -> bool {
        self.stages
            .remove(&id)
            .is_some_and(|deadline| deadline.warned)
    }

    /// Everything is being ended: grace begins.
    pub(in crate::schedule) fn end_all(&mut self, running: &Running) {
        self.kill_all = running.awake().checked_add(self.grace);
    }

    /// How long nothing is due.
    pub(in crate::schedule) fn wait(&self, running: &Running) -> Option<Duration> {
        let first = self
            .stages
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
        for (id, deadline) in self
            .stages
            .iter_mut()
            .filter(|(_, deadline)| deadline.at <= now)
        {
            running.end(
                *id,
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
