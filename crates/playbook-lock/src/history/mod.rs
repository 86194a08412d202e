//! The event log beside a playbook: one JSON object per line, only ever appended to.

mod append;
mod find;
mod lines;
mod read;
mod runs;
mod stages;

pub use append::EventLog;
pub use find::find_start;
pub use read::{ParsedEvents, parse_events};
pub use runs::{FoundRun, Run, RunLog, RunOutcome, log_name, short_id};
pub use stages::{GateVerdict, StageOutcome, StageRun, StageRuns};
