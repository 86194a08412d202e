//! Why a run cannot begin, or cannot go on.

use std::fmt;

use playbook_hash::HashError;
use playbook_hash::disk::DiskError;
use playbook_lock::LockError;
use playbook_lock::journal::RunHeader;
use playbook_types::finding::KeyPath;
use playbook_types::graph::Cycle;
use playbook_types::name::StageName;
use playbook_types::record::state::IllegalStep;
use playbook_types::template::TemplateError;

use crate::outputs::OutFault;
use crate::stage::Unadoptable;

/// Why a run cannot begin, or cannot go on. The failure of a stage is no such error: it is an outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The playbook, its lock, or the run lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file or directory could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The ignore rules, or data that must be digested.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The playbook asks for what this version cannot do.
    #[error("{}", not_supported(features))]
    NotSupported {
        /// What, and where.
        features: Vec<Unsupported>,
    },
    /// A command cannot be rendered with the params of this run.
    #[error("stage '{stage}': {source}")]
    Template {
        /// The stage.
        stage: String,
        /// Why.
        source: TemplateError,
    },
    /// The stages need each other.
    #[error("the stages need each other")]
    Cycle(Cycle),
    /// A selection names nothing.
    #[error("'{selector}' selects nothing: {what}")]
    Selection {
        /// What was asked for.
        selector: String,
        /// What it should have been.
        what: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// Stages ask for more than this machine has.
    #[error("{}", too_large(found))]
    TooLarge {
        /// All that is asked for and is not there.
        found: Vec<TooLarge>,
    },
    /// Two outs are one file on disk.
    #[error("{first} and {second} are the same file on this disk")]
    SameRealPath {
        /// One stage and its out.
        first: String,
        /// The other.
        second: String,
    },
    /// An out stands where nothing of a stage's may stand.
    #[error("the out {out} of stage '{stage}' {what}")]
    ForbiddenOut {
        /// The stage.
        stage: String,
        /// Its out.
        out: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// What the run did cannot be put into the lock. The journal has it.
    #[error(transparent)]
    NotFolded(LockError),
    /// A stage is done, and its old outs cannot be put away.
    #[error("stage '{stage}' completed, but its former outs cannot be put away: {fault}")]
    OldOuts {
        /// The stage.
        stage: String,
        /// Why not.
        fault: OutFault,
    },
    /// The last run died, or still runs, on another machine.
    #[error("the last run of this playbook did not end: it died, or still runs, on {host} (pid {pid}, since {since})", host = run.host, pid = run.pid, since = run.since)]
    DiedElsewhere {
        /// The run.
        run: Box<RunHeader>,
    },
    /// A command of a dead run still runs and cannot be ended.
    #[error("process {pid}, which a run that died has left behind, cannot be ended: {source}")]
    Orphan {
        /// The process.
        pid: i32,
        /// Why not.
        source: std::io::Error,
    },
    /// The operating system refused something a run cannot do without.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// Stages cannot be recorded as they are.
    #[error("{}", not_adopted(faults))]
    Unadoptable {
        /// What is missing, with its stage.
        faults: Vec<Unadoptable>,
    },
    /// A fault of the scheduler.
    #[error(transparent)]
    Internal(#[from] IllegalStep),
}

/// More than there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// Which stage asks for it.
    pub stage: StageName,
    /// Where: `stages.train.resources.memory_gb`.
    pub at: KeyPath,
    /// What it asks for: `128 GB of memory`.
    pub asked: String,
    /// What there is, and who says so: `this machine has 16 GB`.
    pub has: String,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stage,
            at,
            asked,
            has,
        } = self;
        write!(f, "stage '{stage}' asks for {asked}, and {has} ({at})")
    }
}

/// Something the language has and this version cannot do yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// Where it stands: `stages.train.retry`.
    pub at: KeyPath,
    /// What it is, in a person's words.
    pub what: &'static str,
}

fn not_adopted(faults: &[Unadoptable]) -> String {
    let fault = |fault: &Unadoptable| format!("stage '{}': {}", fault.stage, fault.what);
    let list: Vec<String> = faults.iter().map(fault).collect();
    format!("nothing was recorded: {}", list.join("; "))
}

fn too_large(found: &[TooLarge]) -> String {
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    list.join("; ")
}

fn not_supported(features: &[Unsupported]) -> String {
    let list: Vec<String> = features
        .iter()
        .map(|it| format!("{} ({})", it.what, it.at))
        .collect();
    format!("not supported yet: {}", list.join(", "))
}
