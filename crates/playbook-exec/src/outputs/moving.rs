//! Moving files and directories by rename, and what stands in the way of it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use playbook_hash::disk::{self, DiskError};

/// What stands at a path, not following a link at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Nothing,
    File,
    Directory,
    /// A symbolic link with this text.
    Link(String),
    /// A socket, fifo or device.
    Special,
}

/// Looks at a path.
pub(super) fn standing_at(path: &Path) -> io::Result<Standing> {
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

/// Renames; where a directory cannot be renamed although it stays on its file system (overlayfs says
/// EXDEV for directories of a lower layer), its entries are moved one by one.
pub(super) fn move_data(from: &Path, to: &Path) -> Result<(), DiskError> {
    match disk::rename(from, to) {
        Err(error) if error.is_cross_device() && is_plain_dir(from) && same_device(from, to) => {
            move_entries(from, to)
        }
        other => other,
    }
}

fn is_plain_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn same_device(from: &Path, to: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::symlink_metadata(path).map(|meta| meta.dev());
    let parents = from.parent().zip(to.parent());
    parents.is_some_and(|(from, to)| matches!((device(from), device(to)), (Ok(a), Ok(b)) if a == b))
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
