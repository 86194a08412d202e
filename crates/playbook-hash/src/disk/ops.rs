//! The seam: every operation that changes a disk.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the seam that everything else must go through"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::disk::error::DiskError;

/// Carries out one operation, unless a test has it fail.
pub(super) fn op<T>(
    name: &'static str,
    path: &Path,
    run: impl FnOnce() -> io::Result<T>,
) -> Result<T, DiskError> {
    #[cfg(any(test, feature = "faults"))]
    faults::strike(name, path)?;
    run().map_err(|source| DiskError::new(name, path, source))
}

/// Makes a directory and those above it; existing ones are no error.
pub fn create_dirs(path: &Path) -> Result<(), DiskError> {
    if path.is_dir() {
        return Ok(());
    }
    op("make the directory", path, || fs::create_dir_all(path))
}

/// Renames within one file system.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    op("rename", from, || fs::rename(from, to)).map_err(|error| error.to(to))
}

/// Removes an empty directory.
pub fn remove_dir(path: &Path) -> Result<(), DiskError> {
    op("remove", path, || fs::remove_dir(path))
}

/// Removes a file or link.
pub fn remove_file(path: &Path) -> Result<(), DiskError> {
    op("remove", path, || fs::remove_file(path))
}

/// Makes the entries of a directory durable.
pub fn sync_dir(path: &Path) -> Result<(), DiskError> {
    op("sync the directory", path, || {
        match File::open(path)?.sync_all() {
            // Some file systems cannot sync a directory, and need not.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    })
}

/// Writes a file that must not exist yet. It is there whole, or not at all.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let mut file = op("write", path, || {
        OpenOptions::new().write(true).create_new(true).open(path)
    })?;
    op("write", path, || file.write_all(bytes)).inspect_err(|_| {
        // What is there is half of it; the error that matters is the first one.
        fs::remove_file(path).ok();
    })
}

/// Opens a file to append to, making it if need be.
pub(super) fn open_append(path: &Path) -> Result<File, DiskError> {
    op("open", path, || {
        OpenOptions::new().append(true).create(true).open(path)
    })
}

/// Failures brought about on purpose.
#[cfg(any(test, feature = "faults"))]
pub mod faults {
    use std::cell::Cell;
    use std::io;
    use std::path::Path;

    use super::DiskError;

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
        static FAIL_AT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Has the n-th operation of this thread fail, from 1, and counts anew. `None` lets all succeed.
    pub fn fail_at(n: Option<usize>) {
        COUNT.set(0);
        FAIL_AT.set(n);
    }

    /// How many operations this thread has tried since.
    pub fn count() -> usize {
        COUNT.get()
    }

    pub(super) fn strike(name: &'static str, path: &Path) -> Result<(), DiskError> {
        COUNT.set(COUNT.get() + 1);
        if FAIL_AT.get() == Some(COUNT.get()) {
            return Err(DiskError::new(
                name,
                path,
                io::Error::from(io::ErrorKind::StorageFull),
            ));
        }
        Ok(())
    }
}
