//! What a stage needs of the machine it runs on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a stage asks for. `None` asks for nothing in particular.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores, counted against `--jobs`; one if not given.
    pub cores: Option<u32>,
    /// Gigabytes of memory.
    pub memory_gb: Option<f64>,
    /// Accelerators.
    pub gpu: Option<u32>,
    /// Gigabytes of disk.
    pub disk_gb: Option<f64>,
    /// The longest it may run.
    pub timeout: Option<Duration>,
}
