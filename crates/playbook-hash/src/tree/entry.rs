//! One entry of a directory.

use rustix::fs::{FileType, Stat};

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

    /// What this byte stands for.
    pub(crate) fn of_tag(tag: u8) -> Option<Self> {
        match tag {
            layout::KIND_FILE => Some(Self::File),
            layout::KIND_EXECUTABLE => Some(Self::Executable),
            layout::KIND_DIRECTORY => Some(Self::Directory),
            layout::KIND_LINK => Some(Self::Link),
            _ => None,
        }
    }

    /// What counts at something with this stat; nothing for what has no digest.
    pub(crate) fn of_stat(stat: &Stat) -> Option<Self> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if stat.st_mode & 0o100 == 0 => Some(Self::File),
            FileType::RegularFile => Some(Self::Executable),
            FileType::Directory => Some(Self::Directory),
            FileType::Symlink => Some(Self::Link),
            _ => None,
        }
    }

    /// Whether it has contents of its own.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}
