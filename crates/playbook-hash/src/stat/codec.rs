//! The bytes of the stat cache.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `playbook stat 1` and a line break |
//! | 8 | the first bytes of the BLAKE3 of everything behind them |
//! | | the entries, one after the other: |
//! | 4 | the length of the path |
//! | | the path, relative to the root if it is below it |
//! | 32 | the digest |
//! | 8 + 8 | size, inode |
//! | 12 + 12 + 12 | mtime, ctime, the moment its reading began: seconds (8), nanoseconds (4) |
//! | 8 | the start of the machine under which it was read; 0 if unknown |
//! | 1 | how many times the cache was rewritten since somebody asked for the entry |
//!
//! Numbers are little-endian. A file that is not exactly so is not used at all.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;

use crate::file::FileDigest;
use crate::stat::boot::Boot;
use crate::stat::key::StatKey;
use crate::stat::racy::Moment;

const MAGIC: &[u8; 16] = b"playbook stat 1\n";
const CHECKSUM: usize = 8;

/// An entry of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) file: FileDigest,
    /// Under which start of the machine it was read.
    pub(super) boot: Boot,
    /// How many times the cache was rewritten since somebody asked for it.
    pub(super) unused: u8,
}

/// The bytes of a cache with these entries.
pub(super) fn encode<'a>(entries: impl Iterator<Item = (&'a Path, Known)>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; CHECKSUM]);
    for (path, known) in entries {
        let path = path.as_os_str().as_bytes();
        let Ok(length) = u32::try_from(path.len()) else {
            continue;
        };
        bytes.extend(length.to_le_bytes());
        bytes.extend(path);
        put(&mut bytes, &known);
    }
    let body = MAGIC.len() + CHECKSUM;
    let checksum = checksum(&bytes[body..]);
    bytes[MAGIC.len()..body].copy_from_slice(&checksum);
    bytes
}

fn put(bytes: &mut Vec<u8>, known: &Known) {
    let Known { file, boot, unused } = known;
    let FileDigest {
        digest,
        total_bytes: _, // the size of its stat
        stat,
        began,
    } = file;
    let StatKey {
        size,
        mtime,
        ctime,
        inode,
    } = stat;
    bytes.extend(digest.as_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(inode.to_le_bytes());
    for Moment { seconds, nanos } in [mtime, ctime, began] {
        bytes.extend(seconds.to_le_bytes());
        bytes.extend(nanos.to_le_bytes());
    }
    bytes.extend(boot.to_bytes());
    bytes.push(*unused);
}

/// The entries of a cache; none if its bytes are not exactly as they were written.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<(PathBuf, Known)>> {
    let mut rest = Reader(bytes);
    (rest.take::<16>()? == *MAGIC).then_some(())?;
    let expected = rest.take::<CHECKSUM>()?;
    (checksum(rest.0) == expected).then_some(())?;
    let mut entries = Vec::new();
    while !rest.0.is_empty() {
        let length = usize::try_from(u32::from_le_bytes(rest.take()?)).ok()?;
        let (path, behind) = rest.0.split_at_checked(length)?;
        rest.0 = behind;
        let path = OsString::from_vec(path.to_vec()).into();
        entries.push((path, rest.known()?));
    }
    Some(entries)
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut front = [0; CHECKSUM];
    front.copy_from_slice(&blake3::hash(body).as_bytes()[..CHECKSUM]);
    front
}

/// What has not been read yet.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*front)
    }

    fn moment(&mut self) -> Option<Moment> {
        Some(Moment {
            seconds: i64::from_le_bytes(self.take()?),
            nanos: u32::from_le_bytes(self.take()?),
        })
    }

    fn known(&mut self) -> Option<Known> {
        let digest = Digest::from_bytes(self.take()?);
        let size = u64::from_le_bytes(self.take()?);
        let inode = u64::from_le_bytes(self.take()?);
        let (mtime, ctime, began) = (self.moment()?, self.moment()?, self.moment()?);
        let boot = Boot::from_bytes(self.take()?);
        let [unused] = self.take()?;
        let stat = StatKey {
            size,
            mtime,
            ctime,
            inode,
        };
        let file = FileDigest {
            digest,
            total_bytes: size,
            stat,
            began,
        };
        Some(Known { file, boot, unused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64) -> Moment {
        Moment { seconds, nanos: 9 }
    }

    fn known(n: u8) -> Known {
        let stat = StatKey {
            size: u64::from(n),
            mtime: moment(-5),
            ctime: moment(i64::MAX),
            inode: u64::MAX,
        };
        Known {
            file: FileDigest {
                digest: Digest::from_bytes([n; 32]),
                total_bytes: u64::from(n),
                stat,
                began: moment(7),
            },
            boot: Boot::of(Some("this")),
            unused: n,
        }
    }

    fn three() -> Vec<(PathBuf, Known)> {
        let odd = OsString::from_vec(b"odd \n\xff".to_vec()).into();
        vec![
            ("a".into(), known(1)),
            ("".into(), known(0)),
            (odd, known(255)),
        ]
    }

    fn bytes() -> Vec<u8> {
        encode(three().iter().map(|(path, known)| (&**path, *known)))
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(decode(&bytes()), Some(three()));
        assert_eq!(decode(&encode(std::iter::empty())), Some(Vec::new()));
    }

    #[test]
    fn damaged_anywhere_it_is_not_used() {
        let whole = bytes();
        for at in 0..whole.len() {
            assert_eq!(decode(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(decode(&flipped), None, "flipped at {at}");
        }
        let mut longer = whole;
        longer.push(0);
        assert_eq!(decode(&longer), None);
    }
}
