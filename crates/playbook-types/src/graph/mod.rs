//! Who needs whom: edges from paths and `after`, their order, cycles, and selections of stages.

mod build;
mod cycle;
mod overlap;
mod stage_id;

pub use build::Graph;
pub use cycle::Cycle;
pub use overlap::PathIndex;
pub use stage_id::StageId;
