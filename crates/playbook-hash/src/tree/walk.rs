//! Walking a tree, level by level.

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;
use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::command::digest_bytes;
use crate::error::HashError;
use crate::file::{OPEN_FLAGS, special_kind};
use crate::ignore_rules::{IgnoreRules, is_reserved};
use crate::stat::{DigestMemo, Trust};
use crate::tree::entry::{Directory, Entry, EntryKind};
use crate::tree::fold::fold;
use crate::tree::listing::{Listing, Listings};
use crate::tree::place::Place;

/// How often a tree that changes while it is walked is walked again.
const TRIES: usize = 3;

/// The digest of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeDigest {
    /// Of everything below it.
    pub digest: Digest,
    /// Files below it.
    pub file_count: u64,
    /// Bytes in those files.
    pub total_bytes: u64,
    /// Entries below it that do not count.
    pub ignored: u64,
    /// Everything below it, if that was asked for.
    pub listing: Option<Listing>,
}

/// Digests the directory at `path`, reading every file in it. A symbolic link at `path` itself is followed.
/// Runs in the thread pool of whoever calls.
///
/// # Errors
///
/// When something below cannot be read, is a socket, fifo or device, or keeps changing.
pub fn digest_tree(
    path: &Path,
    rules: &IgnoreRules,
    listings: Listings,
) -> Result<TreeDigest, HashError> {
    let walk = Walk {
        top: path,
        rules,
        memo: &DigestMemo::new(Trust::ReadEverything),
    };
    walk.digest(listings)
}

/// As [`digest_tree`], not reading the files that the memo knows.
pub(crate) fn digest_tree_with(
    path: &Path,
    rules: &IgnoreRules,
    memo: &DigestMemo,
    listings: Listings,
) -> Result<TreeDigest, HashError> {
    Walk {
        top: path,
        rules,
        memo,
    }
    .digest(listings)
}

/// What is the same everywhere in a tree.
#[derive(Clone, Copy)]
struct Walk<'a> {
    top: &'a Path,
    rules: &'a IgnoreRules,
    memo: &'a DigestMemo,
}

/// A name in a directory, and what the directory says it is.
struct Name {
    name: CString,
    kind: FileType,
}

/// A directory being read.
struct Reading<'a> {
    place: &'a Place,
    fd: &'a OwnedFd,
    /// Sorted.
    names: &'a [Name],
}

impl Walk<'_> {
    fn digest(self, listings: Listings) -> Result<TreeDigest, HashError> {
        let mut levels = self.unmoved_levels()?;
        let digest = fold(&mut levels);
        let entries = levels
            .iter()
            .flatten()
            .flat_map(|directory| &directory.entries);
        let (file_count, total_bytes) = entries
            .filter(|entry| entry.kind.is_file())
            .fold((0, 0), |(count, bytes), file| {
                (count + 1, bytes + file.bytes)
            });
        let ignored = levels
            .iter()
            .flatten()
            .map(|directory| directory.ignored as u64)
            .sum();
        let listing = (listings == Listings::Make).then(|| Listing::of_levels(&levels));
        Ok(TreeDigest {
            digest,
            file_count,
            total_bytes,
            ignored,
            listing,
        })
    }

    /// Walks until nothing vanished on the way.
    fn unmoved_levels(self) -> Result<Vec<Vec<Directory>>, HashError> {
        let mut levels = self.levels();
        for _ in 1..TRIES {
            if !matches!(levels, Err(HashError::KeepsChanging { .. })) {
                break;
            }
            levels = self.levels();
        }
        levels
    }

    /// All directories, level by level. In each level they stand in the order in which the level above
    /// names them.
    fn levels(self) -> Result<Vec<Vec<Directory>>, HashError> {
        let mut levels = Vec::new();
        let mut places = vec![self.open_top()?];
        while !places.is_empty() {
            let read = places.into_par_iter().map(|place| self.directory(place));
            let read: Vec<(Directory, Vec<Place>)> = read.collect::<Result<_, _>>()?;
            let (level, below): (Vec<Directory>, Vec<Vec<Place>>) = read.into_iter().unzip();
            levels.push(level);
            places = below.into_iter().flatten().collect();
        }
        Ok(levels)
    }

    fn open_top(self) -> Result<Place, HashError> {
        Place::top(self.top).map_err(|errno| match errno {
            Errno::NOTDIR if self.top.exists() => HashError::NotADirectory {
                path: self.top.to_owned(),
            },
            errno => HashError::of_path("read", self.top, errno.into()),
        })
    }

    /// Reads a directory: what is in it, and where the directories in it are.
    fn directory(self, place: Place) -> Result<(Directory, Vec<Place>), HashError> {
        let failed = |errno| HashError::of_entry("read", self.path(&place, b""), errno);
        let fd = place.open().map_err(failed)?;
        let names = names_in(&fd).map_err(failed)?;
        let reading = Reading {
            place: &place,
            fd: &fd,
            names: &names,
        };
        let read = names
            .par_iter()
            .filter_map(|name| self.entry(&reading, name).transpose());
        let entries: Vec<Entry> = read.collect::<Result<_, _>>()?;
        let place = place.anchor_if_long(fd);
        let directories = entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Directory);
        let below = directories.map(|entry| place.child(&entry.name)).collect();
        let ignored = names.len() - entries.len();
        Ok((Directory { entries, ignored }, below))
    }

    /// Reads an entry; none if it does not count.
    fn entry(self, reading: &Reading<'_>, name: &Name) -> Result<Option<Entry>, HashError> {
        let Name { name, kind } = name;
        if is_reserved(name.to_bytes()) {
            return Ok(None);
        }
        let path = self.path(reading.place, name.to_bytes());
        let kind = match kind {
            FileType::Unknown => FileType::from_raw_mode(reading.look(name, &path)?.st_mode),
            known => *known,
        };
        if self
            .rules
            .ignores(&path, kind == FileType::Directory, |beside| {
                reading.has(beside)
            })
        {
            return Ok(None);
        }
        let found = reading.look(name, &path)?;
        self.counted(reading, name, path, &found).map(Some)
    }

    /// Reads an entry that counts.
    fn counted(
        self,
        reading: &Reading<'_>,
        name: &CStr,
        path: PathBuf,
        found: &Stat,
    ) -> Result<Entry, HashError> {
        let entry = |kind, digest, bytes| Entry {
            name: name.to_bytes().into(),
            kind,
            digest,
            bytes,
        };
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => {
                let kind = if found.st_mode & 0o100 == 0 {
                    EntryKind::File
                } else {
                    EntryKind::Executable
                };
                let file = self
                    .memo
                    .file(path, found, |path| reading.open(name, path))?;
                Ok(entry(kind, file.digest, file.total_bytes))
            }
            FileType::Directory => Ok(entry(EntryKind::Directory, Digest::from_bytes([0; 32]), 0)),
            FileType::Symlink => {
                let text = readlinkat(reading.fd, name, Vec::new());
                let text = text.map_err(|errno| HashError::of_entry("read", path, errno))?;
                Ok(entry(EntryKind::Link, digest_bytes(text.to_bytes()), 0))
            }
            kind => Err(HashError::Special {
                path,
                kind: special_kind(kind),
            }),
        }
    }

    /// The path that errors, rules and the memo know an entry by; that of the directory for no name.
    fn path(self, place: &Place, name: &[u8]) -> PathBuf {
        let mut path = self.top.to_owned();
        for part in [place.below(), Path::new(OsStr::from_bytes(name))] {
            if !part.as_os_str().is_empty() {
                path.push(part);
            }
        }
        path
    }
}

impl Reading<'_> {
    fn look(&self, name: &CStr, path: &Path) -> Result<Stat, HashError> {
        let found = statat(self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        found.map_err(|errno| HashError::of_entry("read", path.to_owned(), errno))
    }

    fn open(&self, name: &CStr, path: &Path) -> Result<File, HashError> {
        let file = openat(self.fd, name, OPEN_FLAGS | OFlags::NOFOLLOW, Mode::empty());
        file.map(File::from)
            .map_err(|errno| HashError::of_entry("read", path.to_owned(), errno))
    }

    fn has(&self, name: &[u8]) -> bool {
        self.names
            .binary_search_by(|other| other.name.to_bytes().cmp(name))
            .is_ok()
    }
}

/// The names in a directory, sorted by their bytes.
fn names_in(fd: &OwnedFd) -> Result<Vec<Name>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(Name {
                name: entry.file_name().to_owned(),
                kind: entry.file_type(),
            });
        }
    }
    names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(names)
}
