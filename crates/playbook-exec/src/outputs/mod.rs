//! Outputs as transactions: before a stage runs its old outs are set aside; then either the new ones
//! stand and the old ones go, or the old ones come back. Nothing of the user's is ever deleted.
//!
//! Each step is in the journal before it is taken, so that a run that dies in the middle can be put right by the
//! next one.

mod aside;
pub mod clean;
mod fault;
mod job;
mod keep;
mod leftovers;
mod mounts;
mod moving;
mod steps;
mod transaction;

pub(crate) use aside::OldOut;
pub use fault::OutFault;
pub(crate) use job::{JobTransaction, put_job_right};
pub(crate) use keep::Places;
pub use leftovers::{Leftover, leftovers};
pub(crate) use moving::{Standing, standing_at};
pub(crate) use steps::put_stray_back;
pub(crate) use transaction::{Committed, NotBegun, RolledBack, Transaction, put_right};
