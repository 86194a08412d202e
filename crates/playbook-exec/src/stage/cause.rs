//! Why a stage failed.

use std::time::Duration;

use playbook_hash::HashError;
use playbook_hash::disk::DiskError;
use playbook_types::path::DataPath;

use crate::outputs::{NotBegun, OutFault};
use crate::plan::StageFault;

/// Why a stage failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FailureCause {
    /// Its command ended with this status.
    #[error("exit status {0}")]
    Exit(i32),
    /// Its command was ended by this signal.
    #[error("ended by signal {number}{}", signal_name(*number))]
    Signal {
        /// The signal.
        number: i32,
    },
    /// It ran longer than it may.
    #[error("timed out after {}", seconds(*limit))]
    TimedOut {
        /// How long it may run.
        limit: Duration,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// Its command ended well and did not make these outs.
    #[error("the command succeeded but did not make {}", list(outs))]
    OutsNotMade {
        /// The outs.
        outs: Vec<DataPath>,
    },
    /// What it made cannot be digested.
    #[error("cannot digest what it made: {0}")]
    Outs(HashError),
    /// It cannot be decided or has nothing to read.
    #[error(transparent)]
    Before(#[from] StageFault),
    /// Its old outs cannot be set aside or brought back.
    #[error(transparent)]
    Transaction(#[from] OutFault),
    /// It failed, and its former outs could not be brought back.
    #[error("{cause}; and its former outs could not be brought back: {fault}")]
    NotRolledBack {
        /// Why it failed.
        cause: Box<Self>,
        /// What stood in the way.
        fault: Box<OutFault>,
    },
    /// Its log or the journal cannot be written.
    #[error(transparent)]
    Log(Box<DiskError>),
    /// Its command could not be started or waited for.
    #[error("{0}")]
    Start(String),
}

impl FailureCause {
    pub(crate) fn log(error: DiskError) -> Self {
        Self::Log(Box::new(error))
    }

    /// The same, when its former outs could not be brought back either.
    pub(crate) fn and_stuck(self, fault: OutFault) -> Self {
        Self::NotRolledBack {
            cause: Box::new(self),
            fault: Box::new(fault),
        }
    }

    /// Whether something is left to do for its transaction, which the next run does.
    pub(crate) fn left_open(&self) -> bool {
        // Nothing is left to do for what is gone.
        matches!(self, Self::NotRolledBack { fault, .. } if !matches!(**fault, OutFault::Gone { .. }))
    }

    /// The exit status, if the command exited.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Exit(code) => Some(*code),
            Self::NotRolledBack { cause, .. } => cause.exit_code(),
            _ => None,
        }
    }

    /// The signal, if one ended the command.
    pub fn signal(&self) -> Option<i32> {
        match self {
            Self::Signal { number } => Some(*number),
            Self::NotRolledBack { cause, .. } => cause.signal(),
            _ => None,
        }
    }

    /// What the disk refused, if the disk, not the stage, is to blame.
    pub fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Log(error) => Some(error),
            Self::Transaction(OutFault::Disk(error)) => Some(error),
            Self::NotRolledBack { fault, .. } => match &**fault {
                OutFault::Disk(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<NotBegun> for FailureCause {
    fn from(not_begun: NotBegun) -> Self {
        let cause = Self::Transaction(*not_begun.fault);
        match not_begun.stuck {
            Some(fault) => cause.and_stuck(*fault),
            None => cause,
        }
    }
}

fn signal_name(number: i32) -> String {
    match signal_hook::low_level::signal_name(number) {
        Some(name) => format!(" ({name})"),
        None => String::new(),
    }
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

fn list(paths: &[DataPath]) -> String {
    paths
        .iter()
        .map(DataPath::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
