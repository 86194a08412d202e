//! What happens after a stage failed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often and when a failed stage is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Retries after the first try.
    pub limit: u32,
    /// Which failures are tried again.
    pub policy: RetryPolicy,
    /// How long to wait before each retry.
    pub backoff: Backoff,
}

/// Which failures are tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryPolicy {
    /// Every failure.
    #[default]
    OnFailure,
    /// A timeout only.
    OnTimeout,
    /// What may go away by itself.
    OnTransient,
    /// None.
    Never,
}

/// The wait before a retry: `initial`, then times `factor`, never more than `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the first retry.
    pub initial: Duration,
    /// What each further wait is multiplied by; at least 1.
    pub factor: f64,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(5),
            factor: 2.0,
            max: Duration::from_mins(5),
        }
    }
}
