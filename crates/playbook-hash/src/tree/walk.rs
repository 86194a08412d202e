//! Walking a tree, level by level.

use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;
use rayon::prelude::*;
use rustix::io::Errno;

use crate::error::HashError;
use crate::framed::Framed;
use crate::ignore_rules::IgnoreRules;
use crate::layout;
use crate::stat::{DigestMemo, SeenTree, Trust, is_too_long};
use crate::tree::directory::{Directory, read};
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

/// Directories level by level, and the paths of all of them if none is too long to be remembered.
type Levels = (Vec<Vec<Directory>>, Option<Vec<PathBuf>>);

/// A directory that was read.
struct Found {
    path: PathBuf,
    directory: Directory,
    below: Vec<Place>,
}

/// What is the same everywhere in a tree.
#[derive(Clone, Copy)]
struct Walk<'a> {
    top: &'a Path,
    rules: &'a IgnoreRules,
    memo: &'a DigestMemo,
}

impl Walk<'_> {
    fn digest(self, listings: Listings) -> Result<TreeDigest, HashError> {
        let (levels, paths) = self.unmoved_levels()?;
        let folded = fold(&levels);
        let all = || folded.iter().flatten();
        let digest = all().next().map(|top| top.digest);
        let digest = digest.unwrap_or_else(|| Framed::new(layout::TREE).finish());
        let tree = TreeDigest {
            digest,
            file_count: all().map(|folded| folded.file_count).sum(),
            total_bytes: all().map(|folded| folded.total_bytes).sum(),
            ignored: all().map(|folded| folded.ignored).sum(),
            listing: (listings == Listings::Make).then(|| Listing::of_levels(&levels, &folded)),
        };
        self.remember(digest, levels, paths);
        Ok(tree)
    }

    /// Has the memo know what was found.
    fn remember(self, digest: Digest, levels: Vec<Vec<Directory>>, paths: Option<Vec<PathBuf>>) {
        let Some(paths) = paths else { return };
        let vouched = levels.iter().flatten().all(|directory| directory.vouched);
        let records = levels
            .into_iter()
            .flatten()
            .map(|directory| directory.record);
        let seen = SeenTree {
            digest,
            rules: self.rules.id(),
            vouched,
            directories: paths.into_iter().zip(records).collect(),
        };
        self.memo.learn_tree(self.top, seen);
    }

    /// Walks until nothing vanished on the way.
    fn unmoved_levels(self) -> Result<Levels, HashError> {
        let mut levels = self.levels();
        for _ in 1..TRIES {
            if !matches!(levels, Err(HashError::KeepsChanging { .. })) {
                break;
            }
            levels = self.levels();
        }
        levels
    }

    /// All directories, level by level, and their paths. In each level they stand in the order in which the level above
    /// names them.
    fn levels(self) -> Result<Levels, HashError> {
        let mut levels = Vec::new();
        let mut paths = Some(Vec::new());
        let mut places = vec![self.open_top()?];
        while !places.is_empty() {
            let read = places.into_par_iter().map(|place| self.directory(place));
            let mut level = Vec::new();
            places = Vec::new();
            for found in read.collect::<Result<Vec<_>, _>>()? {
                level.push(found.directory);
                paths = paths.filter(|_| !is_too_long(&found.path));
                if let Some(paths) = &mut paths {
                    paths.push(found.path);
                }
                places.extend(found.below);
            }
            levels.push(level);
        }
        Ok((levels, paths))
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
    fn directory(self, place: Place) -> Result<Found, HashError> {
        let path = self.path(&place);
        let fd = place
            .open()
            .map_err(|errno| HashError::of_entry("read", path.clone(), errno))?;
        let directory = read(&path, &fd, self.rules, self.memo)?;
        let place = place.anchor_if_long(fd);
        let below = directory.below().map(|name| place.child(name.to_bytes()));
        Ok(Found {
            path,
            below: below.collect(),
            directory,
        })
    }

    /// The path that errors, rules and the memo know a directory by.
    fn path(self, place: &Place) -> PathBuf {
        if place.below().as_os_str().is_empty() {
            self.top.to_owned()
        } else {
            self.top.join(place.below())
        }
    }
}
