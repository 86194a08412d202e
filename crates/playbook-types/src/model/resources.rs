//! What a stage needs of the machine it runs on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::ByteSize;

/// What a stage asks for. `None` asks for nothing in particular.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores, counted against `--jobs`; one if not given.
    pub cores: Option<u32>,
    /// Memory.
    pub memory: Option<ByteSize>,
    /// Accelerators: it is given so many, and told which by `CUDA_VISIBLE_DEVICES`.
    pub gpu: Option<u32>,
    /// Disk that has to be free where the playbook is.
    pub disk: Option<ByteSize>,
    /// The longest it may run.
    pub timeout: Option<Duration>,
}
