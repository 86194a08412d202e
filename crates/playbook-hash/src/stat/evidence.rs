//! Stats as evidence that nothing has changed.
//!
//! A digest that may be trusted for its stat ([`crate::is_racy`]) stands as long as the stat does. So a list of
//! paths with such stats says, as long as all of them hold, that everything has the digests it had.
//!
//! Some of a list's paths may have no stat that vouches for them; those are always to be looked at.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | the length of the path |
//! | | the path, relative to the root or absolute |
//! | 8 + 8 | size, inode; the inode is 0 if nothing vouches for the path |
//! | 12 + 12 | mtime, ctime: seconds (8), nanoseconds (4) |

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};

use crate::stat::key::StatKey;
use crate::stat::racy::Moment;

/// Below this many paths, sharing the work costs more than it saves.
const WORTH_SHARING: usize = 512;

/// Paths and the stats they must have, as bytes. A path is known by its number, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(Vec<u8>);

/// What no file has.
const NOTHING: StatKey = StatKey {
    size: 0,
    mtime: Moment {
        seconds: 0,
        nanos: 0,
    },
    ctime: Moment {
        seconds: 0,
        nanos: 0,
    },
    inode: 0,
};

impl Evidence {
    /// Adds a path, and the stat of what it leads to if that vouches for its contents. `path` is relative to the root or
    /// absolute.
    pub fn add(&mut self, path: &Path, stat: Option<&StatKey>) {
        let path = path.as_os_str().as_bytes();
        let StatKey {
            size,
            mtime,
            ctime,
            inode,
        } = stat.unwrap_or(&NOTHING);
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

    /// Adds a path as it stands in another list.
    pub fn add_as_it_was(&mut self, item: &EvidenceItem<'_>) {
        self.0.extend(item.bytes);
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A path of an [`Evidence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceItem<'b> {
    bytes: &'b [u8],
    path: &'b [u8],
    stat: StatKey,
}

impl<'b> EvidenceItem<'b> {
    /// The paths in the bytes of an [`Evidence`]; `None` if they are not whole.
    pub fn all(bytes: &'b [u8]) -> Option<Vec<Self>> {
        let mut items = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let whole = rest;
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
            let bytes = &whole[..whole.len() - rest.len()];
            items.push(Self { bytes, path, stat });
        }
        Some(items)
    }

    /// The path, relative to the root or absolute.
    pub fn path(&self) -> &'b Path {
        Path::new(OsStr::from_bytes(self.path))
    }

    /// The stat that vouches for what the path leads to, if one does.
    pub fn stat(&self) -> Option<StatKey> {
        Some(self.stat).filter(|stat| stat.inode != 0)
    }

    fn holds(&self, root: BorrowedFd<'_>) -> bool {
        let Some(expected) = self.stat() else {
            return false;
        };
        let found = statat(root, self.path, AtFlags::empty());
        found.is_ok_and(|found| StatKey::of(&found) == expected)
    }
}

/// The numbers, ascending, of those whose paths no longer have the stat they name, or had none. `None` if there is
/// no such root.
pub fn changed(items: &[EvidenceItem<'_>], root: &Path) -> Option<Vec<usize>> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let root = openat(CWD, root, flags, Mode::empty()).ok()?;
    let changed = |(n, item): (usize, &EvidenceItem<'_>)| (!item.holds(root.as_fd())).then_some(n);
    Some(if items.len() < WORTH_SHARING {
        items.iter().enumerate().filter_map(changed).collect()
    } else {
        let shared = items.par_iter().enumerate().with_min_len(256);
        shared.filter_map(changed).collect()
    })
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

    fn changed_in(evidence: &Evidence, root: &Path) -> Option<Vec<usize>> {
        changed(&EvidenceItem::all(evidence.as_bytes()).unwrap(), root)
    }

    #[test]
    fn it_says_which_paths_changed() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::default();
        for n in 0..600 {
            let name = format!("f{n}");
            write_new(&dir.path().join(&name), b"1").unwrap();
            let stat = stat_of(&dir.path().join(&name));
            evidence.add(Path::new(&name), (n != 77).then_some(&stat));
        }
        let absolute = dir.path().join("f0");
        evidence.add(&absolute, Some(&stat_of(&absolute)));
        assert_eq!(changed_in(&evidence, dir.path()), Some(vec![77]));
        let elsewhere = changed_in(&evidence, Path::new("/")).unwrap();
        assert_eq!(elsewhere, (0..600).collect::<Vec<_>>());
        assert_eq!(changed_in(&evidence, &dir.path().join("none")), None);
        crate::disk::remove_file(&dir.path().join("f599")).unwrap();
        assert_eq!(changed_in(&evidence, dir.path()), Some(vec![77, 599]));
        for n in [599, 3] {
            let path = dir.path().join(format!("f{n}"));
            crate::disk::remove_file(&path).ok();
            write_new(&path, b"1").unwrap();
        }
        assert_eq!(changed_in(&evidence, dir.path()), Some(vec![3, 77, 599]));
    }

    #[test]
    fn what_is_copied_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        write_new(&dir.path().join("f"), b"1").unwrap();
        let mut evidence = Evidence::default();
        evidence.add(Path::new("f"), Some(&stat_of(&dir.path().join("f"))));
        evidence.add(Path::new("g"), None);
        let items = EvidenceItem::all(evidence.as_bytes()).unwrap();
        assert_eq!(items[1].path(), Path::new("g"));
        let mut copy = Evidence::default();
        for item in &items {
            copy.add_as_it_was(item);
        }
        assert_eq!(copy, evidence);
    }

    #[test]
    fn damaged_bytes_are_no_evidence() {
        let dir = tempfile::tempdir().unwrap();
        write_new(&dir.path().join("f"), b"1").unwrap();
        let mut evidence = Evidence::default();
        evidence.add(Path::new("f"), Some(&stat_of(&dir.path().join("f"))));
        let bytes = evidence.as_bytes();
        for cut in 1..bytes.len() {
            assert_eq!(EvidenceItem::all(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
