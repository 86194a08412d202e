//! Listings as bytes: what a tree was found to be, kept so that one can tell later what changed in it.
//!
//! Directory by directory, the top first, nothing but what tells two trees apart: each directory's path below the top
//! and its entries, each with its kind, its name and, unless it is a directory itself, its digest. Lengths are 32 bits,
//! lowest byte first. It is made from the records as they are, without a path for every file: that is left to those who
//! want to know.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;

use crate::stat::{DigestMemo, Record, Seen, take};
use crate::tree::entry::EntryKind;
use crate::tree::listing::{Listing, ListingEntry};

/// A directory that was found to have this digest.
#[derive(Debug)]
pub struct FoundTree {
    /// Where it stands.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
}

impl DigestMemo {
    /// Every directory whose digest was asked for, as it was last found.
    pub fn trees(&self) -> Vec<FoundTree> {
        let found = self.seen_trees();
        found
            .into_iter()
            .map(|(path, tree)| FoundTree {
                path,
                digest: tree.digest,
            })
            .collect()
    }

    /// The listing of the directory at `path`, which is absolute, as bytes for [`Listing::from_bytes`], if it was last
    /// found to have this digest.
    pub fn listing_bytes(&self, path: &Path, digest: Digest) -> Option<Vec<u8>> {
        let tree = self.seen_tree(path).filter(|tree| tree.digest == digest)?;
        let mut bytes = Vec::new();
        for (directory, record) in &tree.directories {
            let below = directory.strip_prefix(path).ok()?;
            put(&mut bytes, below.as_os_str().as_bytes())?;
            put_record(&mut bytes, record)?;
        }
        Some(bytes)
    }
}

fn put_record(bytes: &mut Vec<u8>, record: &Record) -> Option<()> {
    let counted = |index: &usize| matches!(record.seen(*index), Seen::Counted(_));
    let count = (0..record.len()).filter(counted).count();
    bytes.extend_from_slice(&u32::try_from(count).ok()?.to_le_bytes());
    for index in (0..record.len()).filter(counted) {
        let entry = record.entry(index);
        let Seen::Counted(kind) = entry.seen else {
            continue;
        };
        bytes.push(kind.tag());
        put(bytes, record.name(index).to_bytes())?;
        if kind != EntryKind::Directory {
            bytes.extend_from_slice(entry.digest.as_bytes());
        }
    }
    Some(())
}

fn put(bytes: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    let length = u32::try_from(text.len()).ok()?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text);
    Some(())
}

impl Listing {
    /// Reads what [`DigestMemo::listing_bytes`] made; nothing if it is anything else. Directories in it have zeros for a
    /// digest.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            let directory = PathBuf::from(OsStr::from_bytes(take_text(&mut bytes)?));
            for _ in 0..take_length(&mut bytes)? {
                let [tag] = take(&mut bytes)?;
                let kind = EntryKind::of_tag(tag)?;
                let path = directory.join(OsStr::from_bytes(take_text(&mut bytes)?));
                let digest = match kind {
                    EntryKind::Directory => [0; 32],
                    EntryKind::File | EntryKind::Executable | EntryKind::Link => take(&mut bytes)?,
                };
                let digest = Digest::from_bytes(digest);
                entries.push(ListingEntry { path, kind, digest });
            }
        }
        Some(Self::from_entries(entries))
    }
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(take(bytes)?)).ok()
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = take_length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::Trust;
    use crate::tree::Listings;
    use crate::{IgnoreRules, ListingDiff};
    use std::fs;

    #[test]
    fn what_is_kept_of_a_tree_tells_every_change_and_what_is_cut_off_is_only_missing() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("d");
        fs::create_dir_all(top.join("a/empty")).unwrap();
        let write = |name: &[u8], text: &str| {
            fs::File::create(top.join(OsStr::from_bytes(name)))
                .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
                .unwrap();
        };
        write(b"a/x", "1");
        write(b"odd \xff\n", "1");
        std::os::unix::fs::symlink("nowhere", top.join("link")).unwrap();
        let rules = IgnoreRules::load(directory.path()).unwrap();
        let memo = DigestMemo::new(Trust::Stat);
        let found = || {
            let found = memo.digest_listed(&top, &rules, Listings::Make).unwrap();
            let bytes = memo.listing_bytes(&top, found.digest).unwrap();
            let kept = Listing::from_bytes(&bytes).unwrap();
            assert!(ListingDiff::between(&found.listing.unwrap(), &kept).is_empty());
            (kept, bytes)
        };
        let (old, bytes) = found();
        assert_eq!(old.entries().len(), 5);
        assert!(
            memo.listing_bytes(&top, Digest::from_bytes([1; 32]))
                .is_none()
        );
        assert_eq!(memo.trees().len(), 1);
        for cut in 1..bytes.len() {
            let cut = Listing::from_bytes(&bytes[..cut]);
            let known = |entry| old.entries().contains(entry);
            let cut = cut.unwrap_or_default();
            assert!(cut.entries().iter().all(known));
        }
        write(b"a/x", "2");
        write(b"new", "");
        let diff = ListingDiff::between(&old, &found().0);
        assert_eq!(diff.changed, [PathBuf::from("a/x")]);
        assert_eq!(diff.added, [PathBuf::from("new")]);
    }
}
