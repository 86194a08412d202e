//! Replacing a file whole.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::disk::error::DiskError;
use crate::disk::ops::{op, remove_file, sync, sync_dir, write_all};

/// Whether a replaced file must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Its contents are synced before the rename, its directory after.
    Synced,
    /// It is only atomic.
    Fast,
}

/// How many links are followed before they count as a loop, as in Linux (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Replaces the file at `path` with `bytes`: whoever reads it sees the old contents or the new ones.
///
/// The new contents are written to a uniquely named file in the same directory, which takes the old
/// file's permissions and then its name. A symbolic link at `path` stays; the file it leads to is replaced.
///
/// # Errors
///
/// When the disk refuses. The old file is then still there, and nothing else is.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), DiskError> {
    replace_in_pieces(path, std::iter::once(bytes), durability)
}

/// The same for bytes that lie in pieces, which are put one behind the other.
///
/// # Errors
///
/// As [`replace`].
pub fn replace_in_pieces<'b>(
    path: &Path,
    pieces: impl Iterator<Item = &'b [u8]>,
    durability: Durability,
) -> Result<(), DiskError> {
    let target = target(path)?;
    refuse_special(&target)?;
    let directory = directory_of(&target);
    let mut file = op("write beside", &target, || {
        tempfile::Builder::new()
            .prefix(&temporary_prefix(&target))
            .permissions(mode(&target))
            .tempfile_in(directory)
    })?;
    fill(&target, &mut file, pieces, durability)?;
    op("replace", &target, || put(file, &target, durability))?;
    match durability {
        Durability::Synced => sync_dir(directory),
        Durability::Fast => Ok(()),
    }
}

/// Gives the file the name `target`.
fn put(file: NamedTempFile, target: &Path, durability: Durability) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if durability == Durability::Fast {
        // A file that is renamed over another is sent to the disk at once by some file systems (ext4(5),
        // `auto_da_alloc`), which is not asked for here. So the two change places, and the old one goes.
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, file.path(), CWD, target, RenameFlags::EXCHANGE).is_ok() {
            return file.close();
        }
    }
    file.persist(target).map(drop).map_err(|error| error.error)
}

/// Removes what a process that died while it replaced the file at `path` left beside it. Only for those who
/// know that nobody is replacing it now.
///
/// # Errors
///
/// When the disk refuses.
pub fn remove_half_replaced(path: &Path) -> Result<(), DiskError> {
    let target = target(path)?;
    remove_half_replaced_in(directory_of(&target), &[&target])
}

/// The same for these files in one directory, which are no links.
pub(super) fn remove_half_replaced_in(directory: &Path, files: &[&Path]) -> Result<(), DiskError> {
    let prefixes: Vec<String> = files.iter().map(|file| temporary_prefix(file)).collect();
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_left = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if name.to_str().is_some_and(is_left) {
            match remove_file(&directory.join(name)) {
                // Another was quicker, or somebody is replacing it after all.
                Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }
    Ok(())
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What the temporary files of this target begin with. The digest of its name stands for it, which may be as
/// long as a name can be.
fn temporary_prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    let digest = blake3::hash(name.as_encoded_bytes()).to_hex();
    format!(".playbook-tmp-{}-", &digest.as_str()[..16])
}

fn fill<'b>(
    target: &Path,
    file: &mut NamedTempFile,
    pieces: impl Iterator<Item = &'b [u8]>,
    durability: Durability,
) -> Result<(), DiskError> {
    for piece in pieces {
        write_all("write", target, file.as_file_mut(), piece)?;
    }
    if let Ok(old) = fs::metadata(target) {
        // What the umask took away when the file was made.
        op("set the permissions of", target, || {
            file.as_file().set_permissions(old.permissions())
        })?;
    }
    match durability {
        Durability::Synced => sync(target, file.as_file()),
        Durability::Fast => Ok(()),
    }
}

/// A device must not become a file, nor a directory make us write a file in vain.
fn refuse_special(target: &Path) -> Result<(), DiskError> {
    match fs::metadata(target) {
        Ok(meta) if !meta.is_file() => {
            let kind = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
            Err(DiskError::new("replace", target, kind))
        }
        _ => Ok(()),
    }
}

/// The old file's permissions; a new file gets what the umask leaves of `rw-rw-rw-`.
fn mode(target: &Path) -> Permissions {
    fs::metadata(target).map_or_else(|_| Permissions::from_mode(0o666), |meta| meta.permissions())
}

/// Where links at `path` lead, each resolved against its own directory. What they lead to need not exist.
fn target(path: &Path) -> Result<PathBuf, DiskError> {
    let mut here = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&here) {
            Ok(text) => here = here.parent().unwrap_or(Path::new("")).join(text),
            // Not a link, or nothing.
            Err(_) => return Ok(here),
        }
    }
    let looping = io::Error::from(rustix::io::Errno::LOOP);
    Err(DiskError::new("follow the link", path, looping))
}
