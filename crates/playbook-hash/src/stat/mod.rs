//! Stats: when a digest that was once computed may stand in for reading the file again.
//!
//! A stat may save reading; it may never change an answer. So it is compared whole ([`StatKey`]), and not
//! trusted at all where the file could have been written again without its stat showing it ([`is_racy`]).

mod boot;
mod cache;
mod codec;
mod evidence;
mod key;
mod local;
mod memo;
mod program;
mod racy;
mod seen;
#[cfg(test)]
mod tests;

pub use boot::{Boot, boot_id};
pub use cache::StatCache;
pub use evidence::{Evidence, EvidenceItem, changed};
pub use key::StatKey;
pub(crate) use key::take;
pub(crate) use local::{Locality, locality_of_open};
pub(crate) use memo::Before;
pub use memo::{DigestMemo, Trust};
pub use program::this_program;
pub use racy::{Moment, is_racy};
pub(crate) use seen::{Entries, Entry, Record, Seen, SeenTree, is_too_long};
