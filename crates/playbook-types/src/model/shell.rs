//! Which shell reads a command.

use serde::{Deserialize, Serialize};

/// How a stage's command is read. Part of the cache key.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ShellMode {
    /// `sh -e -c`: the first line that fails ends the command.
    #[default]
    Sh,
    /// `bash -eo pipefail -c`
    Bash,
    /// `sh -c`, as in other tools: the last line decides.
    Raw,
    /// Linted and purified first.
    Rash,
}

impl ShellMode {
    /// All modes, in the order a person reads about them.
    pub const ALL: [Self; 4] = [Self::Sh, Self::Bash, Self::Raw, Self::Rash];

    /// The word a playbook uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sh => "sh",
            Self::Bash => "bash",
            Self::Raw => "raw",
            Self::Rash => "rash",
        }
    }

    /// Whether this is the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
