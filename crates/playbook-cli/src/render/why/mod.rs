//! The whole story of one decision, for people and for programs.

mod command;
mod data;
mod json;
mod text;
mod verdict;

pub(crate) use json::json_line;
pub(crate) use text::text;

use playbook_exec::plan::Explained;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::record::usage::Usage;
use uuid::Uuid;

/// A decision, with what the event log still knows of the run that the record is from.
pub(crate) struct Story<'a> {
    pub(crate) explained: Explained<'a>,
    /// The run that made what is on record.
    pub(crate) run: Option<RecordedRun>,
}

/// The run that made what is on record of a stage.
pub(crate) struct RecordedRun {
    pub(crate) id: Uuid,
    /// The command it ran, values from the environment masked.
    pub(crate) command: String,
    /// Why it did.
    pub(crate) reasons: Vec<InvalidationReason>,
    /// What it used.
    pub(crate) usage: Option<Usage>,
}
