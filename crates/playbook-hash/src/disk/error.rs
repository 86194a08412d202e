//! What a disk refused.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// A file or directory that could not be changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {path}: {source}", path = path.display())]
pub struct DiskError {
    /// What was tried, as a verb: `write`.
    pub op: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it was refused.
    pub source: io::Error,
}

impl DiskError {
    /// An error of `op` on `path`.
    pub fn new(op: &'static str, path: &Path, source: io::Error) -> Self {
        Self { op, path: path.to_owned(), source }
    }

    /// A rename that would cross file systems (EXDEV).
    pub fn is_cross_device(&self) -> bool {
        self.has_code(Errno::XDEV)
    }

    /// Something is mounted there, or in use (EBUSY).
    pub fn is_busy(&self) -> bool {
        self.has_code(Errno::BUSY)
    }

    fn has_code(&self, code: Errno) -> bool {
        self.source.raw_os_error() == Some(code.raw_os_error())
    }
}
