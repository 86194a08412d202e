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
//! | bytes | what |
//! |---|---|
//! | 1 | `f` for a file, `d` for a directory, `-` for what does not exist |
//! | 4 | the length of the path |
//! | | the path, relative to the root if it is below it |
//! | 40 | of a file or directory: size, inode (8 each), mtime, ctime (seconds 8, nanoseconds 4) |
//! | 4 | of a directory: the length of the names |
//! | | the names that are looked at, each with a zero behind it |
//! | 32 each | for every 256 of them the BLAKE3 of their stats |

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use crate::stat::key::{StatKey, take};
use crate::stat::seen::Record;

/// Below this many entries, sharing the work costs more than it saves.
const WORTH_SHARING: usize = 512;
/// So many names of a directory are digested together, and are one piece of work.
const TOGETHER: usize = 256;

const FILE: u8 = b'f';
const DIRECTORY: u8 = b'd';
const NOTHING: u8 = b'-';

/// Paths and the stats they must have, as bytes.
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

    /// Adds a directory with what was seen in it.
    pub(super) fn add_directory(&mut self, path: &Path, record: &Record) {
        let looked_at = || (0..record.len()).filter(|index| record.seen(*index).has_digest());
        self.begin(DIRECTORY, path);
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

/// Whether everything that these bytes of an [`Evidence`] name still is as they say. Bytes that are none say no.
pub fn still_holds(evidence: &[u8], root: &Path) -> bool {
    let Some(claims) = claims(evidence) else {
        return false;
    };
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let Ok(root) = openat(CWD, root, flags, Mode::empty()) else {
        return false;
    };
    let root = root.as_fd();
    let holds = |claim: &Claim<'_>| claim.holds(root).is_ok_and(|holds| holds);
    let directories = claims
        .iter()
        .any(|claim| matches!(claim, Claim::Directory { .. }));
    if claims.len() < WORTH_SHARING && !directories {
        claims.iter().all(holds)
    } else {
        let least = if directories { 1 } else { 256 };
        claims.par_iter().with_min_len(least).all(holds)
    }
}

/// What is said of a path.
enum Claim<'a> {
    File {
        path: &'a [u8],
        stat: StatKey,
    },
    Nothing {
        path: &'a [u8],
    },
    Directory {
        path: &'a [u8],
        stat: StatKey,
        names: Vec<&'a CStr>,
        digests: &'a [[u8; 32]],
    },
}

impl Claim<'_> {
    fn holds(&self, root: BorrowedFd<'_>) -> Result<bool, Errno> {
        match self {
            Self::File { path, stat } => {
                let found = statat(root, *path, AtFlags::empty())?;
                Ok(StatKey::of(&found) == *stat)
            }
            Self::Nothing { path } => match statat(root, *path, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(true),
                Err(errno) => Err(errno),
                Ok(_) => Ok(false),
            },
            Self::Directory {
                path,
                stat,
                names,
                digests,
            } => {
                // What stands at the root itself has no path below it.
                let path = if path.is_empty() { b"." } else { *path };
                let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
                let open = openat(root, path, flags, Mode::empty())?;
                let same = StatKey::of(&fstat(&open)?) == *stat;
                let together = names.par_chunks(TOGETHER).zip(*digests);
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
    }
}

fn digest_of_stats(stats: impl Iterator<Item = Result<StatKey, Errno>>) -> Result<[u8; 32], Errno> {
    let mut bytes = Vec::with_capacity(TOGETHER * StatKey::BYTES);
    for stat in stats {
        bytes.extend(stat?.to_bytes());
    }
    Ok(*blake3::hash(&bytes).as_bytes())
}

fn claims(mut rest: &[u8]) -> Option<Vec<Claim<'_>>> {
    let mut claims = Vec::new();
    while !rest.is_empty() {
        let [kind] = take(&mut rest)?;
        let path = cut(&mut rest)?;
        claims.push(match kind {
            FILE => Claim::File {
                path,
                stat: StatKey::take(&mut rest)?,
            },
            NOTHING => Claim::Nothing { path },
            DIRECTORY => directory(path, &mut rest)?,
            _ => return None,
        });
    }
    Some(claims)
}

fn directory<'a>(path: &'a [u8], rest: &mut &'a [u8]) -> Option<Claim<'a>> {
    let stat = StatKey::take(rest)?;
    let names = cut(rest)?.split_inclusive(|byte| *byte == 0);
    let names: Vec<&CStr> = names
        .map(|name| CStr::from_bytes_with_nul(name).ok())
        .collect::<Option<_>>()?;
    let count = names.len().div_ceil(TOGETHER);
    let (digests, _) = rest.as_chunks();
    let digests = digests.get(..count)?;
    *rest = rest.get(count * 32..)?;
    Some(Claim::Directory {
        path,
        stat,
        names,
        digests,
    })
}

/// Bytes with their length before them.
fn cut<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;
    use crate::disk::write_new;
    use crate::stat::boot::Boot;
    use crate::stat::racy::Moment;
    use crate::stat::seen::{Entries, Entry, Seen};
    use crate::tree::EntryKind;

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

    #[test]
    fn absence_holds_until_something_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::default();
        evidence.add_absence(Path::new("none"));
        assert!(still_holds(evidence.as_bytes(), dir.path()));
        std::os::unix::fs::symlink("nowhere", dir.path().join("none")).unwrap();
        assert!(!still_holds(evidence.as_bytes(), dir.path()));
    }

    /// A directory with more names than are digested together, one of which does not count.
    fn directory(dir: &Path) -> Evidence {
        let mut entries = Entries::default();
        for n in 0..TOGETHER + 44 {
            let name = format!("{n:04}");
            write_new(&dir.join(&name), b"1").unwrap();
            let seen = match n {
                7 => Seen::Ignored { is_dir: false },
                _ => Seen::Counted(EntryKind::File),
            };
            let entry = Entry {
                stat: stat_of(&dir.join(&name)),
                ..Entry::bare(seen)
            };
            entries.push(&CString::new(name).unwrap(), &entry);
        }
        let record = entries.into_record(stat_of(dir), Moment::now(), Boot::now());
        let mut evidence = Evidence::default();
        evidence.add_directory(Path::new(""), &record);
        evidence.add_directory(dir, &record);
        evidence
    }

    #[test]
    fn of_a_directory_it_holds_until_one_of_its_files_changes() {
        for (changed, holds) in [
            (0, false),
            (7, true),
            (255, false),
            (256, false),
            (299, false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let evidence = directory(dir.path());
            assert!(still_holds(evidence.as_bytes(), dir.path()));
            let file = dir.path().join(format!("{changed:04}"));
            let file = std::fs::File::options().write(true).open(file).unwrap();
            file.set_len(5).unwrap();
            assert_eq!(
                still_holds(evidence.as_bytes(), dir.path()),
                holds,
                "{changed}"
            );
        }
    }

    #[test]
    fn of_a_directory_it_holds_until_its_names_change() {
        let dir = tempfile::tempdir().unwrap();
        let evidence = directory(dir.path());
        write_new(&dir.path().join("new"), b"").unwrap();
        assert!(!still_holds(evidence.as_bytes(), dir.path()));
    }

    #[test]
    fn damaged_bytes_about_a_directory_say_no() {
        let dir = tempfile::tempdir().unwrap();
        let evidence = directory(dir.path());
        let bytes = evidence.as_bytes();
        for at in (0..bytes.len()).step_by(3) {
            // Between the two directories it is whole.
            let whole = at * 2 == bytes.len() - dir.path().as_os_str().len();
            assert!(
                at == 0 || whole || !still_holds(&bytes[..at], dir.path()),
                "cut at {at}"
            );
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1;
            assert!(!still_holds(&flipped, dir.path()), "flipped at {at}");
        }
    }
}
