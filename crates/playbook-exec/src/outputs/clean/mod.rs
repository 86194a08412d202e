//! What can be removed: what runs have left in the state directory, and outs that can be made again.

mod jobs;
mod outs;
mod spare;
mod state;

pub use outs::spare_outs;
pub use spare::{LeftOut, Only, RECENT_RUNS, Spare, SpareKind};
pub use state::{remove_spare, spare_state};
