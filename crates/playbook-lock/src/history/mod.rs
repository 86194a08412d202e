//! The event log beside a playbook: one JSON object per line, only ever appended to.

mod append;

pub use append::EventLog;
