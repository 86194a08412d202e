//! The seam: every operation that changes a disk.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the seam that everything else must go through"
)]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::path::Path;

use crate::disk::error::DiskError;
#[cfg(any(test, feature = "faults"))]
use crate::disk::faults;

/// Carries out one operation, unless a test has it fail.
pub(super) fn op<T>(
    name: &'static str,
    path: &Path,
    run: impl FnOnce() -> io::Result<T>,
) -> Result<T, DiskError> {
    #[cfg(any(test, feature = "faults"))]
    let blow = match faults::strike(name, path) {
        faults::Blow::Fail(source) => return Err(DiskError::new(name, path, source)),
        other => other,
    };
    let done = run().map_err(|source| DiskError::new(name, path, source));
    #[cfg(any(test, feature = "faults"))]
    faults::struck(&blow);
    done
}

/// Writes all of `bytes`. The one operation that can be half done.
pub(super) fn write_all(
    name: &'static str,
    path: &Path,
    file: &mut impl io::Write,
    bytes: &[u8],
) -> Result<(), DiskError> {
    #[cfg(any(test, feature = "faults"))]
    let bytes = match faults::strike(name, path) {
        faults::Blow::None => bytes,
        blow => {
            let half = match blow {
                faults::Blow::DieAfter => bytes,
                _ => &bytes[..bytes.len() / 2],
            };
            let written = file.write_all(half);
            faults::struck(&blow);
            let faults::Blow::Fail(source) = blow else {
                return written.map_err(|source| DiskError::new(name, path, source));
            };
            return Err(DiskError::new(name, path, source));
        }
    };
    file.write_all(bytes)
        .map_err(|source| DiskError::new(name, path, source))
}

/// Makes what was written to a file durable.
pub(super) fn sync(path: &Path, file: &File) -> Result<(), DiskError> {
    #[cfg(any(test, feature = "faults"))]
    if faults::skips_sync() {
        return Ok(());
    }
    op("sync", path, || file.sync_data())
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
    #[cfg(any(test, feature = "faults"))]
    if faults::skips_sync() {
        return Ok(());
    }
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
    write_all("write", path, &mut file, bytes).inspect_err(|_| {
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

/// Opens a file to append to that holds nothing, whatever was there.
pub fn open_empty(path: &Path) -> Result<File, DiskError> {
    op("write", path, || {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        file.set_len(0)?;
        Ok(file)
    })
}

/// Opens a file to read and write, making it if need be; what it holds stays.
pub fn open_keeping(path: &Path) -> Result<File, DiskError> {
    op("open", path, || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    })
}

/// Has a file hold `bytes` and nothing else. Not atomic: for notes that nothing depends on.
pub fn overwrite(path: &Path, file: &mut File, bytes: &[u8]) -> Result<(), DiskError> {
    // In place: to empty it first would give its room back to the disk, which some file systems wait for.
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let cut = op("write", path, || {
        file.seek(SeekFrom::Start(0))?;
        Ok(file.metadata()?.len() > length)
    })?;
    write_all("write", path, file, bytes)?;
    if cut {
        op("cut off", path, || file.set_len(length))?;
    }
    Ok(())
}

/// Sets the permissions of a file or directory.
pub fn set_permissions(path: &Path, to: Permissions) -> Result<(), DiskError> {
    op("set the permissions of", path, || {
        fs::set_permissions(path, to)
    })
}
