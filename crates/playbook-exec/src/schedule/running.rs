//! The commands that run now, so that signals reach them and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_types::graph::StageId;
use rustix::process::{Pid, Signal};

use crate::process::{Group, SpawnError, signal};

/// The groups of running stages. A group is in here from its start until just before its id may be reused.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<State>);

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
}
