//! The event log beside a playbook: one JSON object per line, only ever appended to.

mod alive;
mod append;
mod compact;
mod find;
mod last;
mod lines;
mod read;
mod runs;
mod stages;

pub use alive::under_way;
pub use append::EventLog;
pub use compact::{Compacted, compact};
pub use find::find_start;
pub use read::{ParsedEvents, parse_events};
pub use runs::{FoundRun, Run, RunLog, RunOutcome, log_name, short_id};
pub use stages::{FailedTry, GateVerdict, JobRetry, StageOutcome, StageRun, StageRuns};
