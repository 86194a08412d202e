//! What holds for a whole run.

use serde::{Deserialize, Serialize};

use crate::path::DataPath;

/// A playbook's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What a failure means for the other stages.
    pub failure: FailurePolicy,
    /// How outputs are compared with the lock.
    pub validation: Validation,
    /// Whether a lock file is read and written.
    pub lock_file: bool,
    /// What happens when another run is under way.
    pub concurrency: Concurrency,
    /// What a command finds in its environment beside what is declared.
    pub environment: Environment,
    /// Where work directories are.
    pub work_dir: Option<DataPath>,
    /// Whether work directories of jobs that succeeded are removed.
    pub clean_on_success: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            failure: FailurePolicy::default(),
            validation: Validation::default(),
            lock_file: true,
            concurrency: Concurrency::default(),
            environment: Environment::default(),
            work_dir: None,
            clean_on_success: true,
        }
    }
}

/// What the failure of one stage means for the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailurePolicy {
    /// Start nothing new, let running stages finish.
    #[default]
    StopOnFirst,
    /// Everything not downstream of a failure still runs.
    ContinueOnFailure,
    /// The same, with every failure listed at the end.
    CollectAll,
}

/// How outputs are compared with what the lock recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Validation {
    /// By contents.
    #[default]
    Checksum,
    /// Existence is enough.
    None,
}

/// What a run does when another one holds the playbook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Concurrency {
    /// Wait for it.
    #[default]
    Wait,
    /// Refuse.
    Fail,
}

/// What a command finds in its environment beside what is declared for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Environment {
    /// All that the program was started with.
    #[default]
    Inherit,
    /// Of that only [`Environment::PASSED`].
    Clean,
}

impl Environment {
    /// The variables that a clean environment is given, where they are set: without them hardly any program works.
    pub const PASSED: [&'static str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

    /// Whether a variable that the program was started with is handed on.
    pub fn passes(self, name: &std::ffi::OsStr) -> bool {
        match self {
            Self::Inherit => true,
            Self::Clean => Self::PASSED.iter().any(|passed| name == *passed),
        }
    }
}
