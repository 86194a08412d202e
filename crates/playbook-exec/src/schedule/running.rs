//! The commands that run now, so that signals reach them and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playbook_types::graph::StageId;
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::process::{Group, SpawnError, signal};

/// The groups of running stages. A group is in here from its start until just before its id may be reused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<StageId, Pid>,
    /// Stages that are being ended: no further command of theirs starts.
    ending: BTreeSet<StageId>,
    /// All of them are.
    all_ending: bool,
}

impl Running {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a command unless its stage is being ended. The lock is held meanwhile, so that no command
    /// slips in between "end everything" and its own entry.
    pub(crate) fn enter(
        &self,
        id: StageId,
        start: impl FnOnce() -> Result<Group, SpawnError>,
    ) -> Option<Result<Group, SpawnError>> {
        let mut state = self.state();
        if state.all_ending || state.ending.contains(&id) {
            return None;
        }
        let group = start();
        if let Ok(group) = &group {
            state.groups.insert(id, group.id());
        }
        Some(group)
    }

    /// The stage's command has ended.
    pub(crate) fn leave(&self, id: StageId) {
        self.state().groups.remove(&id);
    }

    /// Whether the stage is being ended.
    pub(crate) fn is_ending(&self, id: StageId) -> bool {
        let state = self.state();
        state.all_ending || state.ending.contains(&id)
    }

    /// Ends one stage.
    pub(crate) fn end(&self, id: StageId, with: Signal) {
        let mut state = self.state();
        state.ending.insert(id);
        if let Some(group) = state.groups.get(&id) {
            signal(*group, with);
        }
    }

    /// Ends every stage.
    pub(crate) fn end_all(&self, with: Signal) {
        let mut state = self.state();
        state.all_ending = true;
        state.groups.values().for_each(|group| signal(*group, with));
    }

    /// Stops every command and this process, as Ctrl-Z does for a program alone, until somebody has it go
    /// on (`fg`); then so do the commands. How long that took. SIGSTOP, because a command that does not
    /// stop would not be stopped by SIGTSTP either: it is not in the terminal's foreground.
    pub(crate) fn pause(&self) -> Duration {
        // Held meanwhile, so that no command starts in between and runs on alone.
        let state = self.state();
        state
            .groups
            .values()
            .for_each(|group| signal(*group, Signal::STOP));
        let stopped = Instant::now();
        kill_process(getpid(), Signal::STOP).ok();
        state
            .groups
            .values()
            .for_each(|group| signal(*group, Signal::CONT));
        stopped.elapsed()
    }
}
