//! The digest of a file's contents: the plain BLAKE3 of its bytes.
//!
//! # Why not mapped into memory
//!
//! A runner reads files that other programs are writing. One that is truncated while it is mapped kills
//! whoever touches the mapping (SIGBUS), and no check beforehand can prevent it. So files are read in
//! blocks, and a file whose stat moved meanwhile is read again.
//!
//! # How a large file is read
//!
//! BLAKE3 is a tree. Each thread takes the next block of the file, reads it into a buffer of its own that stays in
//! its core's cache, and makes it the chaining value of its subtree; at the end those are merged. So copying
//! and hashing are both shared, and memory is a buffer per thread however long the file is.

mod contents;
mod digest;
mod halt;
mod progress;

pub use digest::{FileDigest, digest_file};
pub(crate) use digest::{OPEN_FLAGS, Unread, digest_open, special_kind};
pub(crate) use halt::Halt;
pub(crate) use progress::begin as begin_reading;
pub use progress::{Reading, reading};
