//! The digest of a directory: a Merkle tree over names, kinds and contents.
//!
//! Per directory, its entries sorted by raw name bytes, each with its kind, name and digest (the layout
//! stands in [`layout`](crate::layout)). Empty directories count. A symbolic link counts as its target
//! text and is not followed. The owner's right to execute makes a file an executable one; its other
//! permissions, its times and its owner do not count. A socket, fifo or device is an error that names it.
//!
//! The walk goes level by level, each level in parallel; then digests fold from the deepest level up. So
//! depth costs no stack. Directories are opened relative to a handle, so that paths longer than the
//! system takes are no obstacle.

mod anew;
mod diff;
mod directory;
mod entry;
mod fold;
mod glance;
mod kept;
mod listing;
mod names;
mod place;
mod walk;

pub use diff::ListingDiff;
pub use entry::EntryKind;
pub use glance::{Glance, glance};
pub use kept::FoundTree;
pub use listing::{Listing, ListingEntry, Listings};
pub(crate) use walk::digest_tree_with;
pub use walk::{TreeDigest, digest_tree};
