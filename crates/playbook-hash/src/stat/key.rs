//! What of a file's stat must be equal for its contents to be taken as equal.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Stat, fstat, stat};

use crate::stat::racy::Moment;

/// The part of a stat that changes when contents change.
///
/// The device is not in it: its number changes when a file system is mounted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatKey {
    /// Bytes in the file.
    pub size: u64,
    /// When it was last written.
    pub mtime: Moment,
    /// When its inode last changed. Unlike the mtime, nobody can set it back.
    pub ctime: Moment,
    /// The inode. It tells a file from another that was renamed over it.
    pub inode: u64,
}

impl StatKey {
    /// That of what `path` leads to now; `None` if it cannot be told.
    pub fn at(path: &Path) -> Option<Self> {
        Some(Self::of(&stat(path).ok()?))
    }

    /// That of an open file.
    pub fn of_open(file: impl AsFd) -> Option<Self> {
        Some(Self::of(&fstat(file).ok()?))
    }

    /// How many bytes it takes: size (8), inode (8), mtime and ctime (seconds 8, nanoseconds 4), little-endian.
    pub(crate) const BYTES: usize = 40;

    /// Its bytes.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let Self {
            size,
            mtime,
            ctime,
            inode,
        } = self;
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&size.to_le_bytes());
        bytes[8..16].copy_from_slice(&inode.to_le_bytes());
        bytes[16..28].copy_from_slice(&mtime.to_bytes());
        bytes[28..].copy_from_slice(&ctime.to_bytes());
        bytes
    }

    /// From its bytes, which come first in `rest` and are taken off it.
    pub(crate) fn take(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            size: u64::from_le_bytes(take(rest)?),
            inode: u64::from_le_bytes(take(rest)?),
            mtime: Moment::take(rest)?,
            ctime: Moment::take(rest)?,
        })
    }

    /// Takes it from a stat.
    #[allow(
        clippy::allow_attributes,
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "the fields of a stat have other types on other systems; sizes are not negative, nanoseconds below a thousand million"
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        let moment = |seconds, nanos| Moment { seconds, nanos };
        Self {
            size: stat.st_size as u64,
            mtime: moment(stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            ctime: moment(stat.st_ctime as i64, stat.st_ctime_nsec as u32),
            inode: stat.st_ino as u64,
        }
    }
}

/// The first bytes, taken off the others.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (front, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*front)
}

/// The first bytes, with their length (4) before them, taken off the others.
pub(crate) fn cut<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}
