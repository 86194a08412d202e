//! Folding the levels of a tree into one digest, from the deepest up.

use playbook_types::digest::Digest;

use crate::framed::Framed;
use crate::layout;
use crate::tree::entry::{Directory, EntryKind};

/// Gives every directory its digest and returns that of the top. In each level the directories stand in
/// the order in which the entries of the level above name them.
pub(super) fn fold(levels: &mut [Vec<Directory>]) -> Digest {
    let mut below = Vec::new();
    for level in levels.iter_mut().rev() {
        let mut digests = below.into_iter();
        below = level
            .iter_mut()
            .map(|directory| digest(directory, &mut digests))
            .collect();
    }
    below
        .pop()
        .unwrap_or_else(|| Framed::new(layout::TREE).finish())
}

/// The digest of a directory; those of the directories in it come from `below`.
fn digest(directory: &mut Directory, below: &mut impl Iterator<Item = Digest>) -> Digest {
    let mut framed = Framed::new(layout::TREE);
    framed.len(directory.entries.len());
    for entry in &mut directory.entries {
        if entry.kind == EntryKind::Directory {
            entry.digest = below.next().unwrap_or(entry.digest);
        }
        framed.tag(entry.kind.tag());
        framed.bytes(&entry.name);
        framed.digest(&entry.digest);
    }
    framed.finish()
}
