//! Folding the levels of a tree into one digest, from the deepest up.

use playbook_types::digest::Digest;
use rayon::prelude::*;

use crate::framed::Framed;
use crate::layout;
use crate::stat::Seen;
use crate::tree::directory::{DIRECTORY, Directory};

/// What a directory comes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded {
    pub(super) digest: Digest,
    /// Files in it, not counting those in directories below it.
    pub(super) file_count: u64,
    /// Bytes in those files.
    pub(super) total_bytes: u64,
    /// Entries in it that do not count.
    pub(super) ignored: u64,
}

/// What every directory comes to, level by level. In each level the directories stand in the order in which
/// the entries of the level above name them.
pub(super) fn fold(levels: &[Vec<Directory>]) -> Vec<Vec<Folded>> {
    let mut folded: Vec<Vec<Folded>> = Vec::new();
    for level in levels.iter().rev() {
        let below = folded.last().map_or(&[][..], Vec::as_slice);
        let mut first = 0;
        let with_below: Vec<(&Directory, &[Folded])> = level
            .iter()
            .map(|directory| {
                let own = below.get(first..).unwrap_or_default();
                first += directory.directories;
                (directory, own)
            })
            .collect();
        let level = with_below.into_par_iter();
        let level = level.map(|(directory, below)| of_directory(directory, below));
        folded.push(level.collect());
    }
    folded.reverse();
    folded
}

/// What a directory comes to; the digests of the directories in it come from `below`.
fn of_directory(directory: &Directory, below: &[Folded]) -> Folded {
    let record = &directory.record;
    let seen = || (0..record.len()).map(|index| (index, record.seen(index)));
    let ignored = seen().filter(|(_, seen)| matches!(seen, Seen::Ignored { .. }));
    let ignored = ignored.count();
    let mut below = below.iter();
    let mut framed = Framed::new(layout::TREE);
    framed.len(record.len() - ignored);
    let (mut file_count, mut total_bytes) = (0, 0);
    for (index, seen) in seen() {
        let Seen::Counted(kind) = seen else { continue };
        let entry = record.entry(index);
        let digest = match below.as_slice().first() {
            Some(folded) if seen == DIRECTORY => {
                below.next();
                folded.digest
            }
            _ => entry.digest,
        };
        if kind.is_file() {
            file_count += 1;
            total_bytes += entry.stat.size;
        }
        framed.tag(kind.tag());
        framed.bytes(record.name(index).to_bytes());
        framed.digest(&digest);
    }
    Folded {
        digest: framed.finish(),
        file_count,
        total_bytes,
        ignored: ignored as u64,
    }
}
