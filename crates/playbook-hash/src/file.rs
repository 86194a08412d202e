//! The digest of a file's contents: the plain BLAKE3 of its bytes.
//!
//! # Why not mapped into memory
//!
//! A runner reads files that other programs are writing. One that is truncated while it is mapped kills
//! whoever touches the mapping (SIGBUS), and no check beforehand can prevent it. So files are read in
//! blocks, and a file whose stat moved meanwhile is read again.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use playbook_types::digest::Digest;
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat, stat};

use crate::error::{HashError, SpecialKind};
use crate::stat::{Moment, StatKey};

/// How often a file that changes while it is being read is read again.
const TRIES: usize = 3;
/// One read of a small file; the buffer is kept for the next file.
const SMALL_BLOCK: usize = 128 * 1024;
/// One read of a large file.
const LARGE_BLOCK: usize = 2 * 1024 * 1024;
/// From this size on, a file is large: its blocks are hashed by all threads.
const LARGE: u64 = 2 * LARGE_BLOCK as u64;

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
    refuse_special(&found, path)?;
    let file =
        openat(CWD, path, OPEN_FLAGS, Mode::empty()).map_err(|errno| of_path(errno.into()))?;
    digest_open(&File::from(file), path)
}

/// Reads an open file; `path` is what errors call it.
pub(crate) fn digest_open(file: &File, path: &Path) -> Result<FileDigest, HashError> {
    read_unmoved(file, path, read_all)
}

/// Reads until a reading was not disturbed. `read` gives the digest and how many bytes it is of.
fn read_unmoved(
    file: &File,
    path: &Path,
    read: impl Fn(&File, u64) -> io::Result<(Digest, u64)>,
) -> Result<FileDigest, HashError> {
    let failed = |source: io::Error| HashError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    for _ in 0..TRIES {
        let began = Moment::now();
        let before = fstat(file).map_err(|errno| failed(errno.into()))?;
        refuse_special(&before, path)?;
        let stat = StatKey::of(&before);
        let (digest, total_bytes) = read(file, stat.size).map_err(failed)?;
        let after = fstat(file).map_err(|errno| failed(errno.into()))?;
        if StatKey::of(&after) == stat {
            return Ok(FileDigest {
                digest,
                total_bytes,
                stat,
                began,
            });
        }
    }
    Err(HashError::KeepsChanging {
        path: path.to_owned(),
    })
}

fn refuse_special(stat: &Stat, path: &Path) -> Result<(), HashError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(HashError::IsDirectory {
            path: path.to_owned(),
        }),
        kind => Err(HashError::Special {
            path: path.to_owned(),
            kind: special_kind(kind),
        }),
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

fn read_all(file: &File, size: u64) -> io::Result<(Digest, u64)> {
    if size >= LARGE {
        return read_blocks(file, &mut vec![0; LARGE_BLOCK]);
    }
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    buffer.resize(SMALL_BLOCK, 0);
    let read = read_blocks(file, &mut buffer);
    BUFFER.set(buffer);
    read
}

/// Reads from the beginning, whatever was read before.
fn read_blocks(file: &File, buffer: &mut [u8]) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut offset = 0;
    loop {
        match file.read_at(buffer, offset) {
            Ok(0) => break,
            Ok(count) => {
                let block = &buffer[..count];
                if count > SMALL_BLOCK {
                    hasher.update_rayon(block);
                } else {
                    hasher.update(block);
                }
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), offset))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

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
    fn every_size_reads_the_same_as_in_one_piece() {
        let bytes: Vec<u8> = (0..3 * LARGE_BLOCK)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        for size in [
            0,
            1,
            SMALL_BLOCK - 1,
            SMALL_BLOCK,
            SMALL_BLOCK + 1,
            2 * LARGE_BLOCK,
            bytes.len(),
        ] {
            let file = file(&bytes[..size]);
            let found = digest_file(file.path()).unwrap();
            assert_eq!(found.digest, plain(&bytes[..size]), "{size}");
            assert_eq!(found.total_bytes, size as u64);
        }
    }

    #[test]
    fn what_moved_is_read_again() {
        let file = file(b"before");
        let readings = Cell::new(0);
        let found = read_unmoved(file.as_file(), file.path(), |open, size| {
            let read = read_all(open, size);
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
        assert_eq!(found.unwrap().digest, plain(b"before and after"));
    }

    #[test]
    fn what_keeps_moving_is_an_error() {
        let file = file(b"");
        let error = read_unmoved(file.as_file(), file.path(), |open, size| {
            OpenOptions::new()
                .append(true)
                .open(file.path())
                .unwrap()
                .write_all(b"x")
                .unwrap();
            read_all(open, size)
        });
        assert!(matches!(error, Err(HashError::KeepsChanging { path }) if path == file.path()));
    }

    #[test]
    fn truncated_while_read_survives() {
        let file = file(&vec![7; 6 * LARGE_BLOCK]);
        let cut = Cell::new(false);
        let found = read_unmoved(file.as_file(), file.path(), |open, size| {
            if !cut.replace(true) {
                open.read_at(&mut [0; 8], 0).unwrap();
                file.as_file().set_len(3).unwrap();
            }
            read_all(open, size)
        });
        assert_eq!(found.unwrap().digest, plain(&[7; 3]));
    }
}
