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

/// What runs commands: a stage, or a job of one that is a fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Runner {
    stage: StageId,
    /// 0 for the stage itself.
    job: u32,
}

impl Runner {
    /// A job of a stage, by its number from 0.
    pub(crate) fn job(stage: StageId, number: u32) -> Self {
        let job = number + 1;
        Self { stage, job }
    }
}

impl From<StageId> for Runner {
    fn from(stage: StageId) -> Self {
        Self { stage, job: 0 }
    }
}

/// What runs, and where its commands print to.
#[derive(Debug)]
struct Begun {
    stage: StageName,
    logs: Vec<PathBuf>,
}

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
    groups: BTreeMap<Runner, Pid>,
    /// Those whose commands have begun.
    begun: BTreeMap<Runner, Begun>,
    /// Those that are being ended: no further command of theirs starts.
    ending: BTreeSet<Runner>,
    /// All of them are.
    all_ending: bool,
    /// How long the run was stopped, in all.
    paused: Duration,
    /// What the commands of stages used so far.
    used: BTreeMap<StageId, Used>,
    /// Whose group each was that a running stage has led.
    led: BTreeMap<i32, Runner>,
}

impl State {
    /// Whether an adopted child belongs to no stage that still runs. Its environment says which it belongs to; if
    /// it took that out, its standard output or error may.
    fn is_stray(&self, pid: Pid, ended: Option<&Begun>) -> bool {
        let group = process(pid).and_then(|process| Pid::from_raw(process.group));
        if group.is_some_and(|group| self.groups.values().any(|running| *running == group)) {
            return false;
        }
        let prints_there =
            || ended.is_some_and(|ended| ended.logs.iter().any(|log| writes_to(pid, log)));
        match value_in_environment(pid, STAGE_MARK) {
            Some(stage) => {
                let mut running = self.begun.values();
                // Of the jobs of one stage, it is of the one whose log it has.
                !running.any(|running| *running.stage.as_str() == stage) || prints_there()
            }
            None => self.begun.is_empty() || prints_there(),
        }
    }

    fn add(&mut self, id: StageId, used: Used) {
        let all = self.used.entry(id).or_default();
        *all = all.and(used);
    }

    /// Adds what one used that was in this group: to the stage that led it, else to the one that has just ended unless others run.
    fn add_of(&mut self, group: i32, ended: Runner, used: Used) {
        let led_by = self.led.get(&group).copied();
        let alone = self.begun.is_empty().then_some(ended);
        if let Some(who) = led_by.or(alone) {
            self.add(who.stage, used);
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

    /// Commands of a stage, or of a job of it, are about to run, and print to these files.
    pub(crate) fn begin(&self, who: Runner, stage: &StageName, logs: &[&Path]) {
        let begun = Begun {
            stage: stage.clone(),
            logs: logs.iter().map(|log| (*log).to_owned()).collect(),
        };
        self.state().begun.insert(who, begun);
    }

    /// They have all run: whatever they left running outside their groups is ended. What
    /// another stage that still runs may have started is left to that one.
    pub(crate) fn ended(&self, who: Runner) {
        let mut state = self.state();
        let ended = state.begun.remove(&who);
        loop {
            if !self.owns_process {
                break;
            }
            let strays = adopted(|group, used| state.add_of(group, who, used));
            let strays = strays.into_iter();
            let strays: Vec<Pid> = strays
                .filter(|pid| state.is_stray(*pid, ended.as_ref()))
                .collect();
            if strays.is_empty() {
                break;
            }
            for stray in strays {
                state.add(who.stage, end_adopted(stray));
            }
        }
        state.led.retain(|_, led_by| *led_by != who);
    }

    /// How often the system has ended a process for lack of memory, where it tells.
    pub(crate) fn memory_kills(&self) -> Option<u64> {
        self.kills.count()
    }

    /// Commands of a stage, or of a job of it, have used this.
    pub(crate) fn add(&self, who: Runner, used: Used) {
        self.state().add(who.stage, used);
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
        who: Runner,
        start: impl FnOnce() -> Result<Group, SpawnError>,
    ) -> Option<Result<Group, SpawnError>> {
        let _with_others = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if self.is_ending(who) {
            return None;
        }
        let group = start();
        if let Ok(group) = &group {
            let mut state = self.state();
            state.groups.insert(who, group.id());
            state.led.insert(group.id().as_raw_nonzero().get(), who);
        }
        Some(group)
    }

    /// The command has ended.
    pub(crate) fn leave(&self, who: Runner) {
        self.state().groups.remove(&who);
    }

    /// Whether it is being ended.
    pub(crate) fn is_ending(&self, who: Runner) -> bool {
        let state = self.state();
        state.all_ending || state.ending.contains(&who)
    }

    /// Whether everything is.
    pub(crate) fn all_ending(&self) -> bool {
        self.state().all_ending
    }

    /// Ends one.
    pub(crate) fn end(&self, who: Runner, with: Signal) {
        let _alone = self.alone();
        let mut state = self.state();
        state.ending.insert(who);
        if let Some(group) = state.groups.get(&who) {
            end_group(*group, with);
        }
    }

    /// It is tried again: it is no longer being ended, unless everything is.
    pub(crate) fn again(&self, who: Runner) {
        self.state().ending.remove(&who);
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
