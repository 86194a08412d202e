//! A file that is only appended to.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::disk::error::DiskError;
use crate::disk::ops;

/// A file that is only appended to, each time with one write.
#[derive(Debug)]
pub struct AppendFile {
    path: PathBuf,
    file: File,
}

impl AppendFile {
    /// Opens or makes the file.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        Ok(Self {
            path: path.to_owned(),
            file: ops::open_append(path)?,
        })
    }

    /// Appends all of `bytes`.
    ///
    /// # Errors
    ///
    /// When the disk refuses; part of the bytes may then be there.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let Self { path, file } = self;
        ops::op("append to", path, || file.write_all(bytes))
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), DiskError> {
        ops::op("sync", &self.path, || self.file.sync_data())
    }
}
