//! The journal: what the run under way has done, so that a run that dies loses none of it.
//!
//! It is a file in the state directory, only ever appended to, one checksummed line per record
//! ([`playbook_hash::disk::records`]). Its first record is the run itself; then, for each stage that runs:
//!
//! 1. [`Began`](JournalRecord::Began): which outs are about to be set aside, and under which names;
//! 2. [`Aside`](JournalRecord::Aside): they are (left out where nothing stood);
//! 3. [`Group`](JournalRecord::Group): which process group its command is (one per command);
//! 4. [`Finished`](JournalRecord::Finished): its entry for the lock. With this record the stage is done,
//!    whatever happens next; old outs still aside only have to be dropped;
//! 5. [`Closed`](JournalRecord::Closed): nothing is left to do for it.
//!
//! A stage that failed has [`Restoring`](JournalRecord::Restoring) in place of the fourth: what it left is out of the
//! way, and its old outs are about to go back.
//!
//! The stage of a fan-out sets nothing aside itself: each of its jobs does, with [`JobBegan`](JournalRecord::JobBegan) and
//! [`JobGroup`](JournalRecord::JobGroup) for its own outputs. That one went well is not said here but in the record of its jobs.
//!
//! A record costs the same however many came before it. Each is written before the next step is taken, so
//! that the death of the process loses none; syncing, which only a power cut makes matter, is done by
//! [`Journal::keep_synced`] on a thread of its own, at most 50 ms later. When the run is over its entries are
//! in the lock and the journal goes. A journal that is still there without a run that holds the run
//! lock is that of a dead run: [`replay`] says what it had done and what it was in the middle of.

mod read;
mod record;
mod replay;
mod write;

pub use read::{ParsedJournal, StoredJournal, parse_journal, read_journal};
pub use record::{FORMAT, JournalRecord, OldOut, RunHeader};
pub use replay::{NotedGroup, OpenJob, OpenStage, Phase, Replay, replay};
pub use write::{Journal, discard_journal};
