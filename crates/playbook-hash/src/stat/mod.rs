//! Stats: when a digest that was once computed may stand in for reading the file again.
//!
//! A stat may save reading; it may never change an answer. So it is compared whole ([`StatKey`]), and not
//! trusted at all where the file could have been written again without its stat showing it ([`is_racy`]).

mod key;
mod memo;
mod racy;

pub use key::StatKey;
pub use memo::{DigestMemo, Trust};
pub use racy::{Moment, is_racy};
