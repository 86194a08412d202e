//! What is told of a fan-out without running it: how many jobs would run and which, and one job as a person would run it.

use std::path::PathBuf;

use playbook_types::path::DataPath;

/// The jobs that a run would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsOutlook {
    /// How many there are.
    pub total: usize,
    /// How many would run.
    pub to_run: usize,
    /// The first of those, by what they read.
    pub first: Vec<String>,
}

/// One job as a person would run it.
#[derive(Debug)]
pub struct JobByHand {
    /// What it is known by.
    pub id: String,
    /// What it reads.
    pub inputs: Vec<DataPath>,
    /// What it makes.
    pub outputs: Vec<DataPath>,
    /// Its commands.
    pub commands: Vec<String>,
    /// The same with values from the environment masked.
    pub shown: Vec<String>,
    /// Where what it left the last time it failed would be.
    pub work_dir: PathBuf,
}
