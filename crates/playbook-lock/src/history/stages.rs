//! What became of each stage in one run, put together from its events.

#![deny(clippy::wildcard_enum_match_arm)]

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{
    Event, EventKind, FailedJob, JobCounts, KeptFile, MadeOut, RunTotals,
};
use playbook_types::record::reason::InvalidationReason;
use playbook_types::record::usage::Usage;
use serde_json::Value;

/// What became of a stage in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageOutcome {
    /// It ran, and made every out.
    Ran,
    /// Its recorded result stood.
    Cached(HitKind),
    /// It did not make its outs.
    Failed,
    /// It was ended because the run was interrupted.
    Interrupted,
    /// It did not run because of another's failure.
    Skipped,
    /// It began, and its end was never told: it runs now, or the run died.
    Unfinished,
}

impl StageOutcome {
    /// In one word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Cached(HitKind::Hit) => "cached",
            Self::Cached(HitKind::Frozen) => "frozen",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
            Self::Unfinished => "unfinished",
        }
    }
}

/// A gate's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateVerdict {
    /// Whether the gate passed.
    pub passed: bool,
    /// Its report.
    pub report: Option<DataPath>,
    /// Reports that it came to its end without writing.
    pub missing: Vec<DataPath>,
}

impl GateVerdict {
    /// Whether the gate came to its end and said no: then what it wrote stands in its place.
    pub fn said_no(&self) -> bool {
        !self.passed && (self.report.is_some() || !self.missing.is_empty())
    }
}

/// A try that failed and was followed by another.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedTry {
    /// Which try, from 1.
    pub attempt: u32,
    /// What went wrong.
    pub error: String,
    /// Its log, relative to the root.
    pub log: Option<String>,
    /// What its commands used.
    pub usage: Option<Usage>,
}

/// A try of a job that failed and was followed by another.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRetry {
    /// The job.
    pub job: FailedJob,
    /// Which try failed, from 1.
    pub attempt: u32,
    /// What went wrong.
    pub error: String,
}

/// One stage in one run. What was not told is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRun {
    /// The stage.
    pub stage: StageName,
    /// What became of it.
    pub outcome: StageOutcome,
    /// When its first attempt began.
    pub started: Option<Timestamp>,
    /// When what became of it was known.
    pub ended: Option<Timestamp>,
    /// How long its command ran, if it made every out.
    pub duration_seconds: Option<f64>,
    /// What the commands of its last attempt used.
    pub usage: Option<Usage>,
    /// How often it was tried.
    pub attempts: u32,
    /// The tries before the last one.
    pub failed_tries: Vec<FailedTry>,
    /// Of a fan-out: tries of its jobs before their last ones.
    pub job_retries: Vec<JobRetry>,
    /// Where it ran.
    pub target: Option<String>,
    /// Its key.
    pub cache_key: Option<Digest>,
    /// Its command, values from `env` masked. The items of a list are lines.
    pub command: Option<String>,
    /// Why it ran. Reasons that this version does not know are only in `why`.
    pub reasons: Vec<InvalidationReason>,
    /// The same as one sentence.
    pub why: Option<String>,
    /// What it made.
    pub outs: Vec<MadeOut>,
    /// Whether what it made differs from what was there before.
    pub changed: Option<bool>,
    /// Deps that changed while it ran.
    pub moved: Vec<DataPath>,
    /// Outs of which it made other bytes than before from the same, although it is said to be deterministic.
    pub nondeterministic: Vec<DataPath>,
    /// The exit status of the command that failed.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// The log of the attempt that failed, relative to the root.
    pub log: Option<String>,
    /// Former outs that came back after a failure.
    pub restored: Vec<DataPath>,
    /// What was moved out of the way, or what a failed attempt left.
    pub kept: Vec<KeptFile>,
    /// The stage because of whose failure it did not run.
    pub because: Option<StageName>,
    /// What it said as a gate.
    pub gate: Option<GateVerdict>,
    /// Of a fan-out: its jobs.
    pub jobs: Option<JobCounts>,
    /// The job that failed first.
    pub job: Option<FailedJob>,
}

impl StageRun {
    fn new(stage: StageName) -> Self {
        Self {
            stage,
            outcome: StageOutcome::Unfinished,
            started: None,
            ended: None,
            duration_seconds: None,
            usage: None,
            attempts: 0,
            failed_tries: Vec::new(),
            job_retries: Vec::new(),
            target: None,
            cache_key: None,
            command: None,
            reasons: Vec::new(),
            why: None,
            outs: Vec::new(),
            changed: None,
            moved: Vec::new(),
            nondeterministic: Vec::new(),
            exit_code: None,
            signal: None,
            error: None,
            log: None,
            restored: Vec::new(),
            kept: Vec::new(),
            because: None,
            gate: None,
            jobs: None,
            job: None,
        }
    }
}

/// The stages of one run, in the order they were first told of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageRuns {
    /// Each of them.
    pub stages: Vec<StageRun>,
    /// Lines of the run that this version does not know or that are broken: nothing in them is told here.
    pub unknown: usize,
}

impl StageRuns {
    /// What the run came to as far as its lines tell, for one whose end is not told.
    pub fn totals(&self) -> RunTotals {
        let mut totals = RunTotals::default();
        for stage in &self.stages {
            match stage.outcome {
                StageOutcome::Ran => totals.stages_run += 1,
                StageOutcome::Cached(_) => totals.stages_cached += 1,
                StageOutcome::Failed | StageOutcome::Interrupted => totals.stages_failed += 1,
                StageOutcome::Skipped => totals.stages_skipped += 1,
                StageOutcome::Unfinished => {}
            }
        }
        totals
    }
}

/// Puts stages together from the events of one run.
#[derive(Debug, Default)]
pub(super) struct Gather {
    stages: IndexMap<StageName, StageRun>,
    unknown: usize,
    interrupted: bool,
}

impl Gather {
    /// The next line of the run.
    pub(super) fn line(&mut self, line: &[u8]) {
        match serde_json::from_slice(line).ok().or_else(|| lenient(line)) {
            Some(event) => self.event(event),
            None => self.unknown += 1,
        }
    }

    pub(super) fn finish(self) -> StageRuns {
        let Self {
            stages,
            unknown,
            interrupted,
        } = self;
        let mut stages: Vec<StageRun> = stages.into_values().collect();
        // A command that the run ended on its way out did not fail by itself; the run says so in one word.
        let ended = |stage: &&mut StageRun| {
            let plainly = stage.exit_code.is_none() && stage.signal.is_none();
            plainly && stage.error.as_deref() == Some("interrupted")
        };
        if interrupted {
            for stage in stages.iter_mut().filter(ended) {
                stage.outcome = StageOutcome::Interrupted;
            }
        }
        StageRuns { stages, unknown }
    }

    fn of(&mut self, stage: StageName) -> &mut StageRun {
        self.stages
            .entry(stage)
            .or_insert_with_key(|stage| StageRun::new(stage.clone()))
    }

    fn ended(&mut self, stage: StageName, outcome: StageOutcome, ts: Timestamp) -> &mut StageRun {
        let run = self.of(stage);
        run.outcome = outcome;
        run.ended = Some(ts);
        run
    }

    fn event(&mut self, event: Event) {
        let Event { ts, kind, .. } = event;
        match kind {
            EventKind::StageCached {
                stage,
                cache_key,
                reason,
            } => {
                self.ended(stage, StageOutcome::Cached(reason), ts)
                    .cache_key = cache_key;
            }
            kind @ EventKind::StageStarted { .. } => self.started(ts, kind),
            kind @ (EventKind::StageRetry { .. } | EventKind::JobRetry { .. }) => self.tried(kind),
            EventKind::StageCompleted {
                stage,
                duration_seconds,
                usage,
                outs,
                changed,
                moved,
                kept,
                jobs,
                nondeterministic,
            } => {
                let run = self.ended(stage, StageOutcome::Ran, ts);
                run.nondeterministic = nondeterministic;
                run.duration_seconds = Some(duration_seconds);
                run.usage = usage;
                run.changed = Some(changed);
                (run.outs, run.moved, run.kept) = (outs, moved, kept);
                // It went well after all.
                (run.exit_code, run.signal, run.error, run.log) = (None, None, None, None);
                run.restored.clear();
                (run.jobs, run.job) = (jobs, None);
            }
            kind @ EventKind::StageFailed { .. } => self.failed(ts, kind),
            EventKind::StageSkipped { stage, because } => {
                self.ended(stage, StageOutcome::Skipped, ts).because = Some(because);
            }
            EventKind::GatePassed { stage, report } => {
                self.gate(stage, (true, report, Vec::new()));
            }
            EventKind::GateFailed {
                stage,
                report,
                missing,
            } => self.gate(stage, (false, report, missing)),
            EventKind::RunInterrupted(_) => self.interrupted = true,
            EventKind::RunStarted { .. } | EventKind::RunCompleted(_) | EventKind::RunFailed(_) => {
            }
        }
    }

    /// A try that is followed by another.
    fn tried(&mut self, kind: EventKind) {
        if let EventKind::StageRetry {
            stage,
            attempt,
            error,
            log,
            usage,
            ..
        } = kind
        {
            let run = self.of(stage);
            run.failed_tries.push(FailedTry {
                attempt: attempt.saturating_sub(1),
                error,
                log,
                usage,
            });
            run.outcome = StageOutcome::Unfinished;
            run.ended = None;
        } else if let EventKind::JobRetry {
            stage,
            job,
            attempt,
            error,
            ..
        } = kind
        {
            self.of(stage).job_retries.push(JobRetry {
                job,
                attempt: attempt.saturating_sub(1),
                error,
            });
        }
    }

    fn started(&mut self, ts: Timestamp, kind: EventKind) {
        if let EventKind::StageStarted {
            stage,
            target,
            attempt,
            cache_key,
            command,
            reasons,
            cache_miss_reason,
        } = kind
        {
            let run = self.of(stage);
            run.outcome = StageOutcome::Unfinished;
            run.started.get_or_insert(ts);
            run.ended = None;
            run.attempts = run.attempts.max(attempt);
            run.target = Some(target);
            run.cache_key = cache_key;
            run.command = Some(command);
            run.reasons = reasons;
            run.why = Some(cache_miss_reason);
        }
    }

    fn failed(&mut self, ts: Timestamp, kind: EventKind) {
        if let EventKind::StageFailed {
            stage,
            exit_code,
            signal,
            error,
            attempt,
            usage,
            log,
            restored,
            kept,
            jobs,
            job,
        } = kind
        {
            let run = self.ended(stage, StageOutcome::Failed, ts);
            run.attempts = run.attempts.max(attempt);
            (run.exit_code, run.signal) = (exit_code, signal);
            run.error = Some(error);
            run.usage = usage;
            run.log = log;
            (run.restored, run.kept) = (restored, kept);
            (run.jobs, run.job) = (jobs, job);
        }
    }

    fn gate(
        &mut self,
        stage: StageName,
        (passed, report, missing): (bool, Option<DataPath>, Vec<DataPath>),
    ) {
        self.of(stage).gate = Some(GateVerdict {
            passed,
            report,
            missing,
        });
    }
}

/// An event of a newer version, as far as this one understands it: reasons it does not know are left out.
fn lenient(line: &[u8]) -> Option<Event> {
    let mut value: Value = serde_json::from_slice(line).ok()?;
    let reasons = value.get_mut("reasons")?.as_array_mut()?;
    reasons.retain(|reason| serde_json::from_value::<InvalidationReason>(reason.clone()).is_ok());
    serde_json::from_value(value).ok()
}
