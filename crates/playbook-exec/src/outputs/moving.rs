//! Moving files and directories by rename, and what stands in the way of it.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use playbook_hash::disk::{self, DiskError};

/// What stands at a path, not following a link at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Nothing,
    File,
    Directory,
    /// A symbolic link with this text.
    Link(String),
    /// A socket, fifo or device.
    Special,
}

/// Looks at a path.
pub(crate) fn standing_at(path: &Path) -> io::Result<Standing> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Standing::Nothing);
        }
        Err(error) => return Err(error),
    };
    let kind = meta.file_type();
    if kind.is_symlink() {
        return Ok(Standing::Link(link_text(path)?));
    }
    if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
        return Ok(Standing::Special);
    }
    Ok(if kind.is_dir() {
        Standing::Directory
    } else {
        Standing::File
    })
}

/// The text of a symbolic link; what is not UTF-8 in it is replaced.
pub(super) fn link_text(path: &Path) -> io::Result<String> {
    Ok(fs::read_link(path)?.to_string_lossy().into_owned())
}

/// Renames; where a directory cannot be renamed although it stays on its mount (overlayfs says EXDEV for
/// directories of a lower layer), its entries are moved one by one. A directory that its owner may not write to
/// can only be renamed in its own directory, because a move changes its `..`; so it is made writable meanwhile.
pub(super) fn move_data(from: &Path, to: &Path) -> Result<(), DiskError> {
    match disk::rename(from, to) {
        Err(error) if error.is_cross_device() && is_plain_dir(from) && stays_on_mount(from, to) => {
            move_entries(from, to)
        }
        Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
            match read_only_dir(from) {
                Some(mode) => move_read_only(from, to, mode),
                None => Err(error),
            }
        }
        other => other,
    }
}

fn is_plain_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn stays_on_mount(from: &Path, to: &Path) -> bool {
    let parents = from.parent().zip(to.parent());
    parents.is_some_and(|(from, to)| disk::on_one_mount(from, to))
}

/// The owner's permission to write.
const OWNER_WRITES: u32 = 0o200;

/// The permissions of a directory that its owner may not write to.
fn read_only_dir(path: &Path) -> Option<Permissions> {
    let meta = fs::symlink_metadata(path).ok()?;
    let read_only = meta.is_dir() && meta.permissions().mode() & OWNER_WRITES == 0;
    read_only.then(|| meta.permissions())
}

fn move_read_only(from: &Path, to: &Path, mode: Permissions) -> Result<(), DiskError> {
    let writable = Permissions::from_mode(mode.mode() | OWNER_WRITES);
    disk::set_permissions(from, writable)?;
    let moved = disk::rename(from, to);
    let at = if moved.is_ok() { to } else { from };
    disk::set_permissions(at, mode)?;
    moved
}

fn move_entries(from: &Path, to: &Path) -> Result<(), DiskError> {
    disk::create_dirs(to)?;
    for name in entries_of(from)? {
        move_data(&from.join(&name), &to.join(&name))?;
    }
    if let Ok(meta) = fs::symlink_metadata(from) {
        disk::set_permissions(to, meta.permissions())?;
    }
    disk::remove_dir(from)
}

/// The names in a directory.
pub(super) fn entries_of(directory: &Path) -> Result<Vec<OsString>, DiskError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(|source| DiskError::new("read", directory, source))
}
