//! The event log beside a playbook: one JSON object per line, only ever appended to.

mod append;
mod find;
mod read;

pub use append::EventLog;
pub use find::{LinesFromEnd, find_start};
pub use read::{ParsedEvents, parse_events};
