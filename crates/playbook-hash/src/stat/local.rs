//! Which file systems are this machine's own.
//!
//! Over a network a stat may be an old one, remembered by this machine, unless the file is opened first: that is
//! when such file systems promise to look (close-to-open consistency, `nfs(5)`).

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;
use rustix::fs::Stat;

/// What is known of the devices seen so far.
#[derive(Debug, Default)]
pub(super) struct LocalDisks(Mutex<IndexMap<u64, bool>>);

impl LocalDisks {
    /// Whether the file at `path`, whose stat this is, is on a file system known to be local.
    pub(super) fn has(&self, path: &Path, found: &Stat) -> bool {
        #[allow(
            clippy::allow_attributes,
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            reason = "dev_t is signed on some systems"
        )]
        let device = found.st_dev as u64;
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *devices.entry(device).or_insert_with(|| is_local(path))
    }
}

/// The file systems of Linux that keep their data on this machine (`statfs(2)`, `linux/magic.h`).
#[cfg(target_os = "linux")]
const LOCAL: [u32; 18] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0x2FC1_2FC1, // zfs
    0xF2F5_2010, // f2fs
    0xCA45_1A4E, // bcachefs
    0x794C_7630, // overlayfs
    0x3153_464A, // jfs
    0x5265_4973, // reiserfs
    0x4D44,      // vfat
    0x2011_BAB0, // exfat
    0x7366_746E, // ntfs3
    0x7371_7368, // squashfs
    0xE0F5_E1E2, // erofs
    0x9660,      // iso9660
    0x1501_3346, // udf
];

#[cfg(target_os = "linux")]
fn is_local(path: &Path) -> bool {
    #[allow(
        clippy::allow_attributes,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the type has other widths on other machines, and its meaning in 32 bits"
    )]
    rustix::fs::statfs(path).is_ok_and(|found| LOCAL.contains(&(found.f_type as u32)))
}

/// Without a list of its own, nothing is taken to be local: a file is opened before it is looked at.
#[cfg(not(target_os = "linux"))]
fn is_local(_path: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_is_local_and_proc_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_local(dir.path()));
        assert!(!is_local(Path::new("/proc/self/status")));
    }
}
