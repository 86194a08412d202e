//! What a journal says had been done, and what was under way.

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::record::lock::StageEntry;

use crate::journal::record::{JournalRecord, OldOut, had_outs};

/// A journal's records taken together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replay {
    /// New entries for the lock, the last one of each stage.
    pub entries: IndexMap<StageName, StageEntry>,
    /// Stages for which something is left to do.
    pub open: IndexMap<StageName, OpenStage>,
}

/// A stage that was under way.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenStage {
    /// When it began.
    pub began_at: Timestamp,
    /// Its outs.
    pub outs: Vec<OldOut>,
    /// How far it had come.
    pub phase: Phase,
    /// The process groups of its commands.
    pub groups: Vec<NotedGroup>,
    /// Its jobs that were under way, by lane.
    pub jobs: IndexMap<u32, OpenJob>,
}

/// A process group: id, session, start of the leader.
pub type NotedGroup = (i32, Option<i32>, Option<u64>);

/// A job that was under way, or had just ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenJob {
    /// Its key.
    pub key: Digest,
    /// Its outputs.
    pub outs: Vec<OldOut>,
    /// How far it had come.
    pub phase: Phase,
    /// The process groups of its commands.
    pub groups: Vec<NotedGroup>,
}

impl OpenStage {
    /// The process groups of its commands, and of those of its jobs.
    pub fn all_groups(&self) -> impl Iterator<Item = &NotedGroup> {
        let jobs = self.jobs.values().flat_map(|job| &job.groups);
        self.groups.iter().chain(jobs)
    }
}

/// How far a stage's transaction had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Some of its old outs may be aside; its command has not started.
    SettingAside,
    /// What stands at its outs is its own, and nothing that counts.
    Running,
    /// Some of its old outs may be back.
    Restoring,
    /// It is done; some of its old outs may still be aside.
    Dropping,
}

/// Takes the records of a journal together.
pub fn replay(records: Vec<JournalRecord>) -> Replay {
    let mut replay = Replay::default();
    for record in records {
        replay.apply(record);
    }
    replay
}

impl Replay {
    fn apply(&mut self, record: JournalRecord) {
        match record {
            JournalRecord::Run(_) => {}
            JournalRecord::Began { stage, at, outs } => {
                let phase = if had_outs(&outs) {
                    Phase::SettingAside
                } else {
                    Phase::Running
                };
                let open = OpenStage {
                    began_at: at,
                    outs,
                    phase,
                    groups: Vec::new(),
                    jobs: IndexMap::new(),
                };
                self.open.insert(stage, open);
            }
            JournalRecord::Aside { stage } => self.advance(&stage, Phase::Running),
            JournalRecord::Group {
                stage,
                id,
                session,
                leader_started,
            } => {
                if let Some(open) = self.open.get_mut(&stage) {
                    open.groups.push((id, session, leader_started));
                }
            }
            job @ (JournalRecord::JobBegan { .. }
            | JournalRecord::JobGroup { .. }
            | JournalRecord::JobAside { .. }
            | JournalRecord::JobRestoring { .. }
            | JournalRecord::JobClosed { .. }) => self.apply_to_job(job),
            JournalRecord::Finished { stage, entry } => {
                let had_outs = self
                    .open
                    .get(&stage)
                    .is_some_and(|open| had_outs(&open.outs));
                if had_outs {
                    self.advance(&stage, Phase::Dropping);
                } else {
                    self.open.shift_remove(&stage);
                }
                self.entries.insert(stage, *entry);
            }
            JournalRecord::Restoring { stage } => self.advance(&stage, Phase::Restoring),
            JournalRecord::Closed { stage, entry } => {
                self.open.shift_remove(&stage);
                if let Some(entry) = entry {
                    self.entries.insert(stage, *entry);
                }
            }
        }
    }

    /// A record about one job of a stage.
    fn apply_to_job(&mut self, record: JournalRecord) {
        match record {
            JournalRecord::JobBegan {
                stage,
                lane,
                key,
                outs,
                folders,
            } => {
                let phase = if folders {
                    Phase::SettingAside
                } else {
                    Phase::Running
                };
                let job = OpenJob {
                    key,
                    outs,
                    phase,
                    groups: Vec::new(),
                };
                if let Some(open) = self.open.get_mut(&stage) {
                    open.jobs.insert(lane, job);
                }
            }
            JournalRecord::JobGroup {
                stage,
                lane,
                id,
                session,
                leader_started,
            } => {
                let open = self.open.get_mut(&stage);
                if let Some(job) = open.and_then(|open| open.jobs.get_mut(&lane)) {
                    job.groups.push((id, session, leader_started));
                }
            }
            JournalRecord::JobAside { stage, lane } => {
                self.advance_job(&stage, lane, Phase::Running);
            }
            JournalRecord::JobRestoring { stage, lane } => {
                self.advance_job(&stage, lane, Phase::Restoring);
            }
            JournalRecord::JobClosed { stage, lane } => {
                if let Some(open) = self.open.get_mut(&stage) {
                    open.jobs.swap_remove(&lane);
                }
            }
            JournalRecord::Run(_)
            | JournalRecord::Began { .. }
            | JournalRecord::Aside { .. }
            | JournalRecord::Group { .. }
            | JournalRecord::Finished { .. }
            | JournalRecord::Restoring { .. }
            | JournalRecord::Closed { .. } => {}
        }
    }

    fn advance_job(&mut self, stage: &StageName, lane: u32, to: Phase) {
        let open = self.open.get_mut(stage);
        if let Some(job) = open.and_then(|open| open.jobs.get_mut(&lane)) {
            job.phase = to;
        }
    }

    fn advance(&mut self, stage: &StageName, to: Phase) {
        if let Some(open) = self.open.get_mut(stage) {
            open.phase = to;
        }
    }
}
