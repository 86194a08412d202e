//! A run on a terminal: what runs now stands below what happened, and is drawn anew while it lasts.
//!
//! [`state`] is what is known of the run, [`mod@frame`] is how it looks, a pure function, and the terminal's side is in
//! [`term`]. [`Live`] hears every event before [`Plain`] says it, and has a thread that draws a few times a second.
//! The area appears once a stage has run for a moment, so that a quick run, or one with nothing to do, leaves nothing but its
//! lines. With `-v`, here and where there is no terminal, what stages print is shown line by line with the stage in
//! front ([`follow`]).
//!
//! No library for progress bars: they count on nobody else writing, on lines that fit, and on a terminal that stays as wide as it
//! is. Here whatever is said goes through one writer that knows what is drawn, and a frame is text that tests can read.

mod follow;
mod frame;
mod state;
#[cfg(test)]
mod tests;
mod ticker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use playbook_exec::clock::Clock;
use playbook_exec::observer::{AroundStops, Ending, Observer, Stop};
use playbook_exec::plan::Plan;
use playbook_lock::history::log_name;
use playbook_types::name::StageName;
use playbook_types::record::event::{Event, EventKind};

use crate::render::live::state::{Course, State};
use crate::render::live::ticker::Shared;
use crate::render::plain::Plain;
use crate::term;

/// What of a run is shown while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The live area.
    pub(crate) area: bool,
    /// What stages print.
    pub(crate) output: bool,
}

/// How the run is carried out that is shown.
pub(crate) struct How {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs: u32,
    /// Where its logs lie.
    pub(crate) logs: PathBuf,
    /// After a failure nothing more is started.
    pub(crate) stops_at_failure: bool,
}

/// An observer that shows what goes on, and has `Plain` say what happened.
pub(crate) struct Live<'p> {
    plain: &'p Plain,
    shared: Arc<Shared>,
    logs: PathBuf,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

impl<'p> Live<'p> {
    /// For a run of this plan.
    pub(crate) fn new(plan: &Plan<'_>, plain: &'p Plain, shown: Shown, how: How) -> Self {
        let state = State::new(plan, how.jobs, how.stops_at_failure);
        if shown.area {
            term::clear_before_panics();
        }
        Self {
            plain,
            shared: Arc::new(Shared::new(plan, shown, (how.clock, state))),
            logs: how.logs,
            ticker: Mutex::default(),
        }
    }

    fn start_ticker(&self) {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("live".to_owned());
        // Without it, a run is shown by its lines alone.
        let ticker = thread.spawn(move || shared.tick()).ok();
        *self.ticker.lock().unwrap_or_else(PoisonError::into_inner) = ticker;
    }

    /// Takes away what is only true while the run goes on.
    fn end(&self) {
        self.shared.end();
        let ticker = self
            .ticker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // A ticker that died has drawn nothing since.
        ticker.map(JoinHandle::join).and_then(Result::ok);
        if self.shared.shown.area {
            term::draw(Vec::new());
        }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Live<'_> {
    /// Takes note of an event that is about to be told of.
    fn hear(&self, event: &Event) {
        let log = |stage: &StageName, attempt: u32| self.logs.join(log_name(stage, attempt));
        match event.kind {
            EventKind::RunStarted { .. } => self.start_ticker(),
            EventKind::RunCompleted(_) | EventKind::RunFailed(_) | EventKind::RunInterrupted(_) => {
                self.end();
            }
            EventKind::StageCached { .. }
            | EventKind::StageStarted { .. }
            | EventKind::StageRetry { .. }
            | EventKind::JobRetry { .. }
            | EventKind::StageCompleted { .. }
            | EventKind::StageFailed { .. }
            | EventKind::StageSkipped { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. } => {}
        }
        self.shared.hear(&event.kind, log);
    }
}

impl Observer for Live<'_> {
    fn event(&self, event: &Event) {
        self.hear(event);
        self.plain.event(event);
    }

    fn progress(&self, stage: &StageName, done: usize, total: usize) {
        self.shared.progress(stage, (done, total));
    }

    fn events(&self, events: &[Event]) {
        for event in events {
            self.hear(event);
        }
        self.plain.events(events);
    }

    fn ending(&self, how: Ending) {
        self.shared.heads_for(match how {
            Ending::Asked => Course::Asked,
            Ending::Killed => Course::Killed,
        });
    }

    fn around_stops(&self) -> Option<Arc<AroundStops>> {
        let shared = Arc::clone(&self.shared);
        Some(Arc::new(move |stop| match stop {
            Stop::Begins => term::suspend(),
            Stop::Over(time) => {
                shared.slept(time);
                term::resume();
            }
        }))
    }
}
