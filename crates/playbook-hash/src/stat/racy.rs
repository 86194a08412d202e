//! When a stat cannot be trusted although it is equal.
//!
//! A file that is written, read, and written again within one tick of the file system's clock has one
//! stat and two contents. So a digest counts as that of a stat only if the file's times lay well before
//! the moment its reading *began*: whatever is written after that moment then shows in its times.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::stat::key::{StatKey, take};

/// How much older than the reading a file's times must be, in seconds. No file system in use counts time
/// in coarser steps.
const MARGIN: i64 = 2;

/// The same under another start of the machine, in seconds: younger data may never have reached the disk, although
/// its stat did. Systems write back what is in memory well within this time.
const MARGIN_OVER_BOOT: i64 = 120;

/// A point of wall-clock time, as file systems keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Whole seconds since 1970.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanos: u32,
}

impl Moment {
    /// The present moment.
    ///
    /// The file system stamps files by the machine's own clock, so an injected clock would compare apples
    /// with pears.
    pub fn now() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "compared with what the file system stamps by the same clock"
        )]
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        #[cfg(any(test, feature = "faults"))]
        let seconds = seconds.saturating_add(crate::disk::faults::late());
        Self {
            seconds,
            nanos: since.subsec_nanos(),
        }
    }

    /// How many bytes it takes: seconds (8), nanoseconds (4), little-endian.
    pub(crate) const BYTES: usize = 12;

    /// Its bytes.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.seconds.to_le_bytes());
        bytes[8..].copy_from_slice(&self.nanos.to_le_bytes());
        bytes
    }

    /// From its bytes, which come first in `rest` and are taken off it.
    pub(crate) fn take(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            seconds: i64::from_le_bytes(take(rest)?),
            nanos: u32::from_le_bytes(take(rest)?),
        })
    }

    fn earlier(self, seconds: i64) -> Self {
        Self {
            seconds: self.seconds.saturating_sub(seconds),
            ..self
        }
    }
}

/// Whether the file may have been written again after its reading began without its stat showing it: its
/// mtime or ctime is not at least two seconds older than that moment.
pub fn is_racy(stat: &StatKey, began: Moment) -> bool {
    is_younger(stat, began.earlier(MARGIN))
}

/// The same, if the machine was started anew since.
pub(super) fn is_racy_over_boot(stat: &StatKey, began: Moment) -> bool {
    is_younger(stat, began.earlier(MARGIN_OVER_BOOT))
}

fn is_younger(stat: &StatKey, safe: Moment) -> bool {
    stat.mtime > safe || stat.ctime > safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanos: u32) -> Moment {
        Moment { seconds, nanos }
    }

    #[test]
    fn two_seconds_to_the_nanosecond() {
        let began = at(100, 500);
        for (mtime, ctime, racy) in [
            (at(98, 500), at(98, 500), false),
            (at(98, 501), at(98, 500), true),
            (at(98, 500), at(98, 501), true),
            (at(0, 0), at(98, 501), true),
            (at(98, 499), at(0, 0), false),
            (at(100, 500), at(0, 0), true),
            (at(4_000_000_000, 0), at(0, 0), true),
            (at(-5, 0), at(0, 0), false),
        ] {
            let stat = StatKey {
                size: 1,
                mtime,
                ctime,
                inode: 1,
            };
            assert_eq!(is_racy(&stat, began), racy, "{mtime:?} {ctime:?}");
        }
    }

    #[test]
    fn a_broken_clock_trusts_nothing() {
        let stat = StatKey {
            size: 1,
            mtime: at(0, 0),
            ctime: at(0, 0),
            inode: 1,
        };
        assert!(is_racy(&stat, at(0, 0)));
        assert!(is_racy(&stat, at(i64::MIN, 0)));
    }
}
