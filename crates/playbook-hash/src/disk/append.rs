//! A file that is only appended to.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
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
        ops::write_all("append to", path, file, bytes)
    }

    /// Appends all of `bytes` or, if the disk refuses, none: what was written of them is cut off again.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn append_whole(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let length = self
            .file
            .metadata()
            .map_err(|source| DiskError::new("look at", &self.path, source))?
            .len();
        self.append(bytes).inspect_err(|_| {
            // The error that matters is the first one; half a record ends the reading of a log, whatever follows.
            self.file.set_len(length).ok();
        })
    }

    /// Appends what is in the file at `from`.
    ///
    /// # Errors
    ///
    /// When the disk refuses; part of it may then be there.
    pub fn append_file(&mut self, from: &Path) -> Result<(), DiskError> {
        let mut read = File::open(from).map_err(|source| DiskError::new("read", from, source))?;
        let mut block = vec![0; 64 * 1024];
        loop {
            match read.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(length) => self.append(&block[..length])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(DiskError::new("read", from, source)),
            }
        }
    }

    /// Cuts the file off behind its first `length` bytes, if it is longer.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn cut(&mut self, length: u64) -> Result<(), DiskError> {
        let Self { path, file } = self;
        let now = file
            .metadata()
            .map_err(|source| DiskError::new("look at", path, source))?
            .len();
        if now <= length {
            return Ok(());
        }
        ops::op("cut off", path, || file.set_len(length))
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn sync(&self) -> Result<(), DiskError> {
        ops::sync(&self.path, &self.file)
    }

    /// A second handle, for syncing on another thread.
    ///
    /// # Errors
    ///
    /// When the process has no handle left.
    pub fn again(&self) -> Result<Self, DiskError> {
        let file = self
            .file
            .try_clone()
            .map_err(|source| DiskError::new("open", &self.path, source))?;
        let path = self.path.clone();
        Ok(Self { path, file })
    }
}
