//! Which file systems are this machine's own.
//!
//! Over a network a stat may be an old one, remembered by this machine, unless the file is opened first: that is
//! when such file systems promise to look (close-to-open consistency, `nfs(5)`).

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use rustix::fs::Stat;

use crate::disk::device_of;

/// What a stat is worth on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// It may be an old one, unless the file is open.
    Remote,
    /// It is that of the file.
    Local,
    /// The same, and that of a directory shows when its names change. Why some local file systems do not
    /// promise that is told where names are taken from it.
    Names,
}

/// What is known of the devices seen so far.
#[derive(Debug, Default)]
pub(super) struct LocalDisks(Mutex<IndexMap<u64, Locality>>);

impl LocalDisks {
    /// Whether the file at `path`, whose stat this is, is on a file system known to be local.
    pub(super) fn has(&self, path: &Path, found: &Stat) -> bool {
        self.of(found, || locality(path)) != Locality::Remote
    }

    /// What the stat of an open directory is worth.
    pub(super) fn of_open(&self, open: &OwnedFd, found: &Stat) -> Locality {
        self.of(found, || locality_of_open(open))
    }

    fn of(&self, found: &Stat, ask: impl FnOnce() -> Locality) -> Locality {
        let device = device_of(found);
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *devices.entry(device).or_insert_with(ask)
    }
}

/// The file systems of Linux that keep their data on this machine (`statfs(2)`, `linux/magic.h`), and whether
/// a directory's stat shows when its names change.
#[cfg(target_os = "linux")]
const LOCAL: [(u32, Locality); 18] = [
    (0xEF53, Locality::Names),      // ext2, ext3, ext4
    (0x5846_5342, Locality::Names), // xfs
    (0x9123_683E, Locality::Names), // btrfs
    (0x0102_1994, Locality::Names), // tmpfs
    (0x8584_58F6, Locality::Names), // ramfs
    (0x2FC1_2FC1, Locality::Names), // zfs
    (0xF2F5_2010, Locality::Names), // f2fs
    (0xCA45_1A4E, Locality::Names), // bcachefs
    (0x794C_7630, Locality::Local), // overlayfs
    (0x3153_464A, Locality::Local), // jfs
    (0x5265_4973, Locality::Local), // reiserfs
    (0x4D44, Locality::Local),      // vfat
    (0x2011_BAB0, Locality::Local), // exfat
    (0x7366_746E, Locality::Local), // ntfs3
    (0x7371_7368, Locality::Local), // squashfs
    (0xE0F5_E1E2, Locality::Local), // erofs
    (0x9660, Locality::Local),      // iso9660
    (0x1501_3346, Locality::Local), // udf
];

#[cfg(target_os = "linux")]
fn locality(path: &Path) -> Locality {
    rustix::fs::statfs(path).map_or(Locality::Remote, |found| of_statfs(&found))
}

#[cfg(target_os = "linux")]
pub(crate) fn locality_of_open(open: &OwnedFd) -> Locality {
    rustix::fs::fstatfs(open).map_or(Locality::Remote, |found| of_statfs(&found))
}

#[cfg(target_os = "linux")]
fn of_statfs(found: &rustix::fs::StatFs) -> Locality {
    #[allow(
        clippy::allow_attributes,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the type has other widths on other machines, and its meaning in 32 bits"
    )]
    let magic = found.f_type as u32;
    let known = LOCAL.iter().find(|(other, _)| *other == magic);
    known.map_or(Locality::Remote, |(_, locality)| *locality)
}

/// Without a list of its own, nothing is taken to be local: a file is opened before it is looked at.
#[cfg(not(target_os = "linux"))]
fn locality(_path: &Path) -> Locality {
    Locality::Remote
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn locality_of_open(_open: &OwnedFd) -> Locality {
    Locality::Remote
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_is_local_and_proc_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(locality(dir.path()), Locality::Remote);
        assert_eq!(locality(Path::new("/proc/self/status")), Locality::Remote);
    }
}
