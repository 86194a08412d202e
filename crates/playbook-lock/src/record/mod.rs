//! What is on record for each stage: making an entry, putting it into the lock, reading what is there.

mod base;
pub mod entry;
mod fold;
mod recorded;

pub use base::Base;
pub(crate) use fold::compose;
pub use fold::{Composed, Folder, GENERATOR};
pub use recorded::{Recorded, Unfinished, with_cut_off};
