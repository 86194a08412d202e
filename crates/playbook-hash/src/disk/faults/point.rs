//! Named moments at which a test may have the process die.

#[cfg(any(test, feature = "faults"))]
use super::active;

/// A moment in a run at which dying is interesting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Stats have said which stages are to be decided, and that all others stand.
    PartPlanned,
    /// The journal says which outs a stage is about to set aside; they still stand.
    OutsNoted,
    /// All old outs are aside; the stage has not started.
    OutsAside,
    /// A command runs, and the journal does not say so yet.
    Started,
    /// The journal says which process group it is.
    GroupNoted,
    /// The leader of the group has ended; others of the group may still run.
    LeaderEnded,
    /// The outs are there and digested; the journal does not say so yet.
    OutsMade,
    /// The journal has the stage's entry; its old outs are still aside.
    Recorded,
    /// The old outs are gone or kept.
    OldOutsGone,
    /// A failed stage's leftovers are out of the way; its old outs are still aside.
    LeftoversMoved,
    /// A failed stage's old outs are back; the journal does not say so yet.
    OldOutsBack,
    /// A stage's input is split into jobs, and none has begun.
    Split,
    /// The journal says which outputs a job is about to set aside; they still stand.
    JobNoted,
    /// What stood at a job's outputs is aside; its command has not started.
    JobAside,
    /// A job's outputs are there and digested; nothing says so yet.
    JobMade,
    /// It is on record that the job is done; what stood at its outputs before is still aside.
    JobRecorded,
    /// What a failed job left is out of the way; what stood at its outputs is still aside.
    JobLeftovers,
    /// All jobs are done; what none of them makes still stands among their outputs.
    JobsDone,
    /// It no longer does; the stage has no entry yet.
    Swept,
    /// The observer was told that a stage completed.
    Announced,
    /// The run is over, and the lock is about to be saved.
    Folding,
    /// The lock is saved; the journal is still there.
    Folded,
    /// A dead run was found; nothing is done about it yet.
    RecoveryBegun,
    /// What was left of its commands is ended.
    OrphansEnded,
    /// Its transactions are closed; its entries are not in the lock.
    OutsRecovered,
    /// Its entries are in the lock; its journal is still there.
    RecoveryFolded,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::PartPlanned,
        Self::OutsNoted,
        Self::OutsAside,
        Self::Started,
        Self::GroupNoted,
        Self::LeaderEnded,
        Self::OutsMade,
        Self::Recorded,
        Self::OldOutsGone,
        Self::LeftoversMoved,
        Self::OldOutsBack,
        Self::Split,
        Self::JobNoted,
        Self::JobAside,
        Self::JobMade,
        Self::JobRecorded,
        Self::JobLeftovers,
        Self::JobsDone,
        Self::Swept,
        Self::Announced,
        Self::Folding,
        Self::Folded,
        Self::RecoveryBegun,
        Self::OrphansEnded,
        Self::OutsRecovered,
        Self::RecoveryFolded,
    ];

    /// Whether only a fan-out comes by.
    pub fn is_of_jobs(self) -> bool {
        matches!(
            self,
            Self::Split
                | Self::JobNoted
                | Self::JobAside
                | Self::JobMade
                | Self::JobRecorded
                | Self::JobLeftovers
                | Self::JobsDone
                | Self::Swept
        )
    }

    /// Its name in directives and traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::PartPlanned => "part-planned",
            Self::OutsNoted => "outs-noted",
            Self::OutsAside => "outs-aside",
            Self::Started => "started",
            Self::GroupNoted => "group-noted",
            Self::LeaderEnded => "leader-ended",
            Self::OutsMade => "outs-made",
            Self::Recorded => "recorded",
            Self::OldOutsGone => "old-outs-gone",
            Self::LeftoversMoved => "leftovers-moved",
            Self::OldOutsBack => "old-outs-back",
            Self::Split => "split",
            Self::JobNoted => "job-noted",
            Self::JobAside => "job-aside",
            Self::JobMade => "job-made",
            Self::JobRecorded => "job-recorded",
            Self::JobLeftovers => "job-leftovers",
            Self::JobsDone => "jobs-done",
            Self::Swept => "swept",
            Self::Announced => "announced",
            Self::Folding => "folding",
            Self::Folded => "folded",
            Self::RecoveryBegun => "recovery-begun",
            Self::OrphansEnded => "orphans-ended",
            Self::OutsRecovered => "outs-recovered",
            Self::RecoveryFolded => "recovery-folded",
        }
    }
}

/// Passes a point. Only a test that asked for it notices.
#[cfg(any(test, feature = "faults"))]
pub fn pass(point: Point) {
    active::pass_point(point);
}

/// Passes a point, which nobody notices.
#[cfg(not(any(test, feature = "faults")))]
pub fn pass(_: Point) {}
