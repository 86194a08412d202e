//! Stats as evidence that nothing has changed.
//!
//! A digest that may be trusted for its stat ([`crate::is_racy`]) stands as long as the stat does. So a list of
//! paths with such stats says, as long as all of them hold, that everything has the digests it had.
//!
//! Of a directory there is its own stat, which vouches for its names ([`crate::stat::Locality::Names`]), and the stats
//! of the files and links in it that count. Of those only a digest is kept, of so many together: they are all looked
//! at anyway, and which of them differs is of no interest here. What does not count is not looked at; if more
//! of it comes, the directory's stat changes, and everything is worked out. What is in a directory in it is told by
//! an entry of that one's own.
//!
//! A path of which nothing vouches for what is there stands in the list all the same; it is always to be looked at.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | `f` for a file, `d` for a directory, `+` for one in the directory before, `-` for what does not exist, `?` for what nothing vouches for |
//! | 4 | the length of the path |
//! | | the path, relative to the root or absolute |
//! | 40 | of a file or directory: size, inode (8 each), mtime, ctime (seconds 8, nanoseconds 4) |
//! | 4 | of a directory: the length of the names |
//! | | the names that are looked at, each with a zero behind it |
//! | 32 each | for every 256 of them the BLAKE3 of their stats |

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use crate::stat::key::{StatKey, cut, take};
use crate::stat::seen::Record;

/// Below this many entries, sharing the work costs more than it saves.
const WORTH_SHARING: usize = 1024;
/// From this many on, it is shared among all threads there are.
const MANY: usize = 16 * 1024;
/// So many names of a directory are digested together, and are one piece of work.
pub(super) const TOGETHER: usize = 256;

const FILE: u8 = b'f';
const DIRECTORY: u8 = b'd';
const WITHIN: u8 = b'+';
const NOTHING: u8 = b'-';
const UNKNOWN: u8 = b'?';

/// Paths and what they must be, as bytes. A path is known by its number, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence(Vec<u8>);

impl Evidence {
    /// Adds a path, and the stat of what it leads to. `path` is relative to the root or absolute.
    pub fn add(&mut self, path: &Path, stat: &StatKey) {
        self.begin(FILE, path);
        self.0.extend(stat.to_bytes());
    }

    /// Adds a path at which nothing stands, not even a link.
    pub fn add_absence(&mut self, path: &Path) {
        self.begin(NOTHING, path);
    }

    /// Adds a path that nothing vouches for.
    pub fn add_unknown(&mut self, path: &Path) {
        self.begin(UNKNOWN, path);
    }

    /// Adds all paths of another list.
    pub fn append(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// Adds a path as it stands in another list.
    pub fn add_as_it_was(&mut self, item: &EvidenceItem<'_>) {
        self.0.extend(item.bytes);
    }

    /// Adds a directory with what was seen in it: one that has a number, or one in the directory that was added before.
    pub(in crate::stat) fn add_directory(&mut self, path: &Path, record: &Record, is_within: bool) {
        let looked_at = || (0..record.len()).filter(|index| record.seen(*index).has_digest());
        self.begin(if is_within { WITHIN } else { DIRECTORY }, path);
        self.0.extend(record.stat().to_bytes());
        let names: usize = looked_at()
            .map(|index| record.name(index).count_bytes() + 1)
            .sum();
        self.length(names);
        for index in looked_at() {
            self.0.extend(record.name(index).to_bytes_with_nul());
        }
        let indexes: Vec<usize> = looked_at().collect();
        for together in indexes.chunks(TOGETHER) {
            let stats = together.iter().map(|index| Ok(record.entry(*index).stat));
            // Nothing here can fail; if it did, nothing would hold.
            self.0.extend(digest_of_stats(stats).unwrap_or_default());
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn begin(&mut self, kind: u8, path: &Path) {
        let path = path.as_os_str().as_bytes();
        self.0.push(kind);
        self.length(path.len());
        self.0.extend(path);
    }

    fn length(&mut self, length: usize) {
        // Longer than anything the system takes: then nothing holds.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.0.extend(length.to_le_bytes());
    }
}

/// A path of an [`Evidence`], with what it must be.
#[derive(Debug, Clone)]
pub struct EvidenceItem<'b> {
    bytes: &'b [u8],
    path: &'b [u8],
    claim: Claim<'b>,
}

/// What is said of a path.
#[derive(Debug, Clone)]
enum Claim<'b> {
    Unknown,
    Nothing,
    File(StatKey),
    /// Itself, and the directories in it.
    Tree(Vec<Directory<'b>>),
}

#[derive(Debug, Clone)]
struct Directory<'b> {
    path: &'b [u8],
    stat: StatKey,
    names: Vec<&'b CStr>,
    digests: &'b [[u8; 32]],
}

impl<'b> EvidenceItem<'b> {
    /// The paths in the bytes of an [`Evidence`]; `None` if they are not whole.
    pub fn all(whole: &'b [u8]) -> Option<Vec<Self>> {
        let mut items: Vec<Self> = Vec::new();
        let mut rest = whole;
        let mut begin = 0;
        while !rest.is_empty() {
            let before = whole.len() - rest.len();
            let [kind] = take(&mut rest)?;
            let path = cut(&mut rest)?;
            let claim = match kind {
                FILE => Claim::File(StatKey::take(&mut rest)?),
                NOTHING => Claim::Nothing,
                UNKNOWN => Claim::Unknown,
                DIRECTORY => Claim::Tree(vec![Directory::take(path, &mut rest)?]),
                WITHIN => {
                    let directory = Directory::take(path, &mut rest)?;
                    let item = items.last_mut()?;
                    let Claim::Tree(directories) = &mut item.claim else {
                        return None;
                    };
                    directories.push(directory);
                    item.bytes = &whole[begin..whole.len() - rest.len()];
                    continue;
                }
                _ => return None,
            };
            begin = before;
            let bytes = &whole[begin..whole.len() - rest.len()];
            items.push(Self { bytes, path, claim });
        }
        Some(items)
    }

    /// The path, relative to the root or absolute.
    pub fn path(&self) -> &'b Path {
        Path::new(OsStr::from_bytes(self.path))
    }

    /// Whether this is all that another list says.
    pub fn is(&self, evidence: &Evidence) -> bool {
        self.bytes == evidence.0
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.claim, Claim::Tree(_))
    }

    fn holds(&self, root: BorrowedFd<'_>) -> Result<bool, Errno> {
        match &self.claim {
            Claim::Unknown => Ok(false),
            Claim::File(stat) => {
                let found = statat(root, self.path, AtFlags::empty())?;
                Ok(StatKey::of(&found) == *stat)
            }
            Claim::Nothing => match statat(root, self.path, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(true),
                Err(errno) => Err(errno),
                Ok(_) => Ok(false),
            },
            Claim::Tree(directories) => {
                let all = directories.par_iter();
                Ok(all.all(|directory| directory.holds(root).is_ok_and(|holds| holds)))
            }
        }
    }
}

impl<'b> Directory<'b> {
    fn take(path: &'b [u8], rest: &mut &'b [u8]) -> Option<Self> {
        let stat = StatKey::take(rest)?;
        let names = cut(rest)?.split_inclusive(|byte| *byte == 0);
        let names: Vec<&CStr> = names
            .map(|name| CStr::from_bytes_with_nul(name).ok())
            .collect::<Option<_>>()?;
        let count = names.len().div_ceil(TOGETHER);
        let (digests, _) = rest.as_chunks();
        let digests = digests.get(..count)?;
        *rest = rest.get(count * 32..)?;
        Some(Self {
            path,
            stat,
            names,
            digests,
        })
    }

    fn holds(&self, root: BorrowedFd<'_>) -> Result<bool, Errno> {
        // What stands at the root itself has no path below it.
        let path = if self.path.is_empty() {
            b"."
        } else {
            self.path
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let open = openat(root, path, flags, Mode::empty())?;
        let same = StatKey::of(&fstat(&open)?) == self.stat;
        let together = self.names.par_chunks(TOGETHER).zip(self.digests);
        Ok(same
            && together.all(|(names, digest)| {
                let stats = names.iter().map(|name| {
                    let found = statat(&open, *name, AtFlags::SYMLINK_NOFOLLOW)?;
                    Ok(StatKey::of(&found))
                });
                digest_of_stats(stats).is_ok_and(|found| found == *digest)
            }))
    }
}

/// The numbers, ascending, of those that no longer are what they must be, or that nothing vouched for. `None` if there
/// is no such root.
pub fn changed(items: &[EvidenceItem<'_>], root: &Path) -> Option<Vec<usize>> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let root = openat(CWD, root, flags, Mode::empty()).ok()?;
    let root = root.as_fd();
    let changed = |(n, item): (usize, &EvidenceItem<'_>)| {
        let holds = item.holds(root).is_ok_and(|holds| holds);
        (!holds).then_some(n)
    };
    let directories = items.iter().any(EvidenceItem::is_directory);
    if directories || items.len() >= MANY {
        let least = if directories { 1 } else { 256 };
        let shared = items.par_iter().enumerate().with_min_len(least);
        return Some(shared.filter_map(changed).collect());
    }
    if items.len() < WORTH_SHARING {
        return Some(items.iter().enumerate().filter_map(changed).collect());
    }
    // One more thread is started sooner than all of rayon's.
    let half = items.len() / 2;
    Some(std::thread::scope(|threads| {
        let (front, back) = items.split_at(half);
        let look_at_back = move || (half..).zip(back).filter_map(changed).collect::<Vec<_>>();
        let other = std::thread::Builder::new().spawn_scoped(threads, look_at_back);
        let mut found: Vec<usize> = front.iter().enumerate().filter_map(changed).collect();
        // Where there can be no other thread, or none that ends well, this one does it all.
        let back = other.ok().and_then(|other| other.join().ok());
        found.extend(
            back.unwrap_or_else(|| (half..).zip(&items[half..]).filter_map(changed).collect()),
        );
        found
    }))
}

fn digest_of_stats(stats: impl Iterator<Item = Result<StatKey, Errno>>) -> Result<[u8; 32], Errno> {
    let mut bytes = Vec::with_capacity(TOGETHER * StatKey::BYTES);
    for stat in stats {
        bytes.extend(stat?.to_bytes());
    }
    Ok(*blake3::hash(&bytes).as_bytes())
}
