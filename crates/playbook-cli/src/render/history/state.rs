//! How a run ended, or that it goes on.

use jiff::Timestamp;
use playbook_hash::disk::StateDir;
use playbook_lock::history::{Run, RunOutcome, under_way};
use playbook_types::record::event::RunTotals;
use uuid::Uuid;

use crate::render::units::duration;
use crate::term::Tone;

/// How a run ended, or that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    Completed,
    Failed,
    Interrupted,
    Running,
    Died,
}

impl RunState {
    /// As a person reads it.
    pub(super) fn word(self) -> (Tone, &'static str) {
        match self {
            Self::Completed => (Tone::Good, "done"),
            Self::Failed => (Tone::Bad, "failed"),
            Self::Interrupted => (Tone::Warn, "interrupted"),
            Self::Running => (Tone::Act, "running"),
            Self::Died => (Tone::Bad, "died"),
        }
    }

    /// As in JSON.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Running => "running",
            Self::Died => "died",
        }
    }
}

/// Which run is under way. It is made before the event log is opened: a run that ends in between is not dead for it.
#[derive(Debug)]
pub(crate) struct Alive {
    state: StateDir,
    before: Option<Uuid>,
}

impl Alive {
    /// Looks for a run that is under way. Where that cannot be told there is none.
    pub(crate) fn look(state: StateDir) -> Self {
        let before = under_way(&state).ok().flatten();
        Self { state, before }
    }

    /// Whether a run that has no end in the event log is under way: it was, or has begun since.
    fn is(&self, run: Uuid) -> bool {
        let now = || under_way(&self.state).ok().flatten();
        self.before == Some(run) || now() == Some(run)
    }
}

/// A run and what is known of it beside the event log.
#[derive(Debug, Clone)]
pub(crate) struct ShownRun {
    pub(crate) run: Run,
    pub(crate) state: RunState,
}

impl ShownRun {
    pub(crate) fn new(mut run: Run, alive: &Alive, now: Timestamp) -> Self {
        let state = match run.outcome {
            RunOutcome::Completed => RunState::Completed,
            RunOutcome::Failed => RunState::Failed,
            RunOutcome::Interrupted => RunState::Interrupted,
            RunOutcome::Unfinished if alive.is(run.id) => RunState::Running,
            RunOutcome::Unfinished => RunState::Died,
        };
        if state == RunState::Running {
            let so_far = now.duration_since(run.started).as_secs_f64();
            run.totals.total_seconds = so_far.max(0.0);
        }
        Self { run, state }
    }

    /// How long it took, as far as that is known.
    pub(super) fn took(&self) -> String {
        duration(self.run.totals.total_seconds)
    }
}

/// `4 run · 2 cached · 1 failed`, without what there was none of.
pub(super) fn counts(totals: &RunTotals) -> String {
    let RunTotals {
        stages_run,
        stages_cached,
        stages_failed,
        stages_skipped,
        ..
    } = totals;
    let parts = [
        (stages_run, "run"),
        (stages_cached, "cached"),
        (stages_failed, "failed"),
        (stages_skipped, "skipped"),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| **count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if shown.is_empty() {
        "none finished".to_owned()
    } else {
        shown.join(" · ")
    }
}

/// `saved 3 min 10 s`, if something was.
pub(super) fn saved(totals: &RunTotals) -> Option<String> {
    (totals.saved_seconds > 0.0).then(|| format!("saved {}", duration(totals.saved_seconds)))
}

/// The params set from outside: `lr=0.1 model=base`.
pub(super) fn set(run: &Run) -> Vec<String> {
    let one = |(key, value)| {
        let value = serde_json::to_string(value).unwrap_or_default();
        format!("{key}={value}")
    };
    run.overrides.iter().map(one).collect()
}
