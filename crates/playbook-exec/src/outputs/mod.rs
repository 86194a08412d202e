//! Outputs as transactions: before a stage runs its old outs are set aside; then either the new ones
//! stand and the old ones go, or the old ones come back. Nothing of the user's is ever deleted.

mod aside;
mod fault;
mod keep;
mod moving;
mod transaction;

pub(crate) use aside::OldOut;
pub use fault::OutFault;
pub(crate) use keep::Places;
pub(crate) use transaction::Transaction;
