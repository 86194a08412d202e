//! What is known of a run while it goes on.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use playbook_exec::plan::{Expected, Plan, makespan};
use playbook_types::name::StageName;
use playbook_types::record::event::EventKind;

/// A stage whose command runs.
#[derive(Debug, Clone)]
pub(super) struct RunningStage {
    /// When it began, by the monotonic clock.
    pub(super) since: Duration,
    /// How long it took when it last ran, in seconds.
    pub(super) usual: Option<f64>,
    /// Where it prints to.
    pub(super) log: PathBuf,
    /// The last line it printed, and how long the log was when that was read.
    pub(super) last: String,
    pub(super) last_at: u64,
    /// Of a fan-out whose input is split: how many of its jobs are done, of how many.
    pub(super) jobs: Option<(usize, usize)>,
    /// How many were done when that was first told.
    pub(super) first_jobs: Option<usize>,
}

impl RunningStage {
    /// How many seconds the jobs that are not done will take, if they go on as those before.
    pub(super) fn left(&self, elapsed: f64) -> Option<f64> {
        let ((done, total), first) = self.jobs.zip(self.first_jobs)?;
        let ran = done.checked_sub(first).filter(|ran| *ran > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that many jobs")]
        let ratio = total.saturating_sub(done) as f64 / ran as f64;
        (elapsed >= 1.0).then_some(elapsed * ratio)
    }
}

/// Something that is read for its digest.
#[derive(Debug, Clone)]
pub(super) struct Hashing {
    /// What it is called.
    pub(super) path: String,
    pub(super) size: Option<u64>,
    pub(super) others: usize,
    pub(super) read: u64,
    /// It goes on for so long that people wonder.
    pub(super) is_long: bool,
}

/// Where a run is heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Everything will run that has to.
    Going,
    /// A stage failed: what runs may finish.
    NothingNew,
    /// What runs has been asked to end.
    Asked,
    /// What runs has been killed.
    Killed,
}

/// A stage that failed and is tried again.
#[derive(Debug, Clone)]
pub(super) struct WaitingStage {
    /// When its next try begins, by the monotonic clock.
    pub(super) until: Duration,
    /// Which try that is.
    pub(super) attempt: u32,
}

/// Where a run stands.
#[derive(Debug)]
pub(super) struct State {
    pub(super) jobs: u32,
    /// Stages in the run.
    pub(super) total: usize,
    /// Those that will not change any more.
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) running: IndexMap<StageName, RunningStage>,
    pub(super) waiting: IndexMap<StageName, WaitingStage>,
    pub(super) hashing: Option<Hashing>,
    pub(super) course: Course,
    stops_at_failure: bool,
    /// Every stage of the plan, in the run's order.
    planned: Vec<Planned>,
    numbers: IndexMap<StageName, usize>,
}

#[derive(Debug)]
struct Planned {
    /// The numbers of the stages it needs.
    needs: Vec<usize>,
    cores: u32,
    usual: Option<f64>,
    /// Nothing will change about it any more.
    over: bool,
}

/// How long the rest takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Eta {
    pub(super) seconds: f64,
    /// Of some stages it is not known how long they take.
    pub(super) at_least: bool,
}

impl State {
    pub(super) fn new(plan: &Plan<'_>, jobs: u32, stops_at_failure: bool) -> Self {
        let names = plan.order().map(|id| plan.stage(id).name.clone());
        let numbers: IndexMap<StageName, usize> =
            names.enumerate().map(|(n, name)| (name, n)).collect();
        let planned = plan.order().map(|id| {
            let needs = plan.graph().needs(id).iter();
            let needs = needs.filter_map(|need| numbers.get(&plan.stage(*need).name).copied());
            Planned {
                needs: needs.collect(),
                cores: plan.stage(id).resources.cores.unwrap_or(1),
                usual: plan.usual_seconds(id),
                over: false,
            }
        });
        Self {
            jobs,
            total: plan.names().count(),
            done: 0,
            failed: 0,
            running: IndexMap::new(),
            waiting: IndexMap::new(),
            hashing: None,
            course: Course::Going,
            stops_at_failure,
            planned: planned.collect(),
            numbers,
        }
    }

    /// Takes note of what happened. `log` says where a stage's attempt prints to.
    pub(super) fn hear(
        &mut self,
        event: &EventKind,
        now: Duration,
        log: impl FnOnce(&StageName, u32) -> PathBuf,
    ) {
        match event {
            EventKind::StageStarted { stage, attempt, .. } => {
                self.waiting.shift_remove(stage);
                let running = RunningStage {
                    since: now,
                    usual: self.planned(stage).and_then(|planned| planned.usual),
                    log: log(stage, *attempt),
                    last: String::new(),
                    last_at: 0,
                    jobs: None,
                    first_jobs: None,
                };
                self.running.insert(stage.clone(), running);
            }
            EventKind::StageRetry {
                stage,
                attempt,
                backoff_seconds,
                ..
            } => {
                self.running.shift_remove(stage);
                let wait = Duration::try_from_secs_f64(*backoff_seconds).unwrap_or_default();
                let waiting = WaitingStage {
                    until: now.saturating_add(wait),
                    attempt: *attempt,
                };
                self.waiting.insert(stage.clone(), waiting);
            }
            EventKind::StageFailed { stage, .. } => {
                self.failed += 1;
                if self.stops_at_failure && self.course == Course::Going {
                    self.course = Course::NothingNew;
                }
                self.ended(stage);
            }
            EventKind::StageCached { stage, .. }
            | EventKind::StageCompleted { stage, .. }
            | EventKind::StageSkipped { stage, .. } => self.ended(stage),
            EventKind::GateFailed { .. } if self.course == Course::Going => {
                self.course = Course::NothingNew;
            }
            EventKind::RunStarted { .. }
            | EventKind::JobRetry { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }

    /// So many jobs of a stage are done.
    pub(super) fn progress(&mut self, stage: &StageName, jobs: (usize, usize)) {
        if let Some(running) = self.running.get_mut(stage) {
            running.first_jobs.get_or_insert(jobs.0);
            running.jobs = Some(jobs);
        }
    }

    fn ended(&mut self, stage: &StageName) {
        self.done += 1;
        self.running.shift_remove(stage);
        self.waiting.shift_remove(stage);
        if let Some(number) = self.numbers.get(stage) {
            self.planned[*number].over = true;
        }
    }

    fn planned(&self, stage: &StageName) -> Option<&Planned> {
        self.planned.get(*self.numbers.get(stage)?)
    }

    /// How long the rest takes if all of it runs and each stage takes as long as it did; nothing if that is not known
    /// of any.
    pub(super) fn eta(&self, now: Duration) -> Option<Eta> {
        // Those that run come first: they have their cores already.
        let running = self
            .running
            .iter()
            .filter_map(|(name, running)| Some((*self.numbers.get(name)?, running.since)));
        let mut list: Vec<(usize, Option<Duration>)> =
            running.map(|(n, since)| (n, Some(since))).collect();
        let mut places = vec![None; self.planned.len()];
        for (place, (number, _)) in list.iter().enumerate() {
            places[*number] = Some(place);
        }
        let to_come = |planned: &Planned| !planned.over && self.course == Course::Going;
        for (number, planned) in self.planned.iter().enumerate() {
            if to_come(planned) && places[number].is_none() {
                places[number] = Some(list.len());
                list.push((number, None));
            }
        }
        let usual = |number: usize| self.planned[number].usual;
        list.iter()
            .any(|(number, _)| usual(*number).is_some())
            .then_some(())?;
        // One that takes longer than it did may take much longer.
        let at_least = list.iter().any(|(number, since)| {
            let passed = since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
            usual(*number).is_none_or(|usual| passed.as_secs_f64() > usual + 1.0)
        });
        let expected = list.iter().map(|(number, since)| {
            let planned = &self.planned[*number];
            let passed = since.map_or(0.0, |since| now.saturating_sub(since).as_secs_f64());
            let needs = planned
                .needs
                .iter()
                .filter(|need| !self.planned[**need].over);
            Expected {
                needs: needs
                    .filter(|_| since.is_none())
                    .filter_map(|need| places[*need])
                    .collect(),
                cores: planned.cores,
                seconds: (planned.usual.unwrap_or(0.0) - passed).max(0.0),
            }
        });
        let expected: Vec<Expected> = expected.collect();
        Some(Eta {
            seconds: makespan(&expected, self.jobs),
            at_least,
        })
    }
}

#[cfg(test)]
impl State {
    /// A run of stages with what they need, by number, and how long each took, on so many cores.
    pub(super) fn of(stages: &[(&str, &[usize], Option<f64>)], jobs: u32) -> Self {
        let name = |name: &str| StageName::parse(name).unwrap();
        let numbers = stages
            .iter()
            .enumerate()
            .map(|(n, (stage, ..))| (name(stage), n));
        let planned = stages.iter().map(|(_, needs, usual)| Planned {
            needs: needs.to_vec(),
            cores: 1,
            usual: *usual,
            over: false,
        });
        Self {
            jobs,
            total: stages.len(),
            done: 0,
            failed: 0,
            running: IndexMap::new(),
            waiting: IndexMap::new(),
            hashing: None,
            course: Course::Going,
            stops_at_failure: true,
            planned: planned.collect(),
            numbers: numbers.collect(),
        }
    }
}
