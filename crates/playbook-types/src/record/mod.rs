//! What is written down about a pipeline: lock entries, decisions with their reasons, events, states.

pub mod decision;
pub mod event;
pub mod lock;
pub mod reason;
pub mod state;
pub mod usage;
