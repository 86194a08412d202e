//! One stage, many jobs: how its input directory is split.

use serde::{Deserialize, Serialize};

/// How a stage's first dep is split into jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parallel {
    /// One file a job, or several.
    pub strategy: Strategy,
    /// Which files of the directory; all if not given.
    pub glob: Option<String>,
    /// The most jobs at once.
    pub max_workers: Option<u32>,
    /// The extension of outputs, if it differs from the inputs'.
    pub ext: Option<String>,
}

/// How many files a job gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// One.
    PerFile,
    /// This many.
    Chunked {
        /// Files in a job; at least one.
        chunk_size: u32,
    },
}
