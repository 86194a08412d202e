//! Who needs whom: edges from paths and `after`, their order, cycles, and selections of stages.

mod build;
mod cycle;
mod overlap;

pub use build::{Graph, StageId};
pub use cycle::Cycle;
pub use overlap::PathIndex;
