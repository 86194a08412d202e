//! Where a stage stands in a run, and the one table of how it may go on.

#![deny(clippy::wildcard_enum_match_arm)]

/// Where a stage stands in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageState {
    /// It waits for what it needs.
    Pending,
    /// What it reads is being digested, or it is decided and waits for a free slot.
    Hashing,
    /// Its recorded result stands.
    Cached,
    /// Its command runs.
    Running,
    /// It failed and waits for its next try.
    Waiting,
    /// Its command ended well; its outputs are being digested.
    Validating,
    /// It made every out.
    Completed,
    /// It did not.
    Failed,
    /// Something it needs failed, or the run stopped before it.
    Skipped,
}

/// A step that the table does not have: a fault of the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stage cannot go from {from:?} to {to:?}")]
pub struct IllegalStep {
    /// Where it stood.
    pub from: StageState,
    /// Where it should have gone.
    pub to: StageState,
}

impl StageState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Hashing,
        Self::Cached,
        Self::Running,
        Self::Waiting,
        Self::Validating,
        Self::Completed,
        Self::Failed,
        Self::Skipped,
    ];

    /// The states that may follow this one.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Hashing, Self::Skipped],
            Self::Hashing => &[Self::Cached, Self::Running, Self::Failed, Self::Skipped],
            Self::Running => &[Self::Validating, Self::Waiting, Self::Failed],
            Self::Waiting => &[Self::Running, Self::Failed],
            Self::Validating => &[Self::Completed, Self::Failed],
            Self::Cached | Self::Completed | Self::Failed | Self::Skipped => &[],
        }
    }

    /// Steps to `to`, if the table has that step.
    pub fn advance(self, to: Self) -> Result<Self, IllegalStep> {
        if self.next().contains(&to) {
            Ok(to)
        } else {
            Err(IllegalStep { from: self, to })
        }
    }

    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// Whether what needs this stage may go on.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Cached | Self::Completed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let mut rows = Vec::new();
        for from in StageState::ALL {
            for to in StageState::ALL {
                if from.advance(to).is_ok() {
                    rows.push(format!("{from:?} → {to:?}"));
                }
            }
        }
        insta::assert_snapshot!(rows.join("\n"), @r"
        Pending → Hashing
        Pending → Skipped
        Hashing → Cached
        Hashing → Running
        Hashing → Failed
        Hashing → Skipped
        Running → Waiting
        Running → Validating
        Running → Failed
        Waiting → Running
        Waiting → Failed
        Validating → Completed
        Validating → Failed
        ");
    }
}
