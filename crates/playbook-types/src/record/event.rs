//! What happens in a run, as data: the event log and `--json` are these, one object per line.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::name::{ParamKey, StageName};
use crate::path::DataPath;
use crate::record::decision::HitKind;
use crate::record::reason::InvalidationReason;
use crate::record::usage::Usage;
use crate::value::ParamValue;

/// One line of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub ts: Timestamp,
    /// In which run.
    pub run_id: Uuid,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A run began.
    RunStarted {
        /// The playbook's name.
        playbook: String,
        /// Program and version.
        generator: String,
        /// How many stages are in the run.
        stages: usize,
        /// Params set from outside.
        params: IndexMap<ParamKey, ParamValue>,
    },
    /// A stage's recorded result stands.
    StageCached {
        /// The stage.
        stage: StageName,
        /// Its key; none for a frozen stage.
        cache_key: Option<Digest>,
        /// Why.
        reason: HitKind,
    },
    /// A stage's command starts.
    StageStarted {
        /// The stage.
        stage: StageName,
        /// Where.
        target: String,
        /// Which try, from 1.
        attempt: u32,
        /// Its key.
        cache_key: Option<Digest>,
        /// Its command, values from `env` masked.
        command: String,
        /// Why it runs.
        reasons: Vec<InvalidationReason>,
        /// The same as one sentence.
        cache_miss_reason: String,
    },
    /// A job of a fan-out failed and will be tried again. Its stage goes on meanwhile.
    JobRetry {
        /// The stage.
        stage: StageName,
        /// The job.
        job: FailedJob,
        /// The try that comes.
        attempt: u32,
        /// The wait before it.
        backoff_seconds: f64,
        /// What went wrong with the try before.
        error: String,
    },
    /// A stage failed and will be tried again.
    StageRetry {
        /// The stage.
        stage: StageName,
        /// The try that comes.
        attempt: u32,
        /// The wait before it.
        backoff_seconds: f64,
        /// What went wrong with the try before.
        #[serde(default)]
        error: String,
        /// The log of that try, relative to the root, if its command printed anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<String>,
        /// What its commands used, where that was measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// A stage made every out.
    StageCompleted {
        /// The stage.
        stage: StageName,
        /// How long its command ran.
        duration_seconds: f64,
        /// What its commands used, where that was measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        /// What it made.
        outs: Vec<MadeOut>,
        /// False: the same bytes as before.
        changed: bool,
        /// Deps that changed while it ran: its result is not relied on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        moved: Vec<DataPath>,
        /// Files of the user's that stood where it made its outs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<KeptFile>,
        /// Of a fan-out: its jobs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jobs: Option<JobCounts>,
        /// Outs of which it made other bytes than before from the same, although it is said to be deterministic.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nondeterministic: Vec<DataPath>,
    },
    /// A stage did not make its outs.
    StageFailed {
        /// The stage.
        stage: StageName,
        /// The exit status of its command, if it exited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The signal that ended its command, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// What went wrong.
        error: String,
        /// Which try, from 1; 0 if its command never started.
        attempt: u32,
        /// What its commands used, where that was measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        /// Its log, relative to the root, if its command started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<String>,
        /// Former outs that are back in their places.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restored: Vec<DataPath>,
        /// What it left behind, kept until it runs next.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<KeptFile>,
        /// Of a fan-out that had begun: its jobs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jobs: Option<JobCounts>,
        /// The job that failed first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<FailedJob>,
    },
    /// A stage did not run because of another's failure.
    StageSkipped {
        /// The stage.
        stage: StageName,
        /// The stage that failed.
        because: StageName,
    },
    /// A gate ran and passed.
    GatePassed {
        /// The gate.
        stage: StageName,
        /// Its report, if it writes any.
        report: Option<DataPath>,
    },
    /// A gate did not pass.
    GateFailed {
        /// The gate.
        stage: StageName,
        /// Its report, if it wrote one: the first of its outs that it made.
        report: Option<DataPath>,
        /// Reports that it came to its end without writing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<DataPath>,
    },
    /// Everything asked for is done.
    RunCompleted(RunTotals),
    /// A stage failed.
    RunFailed(RunTotals),
    /// The run was interrupted.
    RunInterrupted(RunTotals),
}

/// An out with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOut {
    /// The out.
    pub path: DataPath,
    /// Its digest.
    pub hash: Digest,
}

/// Something that was moved out of the way, not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Where it stood.
    pub path: DataPath,
    /// Where it is now: relative to the root if it is below it.
    pub kept: String,
}

/// The jobs of a fan-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// How many there are.
    pub total: usize,
    /// How many ran and ended well.
    pub run: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were done before.
    pub cached: usize,
    /// How many outputs of former jobs were removed, because no job makes them any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub removed: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedJob {
    /// What it read; of several files, the first and how many more.
    pub input: String,
    /// What it is known by.
    pub id: String,
    /// Its command, values from `env` masked.
    pub command: String,
    /// Where what it left can be looked at, relative to the root if it is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_dir: Option<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunTotals {
    /// Stages that ran and succeeded.
    pub stages_run: usize,
    /// Stages whose recorded result stood.
    pub stages_cached: usize,
    /// Stages that failed.
    pub stages_failed: usize,
    /// Stages that did not run because of a failure.
    pub stages_skipped: usize,
    /// From start to end.
    pub total_seconds: f64,
    /// The recorded durations of the stages that did not have to run.
    pub saved_seconds: f64,
}
