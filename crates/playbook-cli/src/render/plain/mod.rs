//! A run as plain lines: one per transition, and a total.

pub(crate) mod recovered;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use playbook_exec::observer::Observer;
use playbook_exec::plan::Plan;
use playbook_exec::{FailureCause, Outcome, Summary, tail};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind, FailedJob, JobCounts, KeptFile, RunTotals};

use crate::app::Verbosity;
use crate::render::units::{duration, grouped};
use crate::term::{self, Tone, paint};

/// Lines of a failed stage's log that are shown.
const TAIL_LINES: usize = 10;

/// Says what happens on standard error.
pub(crate) struct Plain {
    root: std::path::PathBuf,
    width: usize,
    verbosity: Verbosity,
    /// Commands of running stages, for the message when one fails.
    commands: Mutex<BTreeMap<StageName, String>>,
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
        }
    }

    /// The end of a run.
    pub(crate) fn finish(&self, summary: &Summary) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        let mut text = String::new();
        if let Outcome::Interrupted(_) = summary.outcome {
            writeln!(
                text,
                "{}: what was done is recorded; run again to go on",
                paint(Tone::Warn, "interrupted")
            )
            .ok();
        }
        writeln!(text, "{}", total(&summary.totals)).ok();
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

    fn retry(&self, stage: &StageName, error: &str, (attempt, seconds): (u32, f64)) {
        let wait = duration(seconds);
        let more = format!("{error}; try {attempt} in {wait}");
        self.line(Tone::Warn, "retry", stage, &more);
    }

    fn completed(
        &self,
        stage: &StageName,
        (seconds, changed): (f64, bool),
        jobs: Option<JobCounts>,
    ) {
        let same = if changed {
            ""
        } else {
            ", made the same as before"
        };
        self.line(
            Tone::Good,
            "done",
            stage,
            &format!(
                "{}{same}{}",
                duration(seconds),
                jobs.map(of_jobs).unwrap_or_default()
            ),
        );
        self.commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(stage);
    }

    /// Deps that moved and files that were kept: nothing a person may miss, even with `-q`.
    fn notes(stage: &StageName, moved: &[DataPath], kept: &[KeptFile]) {
        for path in moved {
            let what = format!(
                "{path} changed while '{stage}' ran, so '{stage}' runs again next time (each time, if it writes {path} itself: then that is an out)"
            );
            term::say(&format!("{}: {what}\n", paint(Tone::Warn, "warning")));
        }
        for kept in kept {
            term::say(&kept_line(stage, kept));
        }
    }

    fn failed(&self, failure: &Failure<'_>) {
        let mut text = String::new();
        let Failure {
            stage,
            error,
            attempt,
            log,
            kept,
            jobs,
            job,
            ..
        } = failure;
        writeln!(
            text,
            "{}: stage '{stage}' failed: {error}",
            paint(Tone::Bad, "error")
        )
        .ok();
        let command = self
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(*stage);
        // What a job ran says more than what all of them did.
        let command = match job {
            Some(job) => Some(job.command.clone()),
            None => command,
        };
        if let Some(command) = command.filter(|_| *attempt > 0) {
            let indented = command.trim_end().replace('\n', "\n           ");
            writeln!(text, "  command: {indented}").ok();
        }
        if let Some(log) = log {
            self.log(&mut text, log);
        }
        if let Some(work_dir) = job.and_then(|job| job.work_dir.as_ref()) {
            writeln!(text, "  work:    {work_dir}").ok();
        }
        if let Some(jobs) = jobs.filter(|jobs| jobs.total > 0) {
            let done = grouped(jobs.run + jobs.cached);
            let total = grouped(jobs.total);
            writeln!(
                text,
                "  jobs:    {done} of {total} done; the next run goes on from there"
            )
            .ok();
        }
        for KeptFile { path, kept } in *kept {
            writeln!(
                text,
                "  left:    {path} as the command left it is now {kept}"
            )
            .ok();
        }
        text.push_str(&hint(failure));
        term::say(&text);
    }

    fn log(&self, text: &mut String, log: &str) {
        let path = self.root.join(log);
        match tail(&path, TAIL_LINES) {
            Ok(lines) if lines.is_empty() => {
                writeln!(text, "  log:     {log} (empty)").ok();
            }
            Ok(lines) => {
                let many = if lines.len() == TAIL_LINES {
                    format!("last {TAIL_LINES} lines")
                } else {
                    "all of it".to_owned()
                };
                writeln!(text, "  log:     {log} ({many})").ok();
                for line in lines {
                    writeln!(text, "    | {line}").ok();
                }
            }
            Err(error) => {
                writeln!(text, "  log:     {log} (cannot be read: {error})").ok();
            }
        }
    }
}

/// What is told of the jobs of a fan-out that is done.
fn of_jobs(jobs: JobCounts) -> String {
    let JobCounts {
        total, run, cached, ..
    } = jobs;
    match (total, cached) {
        (0, _) => ", no jobs: no file matches".to_owned(),
        (1, 0) => ", 1 job".to_owned(),
        (_, 0) => format!(", {} jobs", grouped(total)),
        _ => format!(", {} of {} jobs", grouped(run), grouped(total)),
    }
}

/// Where to look next, and what is as it was.
fn hint(failure: &Failure<'_>) -> String {
    let mut parts = Vec::new();
    // Who ends a run knows why.
    if failure.attempt > 0 && failure.error != FailureCause::Interrupted.to_string() {
        let stage = failure.stage;
        let job = failure.job.map(|job| format!(" {}", job.id));
        let job = job.unwrap_or_default();
        parts.push(format!(
            "'playbook debug {stage}{job}' shows how to run it by hand"
        ));
    }
    let restored: Vec<&str> = failure.restored.iter().map(DataPath::as_str).collect();
    if !restored.is_empty() {
        let were = if restored.len() == 1 { "was" } else { "were" };
        parts.push(format!("the previous {} {were} kept", restored.join(", ")));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("  hint: {}\n", parts.join("; "))
}

/// That a file of the user's was moved out of a stage's way.
pub(crate) fn kept_line(stage: &StageName, KeptFile { path, kept }: &KeptFile) -> String {
    let what = format!(
        "what stood at {path} is not on record as made by '{stage}'; it was moved to {kept}"
    );
    format!("{}: {what}\n", paint(Tone::Warn, "warning"))
}

/// One stage's line.
fn line_of(width: usize, (tone, word): (Tone, &str), stage: &StageName, more: &str) -> String {
    let word = paint(tone, &format!("{word:<6}"));
    let line = format!("{word} {stage:<width$}  {more}");
    format!("{}\n", line.trim_end())
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
        writeln!(text, "{}", total(totals)).ok();
    }
    text
}

/// How wide names are shown: as wide as the widest, but not at any price.
fn width_of<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let widest = names.map(|name| name.chars().count()).max();
    widest.unwrap_or(0).min(40)
}

/// How a stage failed.
struct Failure<'a> {
    stage: &'a StageName,
    error: &'a str,
    attempt: u32,
    log: Option<&'a str>,
    restored: &'a [DataPath],
    kept: &'a [KeptFile],
    jobs: Option<JobCounts>,
    job: Option<&'a FailedJob>,
}

impl Observer for Plain {
    fn event(&self, event: &Event) {
        match &event.kind {
            EventKind::StageCached { stage, reason, .. } => {
                let frozen = *reason == HitKind::Frozen;
                let why = if frozen { "frozen" } else { "" };
                self.line(Tone::Good, "cached", stage, why);
            }
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
                changed,
                moved,
                kept,
                jobs,
                ..
            } => {
                self.completed(stage, (*duration_seconds, *changed), *jobs);
                Self::notes(stage, moved, kept);
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
                let log = log.as_deref();
                self.failed(&Failure {
                    stage,
                    error,
                    attempt: *attempt,
                    log,
                    restored,
                    kept,
                    jobs: *jobs,
                    job: job.as_ref(),
                });
            }
            EventKind::StageRetry {
                stage,
                attempt,
                backoff_seconds,
                error,
                ..
            } => {
                self.retry(stage, error, (*attempt, *backoff_seconds));
            }
            EventKind::StageSkipped { stage, because } => {
                let why = format!("because '{because}' failed");
                self.line(Tone::Warn, "skip", stage, &why);
            }
            EventKind::RunStarted { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }
}

fn total(totals: &RunTotals) -> String {
    let skipped = match totals.stages_skipped {
        0 => String::new(),
        count => format!(" · {count} skipped"),
    };
    let saved = match totals.stages_cached {
        0 => String::new(),
        _ => format!(" (saved {})", duration(totals.saved_seconds)),
    };
    let RunTotals {
        stages_run,
        stages_cached,
        stages_failed,
        total_seconds,
        ..
    } = totals;
    let took = duration(*total_seconds);
    format!(
        "{stages_run} run · {stages_cached} cached · {stages_failed} failed{skipped} in {took}{saved}"
    )
}
