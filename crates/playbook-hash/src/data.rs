//! The digest of whatever data stands at a path: a file or a directory.

use playbook_types::digest::Digest;

use crate::file::FileDigest;
use crate::tree::Listing;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// The digest of a file or directory, and how much there is of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathDigest {
    /// Of its contents.
    pub digest: Digest,
    /// What it is.
    pub kind: DataKind,
    /// Files below it; one if it is a file.
    pub file_count: u64,
    /// Bytes in those files.
    pub total_bytes: u64,
    /// Entries below it that do not count, by the ignore rules.
    pub ignored: u64,
    /// What is in it, if it is a directory and that was asked for.
    pub listing: Option<Listing>,
}

impl PathDigest {
    pub(crate) fn of_file(file: &FileDigest) -> Self {
        Self {
            digest: file.digest,
            kind: DataKind::File,
            file_count: 1,
            total_bytes: file.total_bytes,
            ignored: 0,
            listing: None,
        }
    }
}
