//! What a disk refused.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::error::Quoted;

/// A file or directory that could not be changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {}{}: {source}", Quoted(path), ToWhere(to.as_deref()))]
pub struct DiskError {
    /// What was tried, as a verb: `write`.
    pub op: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Where it was to go, if it was to be renamed.
    pub to: Option<PathBuf>,
    /// Why it was refused.
    pub source: io::Error,
}

impl DiskError {
    /// An error of `op` on `path`.
    pub fn new(op: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            op,
            path: path.to_owned(),
            to: None,
            source,
        }
    }

    /// The same, with where it was to go.
    #[must_use]
    pub fn to(self, to: &Path) -> Self {
        Self {
            to: Some(to.to_owned()),
            ..self
        }
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

struct ToWhere<'a>(Option<&'a Path>);

impl fmt::Display for ToWhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(to) => write!(f, " to {}", Quoted(to)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let error = DiskError::new("write", Path::new("a b"), full());
        assert_eq!(error.to_string(), "cannot write 'a b': no storage space");
        let error = DiskError::new("rename", Path::new("a"), full()).to(Path::new("b\n"));
        assert_eq!(
            error.to_string(),
            "cannot rename 'a' to 'b\\n': no storage space"
        );
    }
}
