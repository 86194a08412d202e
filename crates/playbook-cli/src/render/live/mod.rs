//! A run on a terminal: what runs now stands below what happened, and is drawn anew while it lasts.
//!
//! [`state`] is what is known of the run, [`frame()`] is how it looks, a pure function, and the terminal's side is in
//! [`term`]. [`Live`] hears every event before [`Plain`] says it, and has a thread that draws a few times a second.
//! The area appears once a run has lasted a moment, so that a quick one leaves nothing but its lines. With `-v`, here
//! and where there is no terminal, what stages print is shown line by line with the stage in front ([`follow`]).

mod follow;
mod frame;
mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use playbook_exec::observer::Observer;
use playbook_exec::plan::Plan;
use playbook_exec::tail;
use playbook_lock::history::log_name;
use playbook_types::name::StageName;
use playbook_types::record::event::{Event, EventKind};

use crate::render::live::follow::Follow;
use crate::render::live::frame::{Moment, frame};
use crate::render::live::state::{Eta, RunningStage, State};
use crate::render::plain::Plain;
use crate::term;

/// How often the area is drawn.
const EVERY: Duration = Duration::from_millis(100);
/// A run that is over sooner has no area.
const PATIENCE: Duration = Duration::from_millis(150);
/// Working out what is left is more work: it is done so often.
const ETA_EVERY: Duration = Duration::from_secs(1);

/// What of a run is shown while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The live area.
    pub(crate) area: bool,
    /// What stages print.
    pub(crate) output: bool,
}

/// An observer that shows what goes on, and has `Plain` say what happened.
pub(crate) struct Live<'p> {
    plain: &'p Plain,
    shared: Arc<Shared>,
    logs: PathBuf,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    shown: Shown,
    began: Instant,
    inner: Mutex<Inner>,
    over: Condvar,
}

struct Inner {
    state: State,
    follow: Follow,
    eta: Option<(Duration, Option<Eta>)>,
    /// Bytes that were hashed when something last happened, and when that was.
    hashed: (u64, Duration),
    is_over: bool,
}

impl<'p> Live<'p> {
    /// For a run of this plan on so many cores, whose logs lie in this directory.
    pub(crate) fn new(
        plan: &Plan<'_>,
        plain: &'p Plain,
        shown: Shown,
        (jobs, logs): (u32, PathBuf),
    ) -> Self {
        let inner = Inner {
            state: State::new(plan, jobs),
            follow: Follow::default(),
            eta: None,
            hashed: (0, Duration::ZERO),
            is_over: false,
        };
        Self {
            plain,
            shared: Arc::new(Shared {
                shown,
                began: Instant::now(),
                inner: Mutex::new(inner),
                over: Condvar::new(),
            }),
            logs,
            ticker: Mutex::default(),
        }
    }

    fn start_ticker(&self) {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("live".to_owned());
        // Without it, a run is shown by its lines alone.
        let ticker = thread.spawn(move || shared.tick()).ok();
        *lock(&self.ticker) = ticker;
    }

    /// Takes away what is only true while the run goes on.
    fn end(&self) {
        self.shared.lock().is_over = true;
        self.shared.over.notify_all();
        if let Some(ticker) = lock(&self.ticker).take() {
            // A ticker that died has drawn nothing since.
            ticker.join().ok();
        }
        term::draw(Vec::new());
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Observer for Live<'_> {
    fn event(&self, event: &Event) {
        if matches!(event.kind, EventKind::RunStarted { .. }) {
            self.start_ticker();
        }
        let mut inner = self.shared.lock();
        let now = self.shared.began.elapsed();
        let log = |stage: &StageName, attempt: u32| self.logs.join(log_name(stage, attempt));
        if self.shared.shown.output {
            inner.follow(&event.kind, log);
        }
        inner.state.hear(&event.kind, now, log);
        inner.hashed = (playbook_hash::bytes_hashed(), now);
        drop(inner);
        if matches!(
            event.kind,
            EventKind::RunCompleted(_) | EventKind::RunFailed(_) | EventKind::RunInterrupted(_)
        ) {
            self.end();
        }
        self.plain.event(event);
    }
}

impl Inner {
    fn follow(&mut self, event: &EventKind, log: impl Fn(&StageName, u32) -> PathBuf) {
        match event {
            EventKind::StageStarted { stage, attempt, .. } => {
                self.follow.begin(stage, &log(stage, *attempt));
            }
            EventKind::StageCompleted { stage, .. }
            | EventKind::StageFailed { stage, .. }
            | EventKind::StageRetry { stage, .. } => {
                let last = self.follow.end(stage);
                if !last.is_empty() {
                    term::say(&last);
                }
            }
            EventKind::StageCached { .. }
            | EventKind::StageSkipped { .. }
            | EventKind::RunStarted { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }

    /// How long the rest takes, worked out now and then.
    fn eta(&mut self, now: Duration) -> Option<Eta> {
        match self.eta {
            Some((then, eta)) if now.saturating_sub(then) < ETA_EVERY => eta,
            _ => {
                let eta = self.state.eta(now);
                self.eta = Some((now, eta));
                eta
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Draws until the run is over.
    fn tick(&self) {
        let mut inner = self.lock();
        while !inner.is_over {
            let waited = self.over.wait_timeout(inner, EVERY);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.is_over {
                return;
            }
            if self.shown.output {
                let news = inner.follow.news();
                if !news.is_empty() {
                    term::say(&news);
                }
            }
            let now = self.began.elapsed();
            if self.shown.area && now >= PATIENCE {
                let eta = inner.eta(now);
                let moment = Moment {
                    now,
                    eta,
                    hashed: hashed(&inner, now),
                    last_line: &last_line,
                };
                term::draw(frame(&inner.state, &moment, term::size()));
            }
        }
    }
}

/// What was read for digests since anything else happened, if that goes on for a while.
fn hashed(inner: &Inner, now: Duration) -> Option<u64> {
    let (bytes, since) = inner.hashed;
    let read = playbook_hash::bytes_hashed().saturating_sub(bytes);
    let long =
        inner.state.running.is_empty() && now.saturating_sub(since) >= Duration::from_secs(1);
    (long && read > 0).then_some(read)
}

fn last_line(stage: &RunningStage) -> Option<String> {
    let lines = tail(&stage.log, 20).ok()?;
    let line = lines
        .into_iter()
        .rev()
        .find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
