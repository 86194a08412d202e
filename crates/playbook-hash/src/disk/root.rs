//! The directory every relative path is relative to.

use std::path::{Path, PathBuf};

use playbook_types::path::DataPath;

use crate::disk::error::DiskError;

/// The directory of a playbook, absolute, links in it not resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The directory at `path`.
    ///
    /// # Errors
    ///
    /// When `path` is relative and the working directory is gone.
    pub fn new(path: PathBuf) -> Result<Self, DiskError> {
        match std::path::absolute(&path) {
            Ok(absolute) => Ok(Self(absolute)),
            Err(source) => Err(DiskError {
                op: "find",
                path,
                to: None,
                source,
            }),
        }
    }

    /// Its path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Where a path of the playbook is on disk.
    pub fn resolve(&self, path: &DataPath) -> PathBuf {
        if path.is_root() {
            self.0.clone()
        } else {
            self.0.join(path.as_str())
        }
    }
}
