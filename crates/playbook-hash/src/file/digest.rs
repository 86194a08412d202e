//! Reading a file until nothing moved meanwhile.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat, stat};
use rustix::io::Errno;

use crate::error::{HashError, SpecialKind};
use crate::file::contents;
use crate::file::halt::Halt;
use crate::stat::{Moment, StatKey};

/// How often a file that changes while it is being read is read again.
const TRIES: usize = 3;

/// Neither a fifo nor a terminal must be able to stop us, nor a child to inherit the file.
pub(crate) const OPEN_FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY);

/// A file's digest, with what tells whether it still is one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// The plain BLAKE3 of its bytes.
    pub digest: Digest,
    /// How many bytes.
    pub total_bytes: u64,
    /// Its stat, which was the same before and after reading.
    pub stat: StatKey,
    /// The moment its reading began.
    pub began: Moment,
}

/// Reads a file. A symbolic link is followed.
///
/// # Errors
///
/// When there is no such file, it is no regular file, it cannot be read, or it keeps changing.
pub fn digest_file(path: &Path) -> Result<FileDigest, HashError> {
    let of_path = |source: io::Error| HashError::of_path("read", path, source);
    // Merely opening a device can do something; look first.
    let found = stat(path).map_err(|errno| of_path(errno.into()))?;
    refuse_special(&found).map_err(|unread| unread.at(path.to_owned()))?;
    let file =
        openat(CWD, path, OPEN_FLAGS, Mode::empty()).map_err(|errno| of_path(errno.into()))?;
    let (found, _) = digest_open(&File::from(file), &Halt::default())
        .map_err(|unread| unread.at(path.to_owned()))?;
    Ok(found)
}

/// Why an open file has no digest; whoever opened it knows its path.
#[derive(Debug)]
pub(crate) enum Unread {
    Io(io::Error),
    IsDirectory,
    Special(SpecialKind),
    KeepsChanging,
    Halted,
}

impl Unread {
    /// The same of the file at this path.
    pub(crate) fn at(self, path: PathBuf) -> HashError {
        match self {
            Self::Io(source) => HashError::Io {
                action: "read",
                path,
                source,
            },
            Self::IsDirectory => HashError::IsDirectory { path },
            Self::Special(kind) => HashError::Special { path, kind },
            Self::KeepsChanging => HashError::KeepsChanging { path },
            Self::Halted => HashError::Halted { path },
        }
    }
}

impl From<Errno> for Unread {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// Reads an open file. The stat is all of the one that it had before and after.
pub(crate) fn digest_open(file: &File, halt: &Halt) -> Result<(FileDigest, Stat), Unread> {
    let read = |file: &File, size| contents::read(file, size, halt);
    read_unmoved(file, read).map_err(|unread| match unread {
        Unread::Io(_) if halt.is_set() => Unread::Halted,
        unread => unread,
    })
}

/// Reads until a reading was not disturbed, and gives the stat that says so. `read` gives the digest and how many bytes it is of, or
/// nothing if it could see that the file moved.
fn read_unmoved(
    file: &File,
    read: impl Fn(&File, u64) -> io::Result<Option<(Digest, u64)>>,
) -> Result<(FileDigest, Stat), Unread> {
    for _ in 0..TRIES {
        let began = Moment::now();
        let before = fstat(file)?;
        refuse_special(&before)?;
        let stat = StatKey::of(&before);
        let found = read(file, stat.size).map_err(Unread::Io)?;
        let after = fstat(file)?;
        let Some((digest, total_bytes)) = found.filter(|_| StatKey::of(&after) == stat) else {
            continue;
        };
        let found = FileDigest {
            digest,
            total_bytes,
            stat,
            began,
        };
        return Ok((found, after));
    }
    Err(Unread::KeepsChanging)
}

fn refuse_special(stat: &Stat) -> Result<(), Unread> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Unread::IsDirectory),
        kind => Err(Unread::Special(special_kind(kind))),
    }
}

/// What to call a file that is none.
pub(crate) fn special_kind(kind: FileType) -> SpecialKind {
    match kind {
        FileType::Fifo => SpecialKind::Fifo,
        FileType::Socket => SpecialKind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice => SpecialKind::Device,
        _ => SpecialKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn file(contents: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(contents).unwrap();
        file
    }

    fn plain(bytes: &[u8]) -> Digest {
        Digest::from_bytes(*blake3::hash(bytes).as_bytes())
    }

    #[test]
    fn what_moved_is_read_again() {
        let file = file(b"before");
        let readings = Cell::new(0);
        let found = read_unmoved(file.as_file(), |open, size| {
            let read = contents::read(open, size, &Halt::default());
            if readings.replace(readings.get() + 1) == 0 {
                OpenOptions::new()
                    .append(true)
                    .open(file.path())
                    .unwrap()
                    .write_all(b" and after")
                    .unwrap();
            }
            read
        });
        assert_eq!(readings.get(), 2);
        assert_eq!(found.unwrap().0.digest, plain(b"before and after"));
    }

    #[test]
    fn what_keeps_moving_is_an_error() {
        let file = file(b"");
        let error = read_unmoved(file.as_file(), |open, size| {
            OpenOptions::new()
                .append(true)
                .open(file.path())
                .unwrap()
                .write_all(b"x")
                .unwrap();
            contents::read(open, size, &Halt::default())
        });
        assert!(matches!(error, Err(Unread::KeepsChanging)));
    }

    /// Another size than its stat told is seen while it is read, or from its stat after: both ways it is read again.
    #[test]
    fn cut_or_longer_while_read_it_is_read_again() {
        let long = 6 * contents::LARGE;
        for size in [
            0,
            3,
            contents::LARGE - 1,
            contents::LARGE + 1,
            long - 1,
            long + 1,
            2 * long,
        ] {
            let file = file(&vec![7; usize::try_from(long).unwrap()]);
            let readings = Cell::new(0);
            let found = read_unmoved(file.as_file(), |open, told| {
                if readings.replace(readings.get() + 1) == 0 {
                    file.as_file().set_len(size).unwrap();
                    let found = contents::read(open, told, &Halt::default()).unwrap();
                    assert!(found.is_none(), "{size} is not {told}");
                    return Ok(found);
                }
                contents::read(open, told, &Halt::default())
            });
            let now = std::fs::read(file.path()).unwrap();
            assert_eq!(found.unwrap().0.digest, plain(&now), "{size}");
            assert_eq!(readings.get(), 2);
        }
    }

    /// Cut and written again, over and over, while its blocks are being read by several threads. Two versions that a file
    /// system's clock cannot tell apart may mix, and are then too young to be remembered; nothing else may happen.
    #[test]
    fn rewritten_while_read_it_survives() {
        let length = usize::try_from(3 * contents::LARGE).unwrap() + 7;
        let file = file(&vec![1; length]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for n in 2..20 {
                    let writer = OpenOptions::new().write(true).open(file.path()).unwrap();
                    writer.set_len(0).unwrap();
                    (&writer).write_all(&vec![n; length]).unwrap();
                }
                stop.store(true, Ordering::Relaxed);
            });
            while !stop.load(Ordering::Relaxed) {
                let found = digest_open(file.as_file(), &Halt::default());
                assert!(
                    matches!(found, Ok(_) | Err(Unread::KeepsChanging)),
                    "{found:?}"
                );
            }
        });
        let last = digest_open(file.as_file(), &Halt::default()).unwrap().0;
        assert_eq!(last.digest, plain(&vec![19; length]));
    }
}
