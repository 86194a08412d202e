//! Why a stage failed.

use std::io;
use std::time::Duration;

use playbook_hash::HashError;
use playbook_hash::disk::DiskError;
use playbook_types::path::DataPath;
use playbook_types::template::TemplateError;
use playbook_types::units::{counted, grouped};
use rustix::io::Errno;

use crate::fanout::JobFailure;
use crate::outputs::{NotBegun, OutFault};
use crate::plan::StageFault;
use crate::process::SpawnError;

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
    /// Its command was ended by SIGKILL, or says that one of its own was, and meanwhile the system has ended a process for lack
    /// of memory.
    #[error("{cause}; meanwhile the system ran out of memory and killed a process")]
    OutOfMemory {
        /// How it ended.
        cause: Box<Self>,
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
    #[error(
        "the command succeeded but did not make {}; correct the command, or the paths in 'outs'",
        list(outs)
    )]
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
    /// Jobs of it failed.
    #[error("{}", jobs_failed(*failed, *total, first))]
    Jobs {
        /// How many.
        failed: usize,
        /// Of how many.
        total: usize,
        /// The first that did.
        first: Box<JobFailure>,
    },
    /// A name cannot be put into a job's command.
    #[error("{0}")]
    Command(TemplateError),
    /// Jobs of it failed, and what stood at their outputs is not back yet: the next run brings it back.
    #[error(transparent)]
    LeftOpen(Box<Self>),
    /// Its log or the journal cannot be written.
    #[error(transparent)]
    Log(Box<DiskError>),
    /// Its command could not be started or waited for.
    #[error("{message}")]
    Start {
        /// What happened.
        message: String,
        /// What the system said.
        source: Option<io::Error>,
    },
}

impl FailureCause {
    pub(crate) fn log(error: DiskError) -> Self {
        Self::Log(Box::new(error))
    }

    /// Its command could not be started.
    pub(crate) fn spawn(error: SpawnError) -> Self {
        let message = error.to_string();
        let source = match error {
            SpawnError::Shell { source, .. } | SpawnError::Log(source) => Some(source),
            SpawnError::NoDirectory { .. } | SpawnError::TooLong { .. } => None,
        };
        Self::Start { message, source }
    }

    /// Its command could not be waited for.
    pub(crate) fn wait(error: io::Error) -> Self {
        Self::Start {
            message: error.to_string(),
            source: Some(error),
        }
    }

    /// The same, when its former outs could not be brought back either.
    pub(crate) fn and_stuck(self, fault: OutFault) -> Self {
        Self::NotRolledBack {
            cause: Box::new(self),
            fault: Box::new(fault),
        }
    }

    /// Whether its commands ran and came to their end by themselves: what they left is what they meant to.
    pub(crate) fn is_the_commands(&self) -> bool {
        matches!(
            self,
            Self::Exit(_) | Self::Signal { .. } | Self::OutsNotMade { .. }
        )
    }

    /// The same, if `out`: the system has ended a process for lack of memory. It is said where that may be how it ended.
    pub(crate) fn with_memory(self, out: bool) -> Self {
        // SIGKILL, and what a shell makes of it.
        match self {
            Self::Exit(137) | Self::Signal { number: 9 } if out => Self::OutOfMemory {
                cause: Box::new(self),
            },
            other => other,
        }
    }

    /// Whether something is left to do for its transaction, which the next run does.
    pub(crate) fn left_open(&self) -> bool {
        // Nothing is left to do for what is gone.
        matches!(self, Self::LeftOpen(_))
            || matches!(self, Self::NotRolledBack { fault, .. } if !matches!(**fault, OutFault::Gone { .. }))
    }

    /// The exit status, if the command exited.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Exit(code) => Some(*code),
            Self::OutOfMemory { cause }
            | Self::NotRolledBack { cause, .. }
            | Self::LeftOpen(cause) => cause.exit_code(),
            Self::Jobs { first, .. } => first.cause.exit_code(),
            _ => None,
        }
    }

    /// The signal, if one ended the command.
    pub fn signal(&self) -> Option<i32> {
        match self {
            Self::Signal { number } => Some(*number),
            Self::OutOfMemory { cause }
            | Self::NotRolledBack { cause, .. }
            | Self::LeftOpen(cause) => cause.signal(),
            Self::Jobs { first, .. } => first.cause.signal(),
            _ => None,
        }
    }

    /// The job that failed first, if jobs did.
    pub fn job(&self) -> Option<&JobFailure> {
        match self {
            Self::Jobs { first, .. } => Some(first),
            Self::OutOfMemory { cause }
            | Self::NotRolledBack { cause, .. }
            | Self::LeftOpen(cause) => cause.job(),
            _ => None,
        }
    }

    /// What the system refused, if the surroundings, not the stage, are to blame.
    pub fn surroundings(&self) -> Option<&io::Error> {
        match self {
            Self::Jobs { first, .. } => return first.cause.surroundings(),
            Self::LeftOpen(cause) => return cause.surroundings(),
            _ => {}
        }
        let disk = |fault: &OutFault| matches!(fault, OutFault::Disk(_));
        let refused = self.refused()?;
        let ours = match self {
            Self::Log(_) => true,
            Self::Transaction(fault) => disk(fault),
            Self::NotRolledBack { fault, .. } => disk(fault),
            _ => false,
        };
        (ours || is_scarcity(refused)).then_some(refused)
    }

    fn refused(&self) -> Option<&io::Error> {
        match self {
            Self::Log(error) => Some(&error.source),
            Self::Transaction(OutFault::Disk(error)) => Some(&error.source),
            Self::NotRolledBack { cause, fault } => match &**fault {
                OutFault::Disk(error) => Some(&error.source),
                _ => cause.refused(),
            },
            Self::Outs(error) | Self::Before(StageFault::Data(error)) => error.io_error(),
            Self::Start { source, .. } => source.as_ref(),
            _ => None,
        }
    }
}

/// Whether an error speaks of something that has run out or broken, not of what was asked for.
fn is_scarcity(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(
            Errno::MFILE
                | Errno::NFILE
                | Errno::NOMEM
                | Errno::AGAIN
                | Errno::NOSPC
                | Errno::DQUOT
                | Errno::IO
        )
    )
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

fn jobs_failed(failed: usize, total: usize, first: &JobFailure) -> String {
    let JobFailure { input, cause, .. } = first;
    let jobs = counted(total, "job");
    if failed == 1 {
        format!("job {input}: {cause} (1 of {jobs} failed)")
    } else {
        let failed = grouped(failed);
        format!("job {input}: {cause} (the first of {failed} that failed, of {jobs})")
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
