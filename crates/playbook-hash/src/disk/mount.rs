//! Which mount an open directory is on.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;

/// A mount: on Linux the mount itself, so that a bind mount of the same file system is seen too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mount {
    device: u64,
    /// Nothing where the system does not tell.
    id: u64,
}

/// The number of the file system that something is on.
pub(crate) fn device_of(stat: &Stat) -> u64 {
    #[allow(
        clippy::allow_attributes,
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        reason = "dev_t is signed on some systems"
    )]
    let device = stat.st_dev as u64;
    device
}

pub(super) fn mount_of(open: &OwnedFd) -> Result<Mount, Errno> {
    let found = fstat(open)?;
    let device = device_of(&found);
    Ok(Mount {
        device,
        id: mount_id(open),
    })
}

/// Whether two directories are on one mount, so that a rename from one to the other can work. If either cannot
/// be opened, they are not.
pub fn on_one_mount(one: &Path, other: &Path) -> bool {
    let mount = |path: &Path| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        mount_of(&openat(CWD, path, flags, Mode::empty())?)
    };
    matches!((mount(one), mount(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(target_os = "linux")]
fn mount_id(open: &OwnedFd) -> u64 {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    match statx(open, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
        Ok(found) if found.stx_mask & StatxFlags::MNT_ID.bits() != 0 => found.stx_mnt_id,
        _ => 0,
    }
}

#[cfg(not(target_os = "linux"))]
fn mount_id(_open: &OwnedFd) -> u64 {
    0
}

#[cfg(test)]
impl Mount {
    /// Another mount than this one.
    pub(super) fn other(self) -> Self {
        Self {
            id: self.id.wrapping_add(1),
            ..self
        }
    }
}
