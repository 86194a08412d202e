//! How the program ends: the one table of exit codes.

use std::process::ExitCode;

/// How a command ended. The numbers are documented and stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or nothing to do.
    Done,
    /// A stage failed.
    StageFailed,
    /// The command line, the playbook or its lock is wrong.
    Usage,
    /// With `--exit-code`: something is out of date.
    OutOfDate,
    /// `verify` found a difference.
    Differs,
    /// Another run holds the playbook.
    Held,
    /// Disk full, or something else around the program failed.
    Surroundings,
    /// This signal ended the run.
    Interrupted(i32),
}

impl Outcome {
    /// The number the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::StageFailed => 1,
            Self::Usage => 2,
            Self::OutOfDate => 3,
            Self::Differs => 4,
            Self::Held => 5,
            Self::Surroundings => 6,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(130),
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn interrupts_are_what_a_shell_expects() {
        assert_eq!(Outcome::Interrupted(2).code(), 130);
        assert_eq!(Outcome::Interrupted(15).code(), 143);
    }
}
