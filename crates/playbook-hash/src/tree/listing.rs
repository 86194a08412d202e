//! Everything in a tree, entry by entry, to tell later what changed.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;

use crate::stat::Seen;
use crate::tree::directory::Directory;
use crate::tree::entry::EntryKind;
use crate::tree::fold::Folded;

/// Whether a listing is wanted besides the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listings {
    /// It is made.
    Make,
    /// It is not.
    Skip,
}

/// One entry below a directory, at whatever depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEntry {
    /// Its path below that directory.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
    /// Its digest.
    pub digest: Digest,
}

/// Everything below a directory. An entry follows the directory it is in; neighbours are sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    entries: Vec<ListingEntry>,
}

impl Listing {
    /// A listing of these entries, in whatever order they come.
    pub fn from_entries(mut entries: Vec<ListingEntry>) -> Self {
        entries.sort_unstable_by(|a, b| in_order(&a.path, &b.path));
        Self { entries }
    }

    /// The entries.
    pub fn entries(&self) -> &[ListingEntry] {
        &self.entries
    }

    /// That of a tree, and what its directories come to.
    pub(super) fn of_levels(levels: &[Vec<Directory>], folded: &[Vec<Folded>]) -> Self {
        let mut entries = Vec::new();
        let mut paths = vec![PathBuf::new()];
        let nothing = Vec::new();
        let folded_below = folded.iter().skip(1).chain([&nothing]);
        for (level, folded) in levels.iter().zip(folded_below) {
            let mut below = Vec::new();
            let mut folded = folded.iter();
            for (directory, path) in level.iter().zip(paths) {
                let record = &directory.record;
                for index in 0..record.len() {
                    let Seen::Counted(kind) = record.seen(index) else {
                        continue;
                    };
                    let path = path.join(OsStr::from_bytes(record.name(index).to_bytes()));
                    let mut digest = record.entry(index).digest;
                    if kind == EntryKind::Directory {
                        digest = folded.next().map_or(digest, |folded| folded.digest);
                        below.push(path.clone());
                    }
                    entries.push(ListingEntry { path, kind, digest });
                }
            }
            paths = below;
        }
        Self::from_entries(entries)
    }
}

/// By names, not by bytes of the whole path: `a/x` stands before `a-b`.
pub(super) fn in_order(a: &Path, b: &Path) -> Ordering {
    let is_slash = |byte: &u8| *byte == b'/';
    a.as_os_str()
        .as_bytes()
        .split(is_slash)
        .cmp(b.as_os_str().as_bytes().split(is_slash))
}
