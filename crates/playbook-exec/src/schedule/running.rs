//! The commands that run now, so that signals reach them and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use rustix::process::{Pid, Signal};
use signal_hook::consts::SIGSTOP;
use signal_hook::low_level::raise;

use crate::observer::{AroundStops, Stop};
use crate::process::adopted::{adopted, end_adopted, writes_to};
use crate::process::cgroup::MemoryKills;
use crate::process::identity::{process, value_in_environment};
use crate::process::{Group, STAGE_MARK, SpawnError, Used, signal};

/// The groups of running stages. A group is in here from its start until just before its id may be reused.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    state: Arc<Mutex<State>>,
    /// Held by whoever starts a command, together with others who do, or signals all of them, alone.
    gate: Arc<RwLock<()>>,
    /// Children this process did not start are its commands' descendants.
    owns_process: bool,
    kills: Arc<MemoryKills>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<StageId, Pid>,
    /// Stages whose commands have begun, and where these print to.
    begun: BTreeMap<StageId, (StageName, PathBuf)>,
    /// Stages that are being ended: no further command of theirs starts.
    ending: BTreeSet<StageId>,
    /// All of them are.
    all_ending: bool,
    /// How long the run was stopped, in all.
    paused: Duration,
    /// What the commands of stages used so far.
    used: BTreeMap<StageId, Used>,
    /// Whose group each was that a running stage has led.
    led: BTreeMap<i32, StageId>,
}

impl State {
    /// Whether an adopted child belongs to no stage that still runs. Its environment says which it belongs to; if
    /// it took that out, its standard output or error may.
    fn is_stray(&self, pid: Pid, ended: Option<&(StageName, PathBuf)>) -> bool {
        let group = process(pid).and_then(|process| Pid::from_raw(process.group));
        if group.is_some_and(|group| self.groups.values().any(|running| *running == group)) {
            return false;
        }
        match value_in_environment(pid, STAGE_MARK) {
            Some(stage) => !self
                .begun
                .values()
                .any(|(running, _)| *running.as_str() == stage),
            None => self.begun.is_empty() || ended.is_some_and(|(_, log)| writes_to(pid, log)),
        }
    }

    fn add(&mut self, id: StageId, used: Used) {
        let all = self.used.entry(id).or_default();
        *all = all.and(used);
    }

    /// Adds what one used that was in this group: to the stage that led it, else to the one that has just ended unless others run.
    fn add_of(&mut self, group: i32, ended: StageId, used: Used) {
        let led_by = self.led.get(&group).copied();
        let alone = self.begun.is_empty().then_some(ended);
        if let Some(id) = led_by.or(alone) {
            self.add(id, used);
        }
    }
}

impl Running {
    pub(crate) fn new(owns_process: bool) -> Self {
        Self {
            state: Arc::default(),
            gate: Arc::default(),
            owns_process,
            kills: Arc::default(),
        }
    }

    /// Whether whatever a stage's commands left is ended with it.
    pub(crate) fn owns_process(&self) -> bool {
        self.owns_process
    }

    /// A stage's commands are about to run.
    pub(crate) fn begin(&self, id: StageId, stage: &StageName, log: &Path) {
        self.state()
            .begun
            .insert(id, (stage.clone(), log.to_owned()));
    }

    /// A stage's commands have all run: whatever they left running outside their groups is ended. What
    /// another stage that still runs may have started is left to that one.
    pub(crate) fn ended(&self, id: StageId) {
        let mut state = self.state();
        let ended = state.begun.remove(&id);
        loop {
            if !self.owns_process {
                break;
            }
            let strays = adopted(|group, used| state.add_of(group, id, used));
            let strays = strays.into_iter();
            let strays: Vec<Pid> = strays
                .filter(|pid| state.is_stray(*pid, ended.as_ref()))
                .collect();
            if strays.is_empty() {
                break;
            }
            for stray in strays {
                state.add(id, end_adopted(stray));
            }
        }
        state.led.retain(|_, led_by| *led_by != id);
    }

    /// How often the system has ended a process for lack of memory, where it tells.
    pub(crate) fn memory_kills(&self) -> Option<u64> {
        self.kills.count()
    }

    /// Commands of a stage have used this.
    pub(crate) fn add(&self, id: StageId, used: Used) {
        self.state().add(id, used);
    }

    /// What the commands of a stage used since this was last asked, if any ran.
    pub(crate) fn used(&self, id: StageId) -> Option<Used> {
        self.state().used.remove(&id)
    }

    /// Waits until no command is just being started, and lets none start.
    fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a command unless its stage is being ended. The gate is held meanwhile, so that no command
    /// slips in between "end everything" and its own entry.
    pub(crate) fn enter(
        &self,
        id: StageId,
        start: impl FnOnce() -> Result<Group, SpawnError>,
    ) -> Option<Result<Group, SpawnError>> {
        let _with_others = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if self.is_ending(id) {
            return None;
        }
        let group = start();
        if let Ok(group) = &group {
            let mut state = self.state();
            state.groups.insert(id, group.id());
            state.led.insert(group.id().as_raw_nonzero().get(), id);
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
        let _alone = self.alone();
        let mut state = self.state();
        state.ending.insert(id);
        if let Some(group) = state.groups.get(&id) {
            end_group(*group, with);
        }
    }

    /// The stage is tried again: it is no longer being ended, unless everything is.
    pub(crate) fn again(&self, id: StageId) {
        self.state().ending.remove(&id);
    }

    /// Ends every stage.
    pub(crate) fn end_all(&self, with: Signal) {
        let _alone = self.alone();
        let mut state = self.state();
        state.all_ending = true;
        state
            .groups
            .values()
            .for_each(|group| end_group(*group, with));
    }

    /// Stops every command and this process, as Ctrl-Z does for a program alone, until somebody has it go
    /// on (`fg`); then so do the commands. SIGSTOP, because a command that does not stop would not be
    /// stopped by SIGTSTP either: it is not in the terminal's foreground.
    pub(crate) fn pause(&self, around: Option<&AroundStops>) {
        // Held meanwhile, so that no command starts in between and runs on alone.
        let _alone = self.alone();
        let mut state = self.state();
        let began = Instant::now();
        state
            .groups
            .values()
            .for_each(|group| signal(*group, Signal::STOP));
        around.inspect(|around| around(Stop::Begins));
        // To this thread, which then goes no further: sent to the process, another thread may be the first to stop,
        // and this one would have the commands go on in between. It cannot fail.
        raise(SIGSTOP).ok();
        state
            .groups
            .values()
            .for_each(|group| signal(*group, Signal::CONT));
        let stopped = began.elapsed();
        state.paused += stopped;
        around.inspect(|around| around(Stop::Over(stopped)));
    }

    /// The time, less that during which the run was stopped.
    pub(crate) fn awake(&self) -> Instant {
        let paused = self.state().paused;
        let now = Instant::now();
        now.checked_sub(paused).unwrap_or(now)
    }
}

/// Sends a group a signal that ends it. A member that is stopped, because it wanted to read from the terminal perhaps, would
/// never know; so all go on.
fn end_group(group: Pid, with: Signal) {
    signal(group, with);
    signal(group, Signal::CONT);
}
