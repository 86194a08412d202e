//! Where stages run.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::name::EnvName;
use crate::units::ByteSize;

/// A place where stages can run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// What kind of place; ssh where a host is named, else local.
    pub kind: TargetKind,
    /// The machine; absent or `localhost` is this one.
    pub host: Option<String>,
    /// Who to log in as.
    pub ssh_user: Option<String>,
    /// Cores it has.
    pub cores: Option<u32>,
    /// Memory it has.
    pub memory: Option<ByteSize>,
    /// Accelerators it has.
    pub gpus: Option<u32>,
    /// The directory there that stands for the root.
    pub workdir: Option<String>,
    /// Environment for stages there.
    pub env: IndexMap<EnvName, String>,
    /// How files get there.
    pub files: Files,
}

/// What kind of place a target is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetKind {
    /// This machine.
    #[default]
    Local,
    /// A machine reached by the user's OpenSSH.
    Ssh,
    /// A cluster reached by its own `sbatch`.
    Slurm,
}

/// How a target sees the files of the root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Files {
    /// It shares the file system.
    #[default]
    Shared,
    /// What a stage reads is copied there, and what it makes is copied back.
    Sync,
}
