//! What the journal holds.

use jiff::Timestamp;
use playbook_hash::disk::records;
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::StageEntry;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the journal's shape. A journal of another version is not touched.
pub const FORMAT: u32 = 1;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalRecord {
    /// The first record: whose journal this is.
    Run(RunHeader),
    /// A stage is about to set its old outs aside and run.
    Began {
        /// The stage.
        stage: StageName,
        /// When.
        at: Timestamp,
        /// The outs of the transaction. Those left in place for the command to update are not among them.
        outs: Vec<OldOut>,
    },
    /// All its old outs are aside: from here on, what stands at an out is the stage's.
    Aside {
        /// The stage.
        stage: StageName,
    },
    /// A command of it runs.
    Group {
        /// The stage.
        stage: StageName,
        /// The process group, which is also its leader's process id.
        id: i32,
        /// The session it is in.
        session: Option<i32>,
        /// When its leader started, in clock ticks since the machine did (`proc_pid_stat(5)`, field 22).
        leader_started: Option<u64>,
    },
    /// A job of it, one of a fan-out, is about to set what stood at its outputs aside and run. Of the jobs of one
    /// lane, which run one after the other, only the last can be under way.
    JobBegan {
        /// The stage.
        stage: StageName,
        /// Who runs it, of those that run at the same time.
        lane: u32,
        /// The job.
        key: Digest,
        /// Its outputs.
        outs: Vec<OldOut>,
        /// Directories stand there, which can be half aside: `JobAside` will say that they are.
        #[serde(default, skip_serializing_if = "is_false")]
        folders: bool,
    },
    /// The directories that stood at the outputs of the job are aside.
    JobAside {
        /// The stage.
        stage: StageName,
        /// Who runs the job.
        lane: u32,
    },
    /// The job failed, and what it left is out of the way: what stood at its outputs is about to go back.
    JobRestoring {
        /// The stage.
        stage: StageName,
        /// Who ran it.
        lane: u32,
    },
    /// A command of that job runs; the fields are those of `Group`.
    JobGroup {
        /// The stage.
        stage: StageName,
        /// Who runs the job.
        lane: u32,
        /// The process group.
        id: i32,
        /// The session it is in.
        session: Option<i32>,
        /// When its leader started.
        leader_started: Option<u64>,
    },
    /// The job failed, and nothing is left to do for it. That one went well the record of jobs says.
    JobClosed {
        /// The stage.
        stage: StageName,
        /// Who ran it.
        lane: u32,
    },
    /// It made every out. This is the moment from which its result stands.
    Finished {
        /// The stage.
        stage: StageName,
        /// Its entry for the lock.
        entry: Box<StageEntry>,
    },
    /// It failed, and what it left is out of the way: its old outs are about to go back.
    Restoring {
        /// The stage.
        stage: StageName,
    },
    /// Nothing is left to do for it.
    Closed {
        /// The stage.
        stage: StageName,
        /// Its entry for the lock, if it failed.
        entry: Option<Box<StageEntry>>,
    },
}

/// Which run a journal is of, and where it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The version of the journal's shape: [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run_id: Uuid,
    /// When it began.
    pub since: Timestamp,
    /// Its process.
    pub pid: u32,
    /// When that started, in clock ticks since the machine did, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_started: Option<u64>,
    /// The machine.
    pub host: String,
    /// Which start of the machine (`random(4)`, `boot_id`), where the system tells.
    pub boot: Option<String>,
    /// The namespace that its process ids are of (`pid_namespaces(7)`), where there are several.
    pub pid_namespace: Option<String>,
}

/// An out of a stage that runs, and what stood there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldOut {
    /// The out.
    pub path: DataPath,
    /// The name beside it under which what stood there waits; none if nothing stood there.
    pub aside: Option<String>,
    /// What stood there is exactly what the lock records: its stage made it, and it may go.
    pub recorded: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether anything stood at these outs.
pub(super) fn had_outs(outs: &[OldOut]) -> bool {
    outs.iter().any(|out| out.aside.is_some())
}

impl JournalRecord {
    /// The record as a line of the journal.
    pub fn encode(&self) -> String {
        // Records hold nothing that JSON cannot: keys are text, numbers finite.
        let payload = serde_json::to_string(self).unwrap_or_default();
        let mut line = String::with_capacity(payload.len() + 18);
        records::encode(&payload, &mut line);
        line
    }

    /// Reads the payload of a line.
    pub(super) fn decode(payload: &str) -> Option<Self> {
        serde_json::from_str(payload).ok()
    }
}
