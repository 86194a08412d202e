//! Past runs for programs.

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_lock::history::{FailedTry, StageRun, StageRuns};
use playbook_types::digest::Digest;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::event::{FailedJob, KeptFile, MadeOut, RunTotals};
use playbook_types::record::reason::InvalidationReason;
use playbook_types::record::usage::Usage;
use playbook_types::value::ParamValue;
use serde::Serialize;
use uuid::Uuid;

use crate::render::history::stage::StageLog;
use crate::render::history::state::ShownRun;

#[derive(Serialize)]
struct RunRow<'a> {
    run_id: Uuid,
    started: Timestamp,
    ended: Option<Timestamp>,
    outcome: &'static str,
    playbook: &'a str,
    generator: &'a str,
    /// How many were in the run.
    selected: usize,
    params: &'a IndexMap<ParamKey, ParamValue>,
    #[serde(flatten)]
    totals: &'a RunTotals,
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Vec<StageRow<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_lines: Option<usize>,
}

/// One stage of one run.
#[derive(Serialize)]
pub(crate) struct StageRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<Uuid>,
    stage: &'a str,
    outcome: &'static str,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    attempts: u32,
    failed_tries: Vec<TryRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    job_retries: Vec<JobTryRow<'a>>,
    target: Option<&'a str>,
    cache_key: Option<&'a Digest>,
    command: Option<&'a str>,
    reasons: &'a [InvalidationReason],
    cache_miss_reason: Option<&'a str>,
    outs: &'a [MadeOut],
    changed: Option<bool>,
    moved: &'a [DataPath],
    #[serde(skip_serializing_if = "<[DataPath]>::is_empty")]
    nondeterministic: &'a [DataPath],
    exit_code: Option<i32>,
    signal: Option<i32>,
    error: Option<&'a str>,
    /// Its log, if it is still there.
    log: Option<&'a str>,
    restored: &'a [DataPath],
    kept: &'a [KeptFile],
    because: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateRow<'a>>,
}

/// What a gate said.
#[derive(Serialize)]
struct GateRow<'a> {
    passed: bool,
    report: Option<&'a DataPath>,
    missing: &'a [DataPath],
}

/// A try before the last.
#[derive(Serialize)]
struct TryRow<'a> {
    attempt: u32,
    error: &'a str,
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

/// A try of a job before its last.
#[derive(Serialize)]
struct JobTryRow<'a> {
    attempt: u32,
    error: &'a str,
    job: &'a FailedJob,
}

/// A run as one line.
pub(crate) fn run_json(shown: &ShownRun) -> String {
    line(&run_row(shown))
}

/// A run with its stages, each with what is left of what it printed, as one line.
pub(crate) fn shown_run_json(shown: &ShownRun, told: &StageRuns, logs: &[StageLog]) -> String {
    let stages = told.stages.iter().zip(logs);
    line(&RunRow {
        stages: Some(
            stages
                .map(|(stage, log)| stage_row(None, stage, log))
                .collect(),
        ),
        unknown_lines: Some(told.unknown).filter(|count| *count > 0),
        ..run_row(shown)
    })
}

/// A stage of a run as one line.
pub(crate) fn stage_json(run_id: Uuid, stage: &StageRun, log: &StageLog) -> String {
    line(&stage_row(Some(run_id), stage, log))
}

fn line(row: &impl Serialize) -> String {
    // Keys are text and numbers finite.
    serde_json::to_string(row).unwrap_or_default() + "\n"
}

fn run_row(ShownRun { run, state }: &ShownRun) -> RunRow<'_> {
    RunRow {
        run_id: run.id,
        started: run.started,
        ended: run.ended,
        outcome: state.code(),
        playbook: &run.playbook,
        generator: &run.generator,
        selected: run.selected,
        params: &run.overrides,
        totals: &run.totals,
        stages: None,
        unknown_lines: None,
    }
}

/// A stage of a run, with the run's id where that is not said elsewhere.
pub(crate) fn stage_row<'a>(
    run_id: Option<Uuid>,
    stage: &'a StageRun,
    log: &'a StageLog,
) -> StageRow<'a> {
    let log = match log {
        StageLog::There { shown, .. } => Some(shown.as_str()),
        StageLog::NeverBegan | StageLog::Silent | StageLog::Gone(_) => None,
    };
    StageRow {
        run_id,
        stage: stage.stage.as_str(),
        outcome: stage.outcome.word(),
        started: stage.started,
        ended: stage.ended,
        duration_seconds: stage.duration_seconds,
        usage: stage.usage,
        attempts: stage.attempts,
        failed_tries: stage
            .failed_tries
            .iter()
            .map(
                |FailedTry {
                     attempt,
                     error,
                     log,
                     usage,
                 }| TryRow {
                    attempt: *attempt,
                    error,
                    log: log.as_deref(),
                    usage: *usage,
                },
            )
            .collect(),
        job_retries: stage
            .job_retries
            .iter()
            .map(|retry| JobTryRow {
                attempt: retry.attempt,
                error: &retry.error,
                job: &retry.job,
            })
            .collect(),
        target: stage.target.as_deref(),
        cache_key: stage.cache_key.as_ref(),
        command: stage.command.as_deref(),
        reasons: &stage.reasons,
        cache_miss_reason: stage.why.as_deref(),
        outs: &stage.outs,
        changed: stage.changed,
        moved: &stage.moved,
        nondeterministic: &stage.nondeterministic,
        exit_code: stage.exit_code,
        signal: stage.signal,
        error: stage.error.as_deref(),
        log,
        restored: &stage.restored,
        kept: &stage.kept,
        because: stage.because.as_ref().map(StageName::as_str),
        gate: stage.gate.as_ref().map(|gate| GateRow {
            passed: gate.passed,
            report: gate.report.as_ref(),
            missing: &gate.missing,
        }),
    }
}
