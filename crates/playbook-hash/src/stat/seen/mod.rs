//! What was seen of directories: entry by entry, folder by folder, and with everything below them.

mod folders;
mod record;
mod trees;

pub(crate) use folders::is_too_long;
pub(in crate::stat) use folders::{Folder, Folders, split};
pub(crate) use record::{Entries, Entry, Record, Seen};
pub(crate) use trees::SeenTree;
pub(in crate::stat) use trees::SeenTrees;
