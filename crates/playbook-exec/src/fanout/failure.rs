//! A job that failed, as it is told of.

use crate::stage::FailureCause;

/// A job that failed.
#[derive(Debug)]
pub struct JobFailure {
    /// What it read; of several files, the first and how many more.
    pub input: String,
    /// By which `playbook debug` knows it.
    pub id: String,
    /// Its command, values from the environment masked.
    pub command: String,
    /// Why.
    pub cause: FailureCause,
    /// Its work directory, relative to the root if it is below it.
    pub work_dir: Option<String>,
    /// What it printed, likewise.
    pub log: Option<String>,
}

#[cfg(test)]
impl JobFailure {
    pub(super) fn sample() -> Self {
        Self {
            input: "raw/a".to_owned(),
            id: "0123abcd".to_owned(),
            command: "false".to_owned(),
            cause: FailureCause::Exit(1),
            work_dir: None,
            log: None,
        }
    }
}
