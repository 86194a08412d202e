//! Removing a file or a directory with everything in it, and nothing else.

use std::fs;
use std::io;
use std::path::Path;

use crate::disk::error::DiskError;
use crate::disk::ops::{remove_dir, remove_file};

/// Removes what stands at `path`: a file, a link (never what it leads to), or a directory with everything
/// below it. Nothing there is no error.
///
/// It never crosses a mount: another file system mounted below would lose what is none of ours.
///
/// # Errors
///
/// A mount below, or a disk that refuses. Part of the tree may then be gone.
pub fn remove_tree(path: &Path) -> Result<(), DiskError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(source) => return Err(DiskError::new("look at", path, source)),
    };
    if !meta.is_dir() {
        return remove_file(path);
    }
    remove_below(path, mount_of(path)?)
}

fn remove_below(path: &Path, mount: Mount) -> Result<(), DiskError> {
    if mount_of(path)? != mount {
        let source = io::Error::new(io::ErrorKind::CrossesDevices, "another file system is mounted there; unmount it first");
        return Err(DiskError::new("remove", path, source));
    }
    let listing = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in listing.map_err(|source| DiskError::new("read", path, source))? {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => remove_below(&path, mount)?,
            Ok(_) => remove_file(&path)?,
            Err(source) => return Err(DiskError::new("look at", &path, source)),
        }
    }
    remove_dir(path)
}

/// What is mounted: on Linux the mount itself, so that a bind mount of the same file system is seen too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mount(u64, u64);

#[cfg(target_os = "linux")]
fn mount_of(path: &Path) -> Result<Mount, DiskError> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID);
    let found = found.map_err(|source| DiskError::new("look at", path, source.into()))?;
    let device = (u64::from(found.stx_dev_major) << 32) | u64::from(found.stx_dev_minor);
    Ok(Mount(device, found.stx_mnt_id))
}

#[cfg(not(target_os = "linux"))]
fn mount_of(path: &Path) -> Result<Mount, DiskError> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::symlink_metadata(path).map_err(|source| DiskError::new("look at", path, source))?;
    Ok(Mount(meta.dev(), 0))
}
