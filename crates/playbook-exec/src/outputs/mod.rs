//! Outputs as transactions: before a stage runs its old outs are set aside; then either the new ones
//! stand and the old ones go, or the old ones come back. Nothing of the user's is ever deleted.

mod aside;
mod keep;
mod moving;
mod transaction;

pub(crate) use keep::Places;
pub use transaction::OutFault;
pub(crate) use transaction::{OldOut, Transaction};
