//! What a stage's commands used, as measured.

use serde::{Deserialize, Serialize};

/// What the commands of one try used, with everything they started and waited for or left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in programs, of all cores together.
    pub user_seconds: f64,
    /// Processor time in the system on their behalf.
    pub system_seconds: f64,
    /// The most memory that one process had at once (its resident set). Several at the same time may have had more together. Not
    /// there where it is too little to be told from what this program itself has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rss_bytes: Option<u64>,
}

impl Usage {
    /// Processor time, in all.
    pub fn cpu_seconds(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}
