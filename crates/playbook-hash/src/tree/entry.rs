//! One entry of a directory.

use playbook_types::digest::Digest;

use crate::layout;

/// What an entry of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file that its owner may execute.
    Executable,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
}

impl EntryKind {
    /// The byte that stands for it in a digest.
    pub fn tag(self) -> u8 {
        match self {
            Self::File => layout::KIND_FILE,
            Self::Executable => layout::KIND_EXECUTABLE,
            Self::Directory => layout::KIND_DIRECTORY,
            Self::Link => layout::KIND_LINK,
        }
    }

    /// Whether it has contents of its own.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// An entry as it was found.
#[derive(Debug)]
pub(super) struct Entry {
    /// Raw bytes, without a slash.
    pub(super) name: Box<[u8]>,
    pub(super) kind: EntryKind,
    /// Of a directory it comes later, from below.
    pub(super) digest: Digest,
    /// Bytes in a file; none in the others.
    pub(super) bytes: u64,
}

/// A directory with what counts in it.
#[derive(Debug)]
pub(super) struct Directory {
    /// Sorted by name.
    pub(super) entries: Vec<Entry>,
    /// How many more there are that do not count.
    pub(super) ignored: usize,
}
