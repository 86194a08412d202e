//! Past runs as a person reads them, and as JSON.

mod json;
mod list;
mod moment;
mod output;
mod run;
mod stage;
mod state;

pub(crate) use json::{StageRow, run_json, shown_run_json, stage_json, stage_row};
pub(crate) use list::{older, table};
pub(crate) use moment::{minute, second};
pub(crate) use output::{ShowError, show_bytes};
pub(crate) use run::{became, run_text};
pub(crate) use stage::{StageLog, failed_try, output_heading, stage_text};
pub(crate) use state::{Alive, ShownRun};
