//! What the thread that draws shares with the one that hears events.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use playbook_exec::clock::Clock;
use playbook_exec::plan::Plan;
use playbook_exec::tail;
use playbook_hash::reading;
use playbook_types::name::StageName;
use playbook_types::record::event::EventKind;

use crate::render::harmless::harmless;
use crate::render::live::Shown;
use crate::render::live::follow::Follow;
use crate::render::live::frame::{Moment, frame};
use crate::render::live::state::{Course, Eta, Hashing, State};
use crate::term;

/// How often the area is drawn.
const EVERY: Duration = Duration::from_millis(100);
/// Where nothing is drawn, and stages print more than was read at once, it is read on after this time.
const SOON: Duration = Duration::from_millis(1);
/// So many blocks of what stages print are said at once.
const BLOCKS: u32 = 16;
/// An area appears when there was something to show for so many ticks: 100 to 200 ms.
const PATIENCE: u32 = 2;
/// Working out what is left is more work: it is done once in so many ticks.
const ETA_EVERY: u32 = 10;
/// The lines at the end of a log among which the last one with something in it is looked for.
const LAST_LINES: usize = 20;

pub(super) struct Shared {
    pub(super) shown: Shown,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    /// How large directories were when they were last hashed.
    sizes: IndexMap<PathBuf, u64>,
    inner: Mutex<Inner>,
    over: Condvar,
}

struct Inner {
    state: State,
    follow: Follow,
    eta: Option<Eta>,
    /// For how long the run was stopped, in all.
    slept: Duration,
    is_over: bool,
}

/// What the ticker alone knows.
#[derive(Default)]
struct Ticks {
    /// For how many ticks in a row there was something to show.
    busy: u32,
    /// For how many of them something was hashed.
    hashing: u32,
    until_eta: u32,
}

/// Directories below this size are hashed before anybody could look.
const LARGE: u64 = 64 << 20;

impl Shared {
    pub(super) fn new(
        plan: &Plan<'_>,
        shown: Shown,
        (clock, state): (Arc<dyn Clock>, State),
    ) -> Self {
        let entries = plan
            .lock()
            .into_iter()
            .flat_map(|lock| lock.stages.values());
        let data = entries.flat_map(|entry| entry.deps.iter().chain(&entry.outs));
        let large = data.filter_map(|data| {
            let size = data.total_bytes.filter(|size| *size >= LARGE)?;
            Some((plan.root_path().join(data.path.as_str()), size))
        });
        Self {
            shown,
            clock,
            root: plan.root_path().to_owned(),
            sizes: large.collect(),
            inner: Mutex::new(Inner {
                state,
                follow: Follow::default(),
                eta: None,
                slept: Duration::ZERO,
                is_over: false,
            }),
            over: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an event that is about to be told of.
    pub(super) fn hear(&self, event: &EventKind, log: impl Fn(&StageName, u32) -> PathBuf) {
        let mut inner = self.lock();
        if self.shown.output {
            inner.follow(event, &log);
        }
        let now = inner.now(&*self.clock);
        inner.state.hear(event, now, log);
        if self.shown.area && !inner.is_over && term::is_drawn() {
            // With the line that tells of it, the area is what is true after it.
            term::draw_with_next(inner.lines(now));
        }
    }

    /// So many jobs of a fan-out are done.
    pub(super) fn progress(&self, stage: &StageName, jobs: (usize, usize)) {
        self.lock().state.progress(stage, jobs);
    }

    pub(super) fn heads_for(&self, course: Course) {
        self.lock().state.course = course;
    }

    /// The process was stopped for so long.
    pub(super) fn slept(&self, time: Duration) {
        let mut inner = self.lock();
        if !self.clock.is_fixed() {
            inner.slept += time;
        }
    }

    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.over.notify_all();
    }

    /// Draws until the run is over.
    pub(super) fn tick(&self) {
        let mut ticks = Ticks::default();
        let mut wait = EVERY;
        let mut inner = self.lock();
        while !inner.is_over {
            let waited = self.over.wait_timeout(inner, wait);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.is_over {
                return;
            }
            let more = self.shown.output && inner.say_news();
            wait = if more && !self.shown.area {
                SOON
            } else {
                EVERY
            };
            if self.shown.area {
                drop(inner);
                inner = self.show(&mut ticks);
            }
        }
    }

    /// Draws the area if there is something to show.
    fn show(&self, ticks: &mut Ticks) -> MutexGuard<'_, Inner> {
        let hashing = self.hashing(ticks);
        self.read_last_lines();
        let mut inner = self.lock();
        if inner.is_over {
            return inner;
        }
        let state = &mut inner.state;
        state.hashing = hashing;
        let long = state
            .hashing
            .as_ref()
            .is_some_and(|hashing| hashing.is_long);
        let busy = !state.running.is_empty() || !state.waiting.is_empty() || long;
        ticks.busy = if busy { ticks.busy + 1 } else { 0 };
        if !long && ticks.busy < PATIENCE && !term::is_drawn() {
            return inner;
        }
        let now = inner.now(&*self.clock);
        if ticks.until_eta == 0 {
            ticks.until_eta = ETA_EVERY;
            inner.eta = inner.state.eta(now);
        }
        ticks.until_eta -= 1;
        term::draw(inner.lines(now));
        inner
    }

    /// What is being hashed.
    fn hashing(&self, ticks: &mut Ticks) -> Option<Hashing> {
        let Some(reading) = reading() else {
            ticks.hashing = 0;
            return None;
        };
        ticks.hashing += 1;
        let path = reading.path.strip_prefix(&self.root);
        let path = path.unwrap_or(&reading.path).to_string_lossy();
        let slash = if reading.size.is_none() { "/" } else { "" };
        let recorded = || self.sizes.get(&reading.path).copied();
        // What is read of others is in the same count.
        let alone = reading.others == 0;
        let size = reading.size.or_else(recorded).filter(|_| alone);
        Some(Hashing {
            path: format!("{}{slash}", harmless(&path)),
            size: size.filter(|size| *size >= reading.read),
            others: reading.others,
            read: reading.read,
            is_long: EVERY * ticks.hashing >= Duration::from_secs(1),
        })
    }

    /// Reads the last line of each stage that has printed something since. Events need not wait for that.
    fn read_last_lines(&self) {
        let logs: Vec<(StageName, PathBuf, u64)> = {
            let inner = self.lock();
            let running = inner.state.running.iter();
            let log = |(name, stage): (&StageName, &super::state::RunningStage)| {
                (name.clone(), stage.log.clone(), stage.last_at)
            };
            running.map(log).collect()
        };
        for (name, log, known) in logs {
            let Some((line, length)) = last_line(&log, known) else {
                continue;
            };
            let mut inner = self.lock();
            let running = inner.state.running.get_mut(&name);
            if let Some(stage) = running.filter(|stage| stage.log == log) {
                stage.last = line;
                stage.last_at = length;
            }
        }
    }
}

impl Inner {
    fn now(&self, clock: &dyn Clock) -> Duration {
        clock.monotonic().saturating_sub(self.slept)
    }

    fn lines(&self, now: Duration) -> Vec<String> {
        let moment = Moment { now, eta: self.eta };
        frame(&self.state, moment, term::size())
    }

    /// Says what stages have printed, but not so much at once that others have to wait. Whether there is more.
    fn say_news(&mut self) -> bool {
        for _ in 0..BLOCKS {
            let Some(news) = self.follow.news() else {
                return false;
            };
            term::say(&news);
        }
        true
    }

    fn follow(&mut self, event: &EventKind, log: impl Fn(&StageName, u32) -> PathBuf) {
        match event {
            EventKind::StageStarted { stage, attempt, .. } => {
                self.follow.begin(stage, &log(stage, *attempt));
            }
            EventKind::StageCompleted { stage, .. }
            | EventKind::StageFailed { stage, .. }
            | EventKind::StageRetry { stage, .. } => self.follow.end(stage, term::say),
            EventKind::StageCached { .. }
            | EventKind::JobRetry { .. }
            | EventKind::StageSkipped { .. }
            | EventKind::RunStarted { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }
}

/// The last line in a log with something in it, and how long the log is, if it is not as long as when it was read before.
fn last_line(log: &Path, known: u64) -> Option<(String, u64)> {
    let length = std::fs::metadata(log).ok()?.len();
    if length == known {
        return None;
    }
    let lines = tail(log, LAST_LINES).ok()?;
    let line = lines.iter().rev().find(|line| !line.trim().is_empty())?;
    Some((line.trim().replace('\t', " "), length))
}
