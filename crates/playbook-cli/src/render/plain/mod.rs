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
use playbook_types::record::event::{Event, EventKind, KeptFile, RunTotals};

use crate::app::Verbosity;
use crate::render::harmless::harmless;
use crate::render::units::duration;
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
        let interrupted =
            |(_, cause): &&(StageName, FailureCause)| matches!(cause, FailureCause::Interrupted);
        let interrupted = summary.failures.iter().filter(interrupted).count();
        writeln!(text, "{}", total(&summary.totals, interrupted)).ok();
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

    fn completed(&self, stage: &StageName, seconds: f64, changed: bool) {
        let same = if changed {
            ""
        } else {
            ", made the same as before"
        };
        self.line(
            Tone::Good,
            "done",
            stage,
            &format!("{}{same}", duration(seconds)),
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

    /// Who ends a run knows why, and needs no log.
    fn interrupted(&self, failure: &Failure<'_>) {
        let kept = kept_outs(failure).map_or_else(String::new, |kept| format!("; {kept}"));
        let more = format!("{}{kept}", failure.error);
        self.line(Tone::Warn, "ended", failure.stage, &more);
    }

    fn failed(&self, failure: &Failure<'_>) {
        if failure.error == FailureCause::Interrupted.to_string() {
            return self.interrupted(failure);
        }
        let mut text = String::new();
        let Failure {
            stage,
            error,
            attempt,
            log,
            kept,
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
        if let Some(command) = command.filter(|_| *attempt > 0) {
            let indented = command.trim_end().replace('\n', "\n           ");
            writeln!(text, "  command: {indented}").ok();
        }
        if let Some(log) = log {
            self.log(&mut text, log);
        }
        for KeptFile { path, kept } in *kept {
            writeln!(
                text,
                "  left:    what the command left at {path} is now {kept}"
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

/// Where to look next, and what is as it was.
fn hint(failure: &Failure<'_>) -> String {
    let mut parts = Vec::new();
    if failure.attempt > 0 {
        let stage = failure.stage;
        parts.push(format!(
            "'playbook debug {stage}' shows how to run it by hand"
        ));
    }
    parts.extend(kept_outs(failure));
    if parts.is_empty() {
        return String::new();
    }
    format!("  hint: {}\n", parts.join("; "))
}

/// That the outs are what they were.
fn kept_outs(failure: &Failure<'_>) -> Option<String> {
    let restored: Vec<&str> = failure.restored.iter().map(DataPath::as_str).collect();
    let were = match restored.len() {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    Some(format!("the previous {} {were} kept", restored.join(", ")))
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
    let line = format!("{word} {stage:<width$}  {}", harmless(more));
    format!("{}\n", line.trim_end())
}

/// The line of a stage that is up to date.
fn cached_line(width: usize, stage: &StageName, reason: HitKind) -> String {
    let why = match reason {
        HitKind::Frozen => "frozen",
        HitKind::Hit => "",
    };
    line_of(width, (Tone::Good, "cached"), stage, why)
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
        writeln!(text, "{}", total(totals, 0)).ok();
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
}

impl Observer for Plain {
    fn events(&self, events: &[Event]) {
        // Of a large pipeline nearly all stages stand: their lines are written together.
        let mut lines = String::new();
        for event in events {
            if let EventKind::StageCached { stage, reason, .. } = &event.kind {
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
                changed,
                moved,
                kept,
                ..
            } => {
                self.completed(stage, *duration_seconds, *changed);
                Self::notes(stage, moved, kept);
            }
            EventKind::StageFailed {
                stage,
                error,
                attempt,
                log,
                restored,
                kept,
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

/// The figures of a run. Stages that were interrupted are counted among the failed ones, and told apart here.
fn total(totals: &RunTotals, interrupted: usize) -> String {
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
    let failed = stages_failed.saturating_sub(interrupted);
    let interrupted = match interrupted {
        0 => String::new(),
        count => format!(" · {count} interrupted"),
    };
    format!(
        "{stages_run} run · {stages_cached} cached · {failed} failed{interrupted}{skipped} in {took}{saved}"
    )
}
