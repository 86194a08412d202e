//! A run as plain lines: one per transition, and a total.

mod failure;
mod lines;
pub(crate) mod recovered;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use playbook_exec::observer::Observer;
use playbook_exec::plan::Plan;
use playbook_exec::{FailureCause, Outcome, Summary};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind, JobCounts, KeptFile};

use crate::app::Verbosity;
use crate::render::plain::failure::{Failure, Gate, Verdict, kept_outs};
use crate::render::plain::lines::{
    Apart, about_kept, cached_line, kept_line, line_of, of_jobs, total, unsteady, width_of,
};
use crate::render::units::duration;
use crate::term::{self, Tone, paint};

/// Says what happens on standard error.
pub(crate) struct Plain {
    root: std::path::PathBuf,
    width: usize,
    verbosity: Verbosity,
    /// Commands of running stages, for the message when one fails.
    commands: Mutex<BTreeMap<StageName, String>>,
    /// The gates, with the reports that each is to write.
    gates: BTreeMap<StageName, Vec<DataPath>>,
    /// What was told of a gate whose failure is told next.
    verdict: Mutex<Option<Verdict>>,
    /// Stages that made other bytes than before from the same, and of which outs.
    unsteady: Mutex<Vec<(StageName, Vec<DataPath>)>>,
    /// How many stages are frozen, and how many files were kept.
    frozen: AtomicUsize,
    kept: AtomicUsize,
}

impl Plain {
    pub(crate) fn new(plan: &Plan<'_>, verbosity: Verbosity, json: bool) -> Self {
        let width = width_of(plan.names());
        // With --json, people are told only what went wrong.
        let verbosity = if json { Verbosity::Quiet } else { verbosity };
        Self {
            root: plan.root_path().to_owned(),
            width,
            verbosity,
            commands: Mutex::default(),
            gates: gates(plan),
            verdict: Mutex::default(),
            unsteady: Mutex::default(),
            frozen: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
        }
    }

    /// The end of a run.
    pub(crate) fn finish(&self, summary: &Summary) {
        term::say(&unsteady(
            &self.unsteady.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        let mut text = match self.kept.load(Ordering::Relaxed) {
            0 => String::new(),
            _ => about_kept(),
        };
        if let Outcome::Interrupted(_) = summary.outcome {
            writeln!(
                text,
                "{}: what was done is recorded; run again to go on",
                paint(Tone::Warn, "interrupted")
            )
            .ok();
        }
        let interrupted =
            |(_, cause): &&(StageName, FailureCause)| matches!(cause, FailureCause::Interrupted);
        let apart = Apart {
            interrupted: summary.failures.iter().filter(interrupted).count(),
            frozen: self.frozen.load(Ordering::Relaxed),
        };
        let totals = &summary.totals;
        let of_stages = totals.stages_cached + totals.stages_skipped;
        if totals.stages_run + totals.stages_failed + of_stages == 0 && text.is_empty() {
            text.push_str("there is no stage to run\n");
        } else {
            writeln!(text, "{}", total(totals, apart)).ok();
        }
        term::say(&text);
    }

    fn line(&self, tone: Tone, word: &str, stage: &StageName, more: &str) {
        if self.verbosity > Verbosity::Quiet {
            term::say(&line_of(self.width, (tone, word), stage, more));
        }
    }

    fn started(&self, stage: &StageName, command: &str, attempt: u32, why: &str) {
        let why = match attempt {
            1 => why,
            attempt => &format!("try {attempt}"),
        };
        self.line(Tone::Act, "run", stage, why);
        if self.verbosity == Verbosity::Verbose {
            let shown = command.trim_end().replace('\n', "\n       ");
            term::say(&format!("       {}\n", paint(Tone::Dim, &shown)));
        }
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.insert(stage.clone(), command.to_owned());
    }

    fn retry(&self, kind: &EventKind) {
        let (stage, what, attempt, seconds) = match kind {
            EventKind::StageRetry {
                stage,
                attempt,
                backoff_seconds,
                error,
                ..
            } => (stage, error.clone(), attempt, backoff_seconds),
            EventKind::JobRetry {
                stage,
                job,
                attempt,
                backoff_seconds,
                error,
            } => {
                let what = format!("job {}: {error}", job.input);
                (stage, what, attempt, backoff_seconds)
            }
            _ => return,
        };
        let more = format!("{what}; try {attempt} in {}", duration(*seconds));
        self.line(Tone::Warn, "retry", stage, &more);
    }

    fn completed(&self, stage: &StageName, (seconds, same): (f64, bool), jobs: Option<JobCounts>) {
        let (word, same) = match (self.gates.get(stage), same) {
            (Some(reports), true) if !reports.is_empty() => {
                ("pass", ", its report is the same as last time")
            }
            (Some(_), _) => ("pass", ""),
            (None, false) => ("done", ""),
            (None, true) => ("done", ", made the same as last time"),
        };
        let jobs = jobs.map(of_jobs).unwrap_or_default();
        let more = format!("{}{same}{jobs}", duration(seconds));
        self.line(Tone::Good, word, stage, &more);
        self.commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(stage);
    }

    /// Keeps in mind what is told at the end.
    fn compared(&self, stage: &StageName, nondeterministic: &[DataPath]) {
        if !nondeterministic.is_empty() {
            let mut all = self.unsteady.lock().unwrap_or_else(PoisonError::into_inner);
            all.push((stage.clone(), nondeterministic.to_vec()));
        }
    }

    /// Deps that moved and files that were kept: nothing a person may miss, even with `-q`.
    fn notes(&self, stage: &StageName, moved: &[DataPath], kept: &[KeptFile]) {
        self.kept.fetch_add(kept.len(), Ordering::Relaxed);
        for path in moved {
            let what = format!(
                "{path} changed while '{stage}' ran, so '{stage}' runs again next time (every time, if its command writes {path} itself: let it write another file, and name that in outs)"
            );
            term::say(&format!("{}: {what}\n", paint(Tone::Warn, "warning")));
        }
        for kept in kept {
            term::say(&kept_line(&self.root, stage, kept));
        }
    }

    /// Who ends a run knows why, and needs no log.
    fn interrupted(&self, failure: &Failure<'_>) {
        let kept = kept_outs(failure).map_or_else(String::new, |kept| format!("; {kept}"));
        let more = format!("{}{kept}", failure.error);
        self.line(Tone::Warn, "ended", failure.stage, &more);
    }

    /// Keeps in mind what a gate said whose failure is told next.
    fn said_no(&self, report: Option<&DataPath>, missing: &[DataPath]) {
        let verdict = Verdict {
            report: report.cloned(),
            missing: missing.to_vec(),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
    }

    fn failed(&self, failure: &Failure<'_>) {
        if failure.error == FailureCause::Interrupted.to_string() {
            return self.interrupted(failure);
        }
        let command = self
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(failure.stage);
        // What a job ran says more than what all of them did.
        let command = match failure.job {
            Some(job) => Some(job.command.clone()),
            None => command,
        };
        let verdict = self
            .verdict
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let gate = self.gates.get(failure.stage).map(|reports| Gate {
            reports,
            verdict: verdict.unwrap_or_default(),
        });
        term::say(&failure.text(&self.root, command.as_deref(), gate.as_ref()));
    }
}

fn say_if_any(lines: &str) {
    if !lines.is_empty() {
        term::say(lines);
    }
}

/// The events of a run in which nothing ran, as text.
pub(crate) fn nothing_ran(events: &[Event]) -> String {
    let cached = |event: &Event| match &event.kind {
        EventKind::StageCached { stage, .. } => Some(stage.clone()),
        _ => None,
    };
    let stages: Vec<StageName> = events.iter().filter_map(cached).collect();
    let width = width_of(stages.iter().map(StageName::as_str));
    let mut text = String::new();
    for stage in &stages {
        text.push_str(&line_of(width, (Tone::Good, "cached"), stage, ""));
    }
    if let Some(EventKind::RunCompleted(totals)) = events.last().map(|event| &event.kind) {
        writeln!(text, "{}", total(totals, Apart::default())).ok();
    }
    text
}

/// The gates of a plan, with the reports that each is to write.
fn gates(plan: &Plan<'_>) -> BTreeMap<StageName, Vec<DataPath>> {
    let gates = plan.order().map(|id| plan.stage(id));
    let gates = gates.filter(|stage| stage.gate).map(|gate| {
        let reports = gate.outs.iter().map(|out| out.path.clone());
        (gate.name.clone(), reports.collect())
    });
    gates.collect()
}

impl Observer for Plain {
    fn events(&self, events: &[Event]) {
        // Of a large pipeline nearly all stages stand: their lines are written together.
        let mut lines = String::new();
        for event in events {
            if let EventKind::StageCached { stage, reason, .. } = &event.kind {
                let is_frozen = usize::from(*reason == HitKind::Frozen);
                self.frozen.fetch_add(is_frozen, Ordering::Relaxed);
                if self.verbosity > Verbosity::Quiet {
                    lines.push_str(&cached_line(self.width, stage, *reason));
                }
            } else {
                say_if_any(&std::mem::take(&mut lines));
                self.event(event);
            }
        }
        say_if_any(&lines);
    }

    fn event(&self, event: &Event) {
        match &event.kind {
            EventKind::StageCached { .. } => self.events(std::slice::from_ref(event)),
            EventKind::StageStarted {
                stage,
                command,
                cache_miss_reason,
                attempt,
                ..
            } => {
                self.started(stage, command, *attempt, cache_miss_reason);
            }
            EventKind::StageCompleted {
                stage,
                duration_seconds,
                outs,
                changed,
                moved,
                kept,
                nondeterministic,
                jobs,
                ..
            } => {
                let same = !changed && !outs.is_empty();
                self.completed(stage, (*duration_seconds, same), *jobs);
                self.compared(stage, nondeterministic);
                self.notes(stage, moved, kept);
            }
            EventKind::StageFailed {
                stage,
                error,
                attempt,
                log,
                restored,
                kept,
                jobs,
                job,
                ..
            } => {
                self.failed(&Failure {
                    stage,
                    error,
                    attempt: *attempt,
                    log: log.as_deref(),
                    restored,
                    kept,
                    jobs: *jobs,
                    job: job.as_ref(),
                });
            }
            kind @ (EventKind::StageRetry { .. } | EventKind::JobRetry { .. }) => self.retry(kind),
            EventKind::StageSkipped { stage, because } => {
                let why = format!("because '{because}' failed");
                self.line(Tone::Warn, "skip", stage, &why);
            }
            EventKind::GateFailed {
                report, missing, ..
            } => self.said_no(report.as_ref(), missing),
            EventKind::RunStarted { .. }
            | EventKind::GatePassed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }
}
