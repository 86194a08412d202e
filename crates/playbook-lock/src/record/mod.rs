//! What is on record for each stage: making an entry, putting it into the lock, reading what is there.

pub mod entry;
mod fold;
mod recorded;

pub(crate) use fold::compose;
pub use fold::{Base, Folder, GENERATOR};
pub use recorded::{Recorded, Unfinished, with_cut_off};
