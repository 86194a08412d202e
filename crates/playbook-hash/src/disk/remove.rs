//! Removing a file or a directory with everything in it, and nothing else.
//!
//! Directories are opened and their entries removed relative to the open handle: whatever others do to the
//! paths meanwhile, a symbolic link is never followed. Only one directory is open at a time; the way back up
//! is `..`, which must then be the directory that was left. So depth costs neither stack nor handles.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fchmod, fstat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::disk::error::DiskError;
use crate::disk::mount::{Mount, mount_of};
use crate::disk::ops::op;

/// Removes what stands at `path`: a file, a link (never what it leads to), or a directory with everything
/// below it. Nothing there is no error.
///
/// It never crosses a mount: another file system mounted below would lose what is none of ours.
///
/// # Errors
///
/// A mount below, or a disk that refuses. Part of the tree may then be gone.
pub fn remove_tree(path: &Path) -> Result<(), DiskError> {
    let failed = |errno: Errno| DiskError::new("remove", path, errno.into());
    let name = path.file_name().ok_or_else(|| failed(Errno::INVAL))?;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let found = openat(
        CWD,
        parent,
        DIRECTORY.difference(OFlags::NOFOLLOW),
        Mode::empty(),
    )
    .and_then(|parent| Ok((statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?, parent)));
    let (found, parent) = match found {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        other => other.map_err(failed)?,
    };
    if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
        return unlink(&parent, name, path);
    }
    let mount = mount_of(&parent).map_err(failed)?;
    let name = CString::new(name.as_bytes()).map_err(|_| failed(Errno::INVAL))?;
    Removal {
        path: path.to_owned(),
        mount,
        levels: Vec::new(),
    }
    .run(&parent, name)
}

/// No link is followed to a directory, nothing waited for, nothing inherited by a child.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

/// A removal under way.
struct Removal {
    /// The directory that is open.
    path: PathBuf,
    mount: Mount,
    /// The directories from the first one to the one that is open.
    levels: Vec<Level>,
}

/// A directory whose files are gone.
struct Level {
    name: CString,
    identity: Identity,
    /// What is left in it.
    directories: Vec<CString>,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Removal {
    fn run(mut self, parent: &OwnedFd, name: CString) -> Result<(), DiskError> {
        let mut open = self.enter(parent, name)?;
        loop {
            let Some(next) = self
                .levels
                .last_mut()
                .and_then(|level| level.directories.pop())
            else {
                match self.leave(&open, parent)? {
                    Some(above) => open = above,
                    None => return Ok(()),
                }
                continue;
            };
            self.path.push(OsStr::from_bytes(next.to_bytes()));
            open = self.enter(&open, next)?;
        }
    }

    /// Opens a directory and removes everything in it but directories.
    fn enter(&mut self, parent: &OwnedFd, name: CString) -> Result<OwnedFd, DiskError> {
        let open =
            openat(parent, &name, DIRECTORY, Mode::empty()).map_err(|errno| self.failed(errno))?;
        if mount_of(&open).map_err(|errno| self.failed(errno))? != self.mount {
            let mounted = io::Error::new(
                io::ErrorKind::CrossesDevices,
                "another file system is mounted there; unmount it first",
            );
            return Err(DiskError::new("remove", &self.path, mounted));
        }
        let identity = make_writable(&open).map_err(|errno| self.failed(errno))?;
        let mut directories = Vec::new();
        for (name, kind) in entries(&open).map_err(|errno| self.failed(errno))? {
            if kind == FileType::Directory {
                directories.push(name);
            } else {
                let name = OsStr::from_bytes(name.to_bytes());
                unlink(&open, name, &self.path.join(name))?;
            }
        }
        self.levels.push(Level {
            name,
            identity,
            directories,
        });
        Ok(open)
    }

    /// Removes the directory that is open, which is empty, and opens the one above it. None above the first.
    fn leave(&mut self, open: &OwnedFd, top: &OwnedFd) -> Result<Option<OwnedFd>, DiskError> {
        let Some(Level { name, .. }) = self.levels.pop() else {
            return Ok(None);
        };
        let above = match self.levels.last() {
            Some(level) => Some(self.above(open, level.identity)?),
            None => None,
        };
        let removed = || {
            Ok(unlinkat(
                above.as_ref().unwrap_or(top),
                &name,
                AtFlags::REMOVEDIR,
            )?)
        };
        op("remove", &self.path, removed)?;
        self.path.pop();
        Ok(above)
    }

    fn above(&self, open: &OwnedFd, identity: Identity) -> Result<OwnedFd, DiskError> {
        let above =
            openat(open, "..", DIRECTORY, Mode::empty()).map_err(|errno| self.failed(errno))?;
        if identity_of(&above).map_err(|errno| self.failed(errno))? == identity {
            return Ok(above);
        }
        let moved = io::Error::other("it was moved elsewhere while it was being removed");
        Err(DiskError::new("remove", &self.path, moved))
    }

    fn failed(&self, errno: Errno) -> DiskError {
        DiskError::new("remove", &self.path, errno.into())
    }
}

fn unlink(parent: &OwnedFd, name: &OsStr, path: &Path) -> Result<(), DiskError> {
    op("remove", path, || {
        Ok(unlinkat(parent, name, AtFlags::empty())?)
    })
}

/// A directory made read-only by its stage goes too, if it is ours.
fn make_writable(open: &OwnedFd) -> Result<Identity, Errno> {
    let found = fstat(open)?;
    let mode = Mode::from_raw_mode(found.st_mode);
    if !mode.contains(Mode::RWXU) {
        // If that is refused, so will be the removal, with a better message.
        fchmod(open, mode | Mode::RWXU).ok();
    }
    identity_of(open)
}

#[allow(
    clippy::allow_attributes,
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "dev_t is signed on some systems"
)]
fn identity_of(open: &OwnedFd) -> Result<Identity, Errno> {
    let found = fstat(open)?;
    Ok(Identity(found.st_dev as u64, found.st_ino as u64))
}

/// All of them before any is removed: some file systems skip entries otherwise.
fn entries(open: &OwnedFd) -> Result<Vec<(CString, FileType)>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(open)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                FileType::from_raw_mode(statat(open, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
            }
            known => known,
        };
        found.push((name.to_owned(), kind));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::write_new;

    #[test]
    fn another_mount_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let mounted = dir.path().join("mounted");
        crate::disk::create_dirs(&mounted).unwrap();
        write_new(&mounted.join("precious"), b"1").unwrap();
        let parent = openat(CWD, dir.path(), DIRECTORY, Mode::empty()).unwrap();
        let mount = mount_of(&parent).unwrap().other();
        let removal = Removal {
            path: mounted.clone(),
            mount,
            levels: Vec::new(),
        };
        let error = removal.run(&parent, c"mounted".to_owned()).unwrap_err();
        assert_eq!(error.path, mounted);
        assert!(
            error
                .to_string()
                .contains("another file system is mounted there")
        );
        assert!(mounted.join("precious").exists());
    }

    #[test]
    fn one_directory_is_one_mount() {
        let dir = tempfile::tempdir().unwrap();
        let open = || openat(CWD, dir.path(), DIRECTORY, Mode::empty()).unwrap();
        assert_eq!(mount_of(&open()).unwrap(), mount_of(&open()).unwrap());
    }
}
