//! Stats as evidence that nothing has changed.
//!
//! A digest that may be trusted for its stat ([`crate::is_racy`]) stands as long as the stat does. So a list of
//! paths with such stats says, as long as all of them hold, that everything has the digests it had.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | the length of the path |
//! | | the path, relative to the root if it is below it |
//! | 8 + 8 | size, inode |
//! | 12 + 12 | mtime, ctime: seconds (8), nanoseconds (4) |

use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};

use crate::stat::key::StatKey;
use crate::stat::racy::Moment;

/// Below this many paths, sharing the work costs more than it saves.
const WORTH_SHARING: usize = 512;

/// Paths and the stats they must have, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(Vec<u8>);

impl Evidence {
    /// Adds a path, and the stat of what it leads to. `path` is relative to the root or absolute.
    pub fn add(&mut self, path: &Path, stat: &StatKey) {
        let path = path.as_os_str().as_bytes();
        let StatKey {
            size,
            mtime,
            ctime,
            inode,
        } = stat;
        // Longer than any path the system takes: then nothing holds.
        let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
        self.0.extend(length.to_le_bytes());
        self.0.extend(path);
        self.0.extend(size.to_le_bytes());
        self.0.extend(inode.to_le_bytes());
        for Moment { seconds, nanos } in [mtime, ctime] {
            self.0.extend(seconds.to_le_bytes());
            self.0.extend(nanos.to_le_bytes());
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether everything that these bytes of an [`Evidence`] name still has the stat they name. Bytes that are
/// none say no.
pub fn still_holds(evidence: &[u8], root: &Path) -> bool {
    let Some(entries) = entries(evidence) else {
        return false;
    };
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let Ok(root) = openat(CWD, root, flags, Mode::empty()) else {
        return false;
    };
    let holds = |(path, expected): &(&[u8], StatKey)| {
        let found = statat(root.as_fd(), *path, AtFlags::empty());
        found.is_ok_and(|found| StatKey::of(&found) == *expected)
    };
    if entries.len() < WORTH_SHARING {
        entries.iter().all(holds)
    } else {
        entries.par_iter().with_min_len(256).all(holds)
    }
}

fn entries(mut rest: &[u8]) -> Option<Vec<(&[u8], StatKey)>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
        let (path, behind) = rest.split_at_checked(length)?;
        rest = behind;
        let size = u64::from_le_bytes(take(&mut rest)?);
        let inode = u64::from_le_bytes(take(&mut rest)?);
        let (mtime, ctime) = (moment(&mut rest)?, moment(&mut rest)?);
        let stat = StatKey {
            size,
            mtime,
            ctime,
            inode,
        };
        entries.push((path, stat));
    }
    Some(entries)
}

fn moment(rest: &mut &[u8]) -> Option<Moment> {
    Some(Moment {
        seconds: i64::from_le_bytes(take(rest)?),
        nanos: u32::from_le_bytes(take(rest)?),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (front, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::write_new;

    fn stat_of(path: &Path) -> StatKey {
        StatKey::of(&rustix::fs::stat(path).unwrap())
    }

    #[test]
    fn it_holds_until_something_changes() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::default();
        for n in 0..600 {
            let name = format!("f{n}");
            write_new(&dir.path().join(&name), b"1").unwrap();
            evidence.add(Path::new(&name), &stat_of(&dir.path().join(&name)));
        }
        let absolute = dir.path().join("f0");
        evidence.add(&absolute, &stat_of(&absolute));
        assert!(still_holds(evidence.as_bytes(), dir.path()));
        assert!(!still_holds(evidence.as_bytes(), Path::new("/")));
        for (what, at) in [("f599", 599), ("f3", 3)] {
            crate::disk::remove_file(&dir.path().join(what)).unwrap();
            assert!(!still_holds(evidence.as_bytes(), dir.path()), "{at}");
            write_new(&dir.path().join(what), b"1").unwrap();
            assert!(!still_holds(evidence.as_bytes(), dir.path()), "{at}");
        }
    }

    #[test]
    fn damaged_bytes_say_no() {
        let dir = tempfile::tempdir().unwrap();
        write_new(&dir.path().join("f"), b"1").unwrap();
        let mut evidence = Evidence::default();
        evidence.add(Path::new("f"), &stat_of(&dir.path().join("f")));
        let bytes = evidence.as_bytes();
        assert!(still_holds(bytes, dir.path()));
        for cut in 1..bytes.len() {
            assert!(!still_holds(&bytes[..cut], dir.path()), "cut at {cut}");
        }
    }
}
