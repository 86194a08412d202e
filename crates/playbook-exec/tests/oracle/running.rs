//! Running a playbook in each of the ways there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_exec::clock::SystemClock;
use playbook_exec::observer::Recording;
use playbook_exec::plan::{Fate, Plan, PlanOptions, Selection, plan, plan_part};
use playbook_exec::{FOLD_EVERY, Found, GRACE, Look, Outcome, Runtime, Unsettled, execute};
use playbook_hash::Trust;
use playbook_lock::Project;
use playbook_lock::run_lock::{Contention, Holder, RunLock};
use playbook_types::model::policy::FailurePolicy;
use playbook_types::record::event::{Event, EventKind, JobCounts};
use playbook_types::record::reason::InvalidationReason;
use uuid::Uuid;

use crate::edit::Way;
use crate::story::told;

/// What a run said.
#[derive(Default)]
pub(crate) struct Run {
    /// What was foretold of each stage.
    pub(crate) foretold: Vec<(String, Fate)>,
    /// The stages that ran.
    pub(crate) ran: BTreeSet<String>,
    /// Why each of them did.
    pub(crate) why: BTreeMap<String, Vec<InvalidationReason>>,
    /// Those of them that failed.
    pub(crate) failed: BTreeSet<String>,
    /// Those that could not run because of a failure.
    pub(crate) skipped: BTreeSet<String>,
    /// Those that stood.
    pub(crate) cached: BTreeSet<String>,
    /// Of fan-outs, how many jobs there are and how many were foretold to run.
    pub(crate) jobs_foretold: BTreeMap<String, (usize, usize)>,
    /// Of fan-outs that ran, their jobs.
    pub(crate) jobs: BTreeMap<String, JobCounts>,
    /// How many stages it says it is about.
    pub(crate) about: usize,
}

/// How runs came by their answers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Stats said that there is nothing to do.
    settled: AtomicUsize,
    /// Stats said of some stages that they stand.
    part: AtomicUsize,
    /// Stats said so of none.
    all: AtomicUsize,
    /// Stats were asked, and nothing was there to compare them with: then the run was an ordinary one.
    unknown: AtomicUsize,
    ordinary: AtomicUsize,
}

impl Tally {
    fn count(&self, of: impl Fn(&Self) -> &AtomicUsize) {
        of(self).fetch_add(1, Ordering::Relaxed);
    }

    /// In hundredths of all runs: those that stats decided, and those they decided in part.
    pub(crate) fn shares(&self) -> (usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let all = [&self.settled, &self.part, &self.all, &self.ordinary];
        let all: usize = all.into_iter().map(of).sum();
        (of(&self.settled) * 100 / all, of(&self.part) * 100 / all)
    }
}

/// Runs the playbook in a directory this way; a part of it, if that is named.
pub(crate) fn run(directory: &Path, way: Way, part: Option<&str>, tally: &Tally) -> Run {
    let file = directory.join("playbook.yaml");
    let project = Project::open(&file).unwrap();
    project.state_dir().create().unwrap();
    let trust = match way {
        Way::ReadingEverything => Trust::ReadEverything,
        _ => Trust::Stat,
    };
    let selectors = part.map(str::to_owned).into_iter().collect();
    let options = PlanOptions {
        selection: Selection {
            selectors,
            only: false,
        },
        ..PlanOptions::default()
    };
    let plan = plan(&project, &options).unwrap();
    let told = told(directory, &plan, trust);
    let jobs_foretold = told.iter().filter_map(|stage| {
        let jobs = stage.jobs.as_ref()?;
        Some((stage.stage.to_string(), (jobs.total, jobs.to_run)))
    });
    let jobs_foretold = jobs_foretold.collect();
    let foretold = told.into_iter();
    let foretold = foretold.map(|stage| (stage.stage.to_string(), stage.fate));
    let foretold = foretold.collect();
    let by_stats = (way == Way::ByStats)
        .then(|| by_stats(&file, tally))
        .flatten();
    let events = by_stats.unwrap_or_else(|| {
        tally.count(|tally| &tally.ordinary);
        let _held = hold(&project);
        carry_out(&plan, trust)
    });
    Run {
        foretold,
        jobs_foretold,
        ..said(&events)
    }
}

/// What the program does before it works everything out.
fn by_stats(file: &Path, tally: &Tally) -> Option<Vec<Event>> {
    let found = Found::load(file);
    match found.as_ref().and_then(Found::look) {
        Some(Look::Settled(settled)) => {
            tally.count(|tally| &tally.settled);
            Some(settled.events(Uuid::now_v7(), &SystemClock::new(), GRACE))
        }
        Some(Look::Unsettled(unsettled)) => carry_out_part(unsettled, tally),
        None => {
            tally.count(|tally| &tally.unknown);
            None
        }
    }
}

fn carry_out_part(unsettled: Unsettled<'_>, tally: &Tally) -> Option<Vec<Event>> {
    let project = unsettled.open();
    let held = project.as_ref().map(hold);
    let part = project.as_ref().and_then(|project| unsettled.part(project));
    let (Some(project), Some(part)) = (&project, part) else {
        tally.count(|tally| &tally.unknown);
        return None;
    };
    let events = carry_out(&plan_part(project, part).unwrap(), Trust::Stat);
    drop(held);
    let about = said(&events).about;
    tally.count(|tally| {
        if about > project.playbook().stages.len() {
            &tally.part
        } else {
            &tally.all
        }
    });
    Some(events)
}

fn hold(project: &Project) -> RunLock {
    let holder = Holder {
        pid: std::process::id(),
        host: "here".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    // A command that another test is just starting may have the file of a run that is over, until it is another program.
    let wait = Contention::Wait(&|_| {});
    RunLock::acquire(&project.state_dir().run_lock(), &holder, wait).unwrap()
}

fn carry_out(plan: &Plan<'_>, trust: Trust) -> Vec<Event> {
    let recording = Recording::default();
    let runtime = Runtime {
        clock: &SystemClock::new(),
        observer: &recording,
        jobs: 2,
        failure: FailurePolicy::ContinueOnFailure,
        trust,
        run_id: Uuid::now_v7(),
        overrides: IndexMap::new(),
        owns_process: false,
        grace: GRACE,
        fold_every: FOLD_EVERY,
    };
    let summary = execute(plan, &runtime).unwrap();
    let ended = if summary.failures.is_empty() {
        Outcome::Completed
    } else {
        Outcome::Failed
    };
    assert_eq!(summary.outcome, ended, "{:?}", summary.failures);
    recording.events()
}

/// What events say. Their totals are those of the stages they name.
fn said(events: &[Event]) -> Run {
    let mut run = Run::default();
    for event in events {
        match &event.kind {
            EventKind::StageStarted { stage, reasons, .. } => {
                run.ran.insert(stage.to_string());
                run.why.insert(stage.to_string(), reasons.clone());
            }
            EventKind::StageCompleted { stage, jobs, .. } => {
                run.jobs.extend(jobs.map(|jobs| (stage.to_string(), jobs)));
            }
            EventKind::StageFailed { stage, jobs, .. } => {
                run.failed.insert(stage.to_string());
                run.jobs.extend(jobs.map(|jobs| (stage.to_string(), jobs)));
            }
            EventKind::StageSkipped { stage, .. } => drop(run.skipped.insert(stage.to_string())),
            EventKind::StageCached { stage, .. } => drop(run.cached.insert(stage.to_string())),
            EventKind::RunStarted { stages, .. } => run.about = *stages,
            EventKind::RunCompleted(totals) => {
                let told = (totals.stages_run, totals.stages_cached);
                assert_eq!(told, (run.ran.len(), run.cached.len()));
            }
            _ => {}
        }
    }
    run
}
