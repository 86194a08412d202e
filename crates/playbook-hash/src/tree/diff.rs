//! What differs between two listings of one directory.

use std::cmp::Ordering;
use std::path::PathBuf;

use crate::tree::entry::EntryKind;
use crate::tree::listing::{Listing, ListingEntry, in_order};

/// What differs between two listings, each part in their order.
///
/// A directory is told of only where it is empty: of any other its contents tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListingDiff {
    /// Only in the new one.
    pub added: Vec<PathBuf>,
    /// Only in the old one.
    pub removed: Vec<PathBuf>,
    /// In both, and not the same: other contents, another kind, another right to execute.
    pub changed: Vec<PathBuf>,
}

impl ListingDiff {
    /// What has to be done to `old` to make it `new`.
    pub fn between(old: &Listing, new: &Listing) -> Self {
        let (mut before, mut after) = (old.entries(), new.entries());
        let mut diff = Self::default();
        loop {
            let order = match (before.first(), after.first()) {
                (None, None) => return diff,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => in_order(&old.path, &new.path),
            };
            match order {
                Ordering::Less => diff.removed.extend(told(before)),
                Ordering::Greater => diff.added.extend(told(after)),
                Ordering::Equal => diff.changed.extend(changed(before, after)),
            }
            before = &before[usize::from(order.is_le())..];
            after = &after[usize::from(order.is_ge())..];
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// The first entry, unless it is a directory with something in it.
fn told(entries: &[ListingEntry]) -> Option<PathBuf> {
    let (first, rest) = entries.split_first()?;
    let is_full = rest
        .first()
        .is_some_and(|next| next.path.starts_with(&first.path));
    (!is_full).then(|| first.path.clone())
}

/// The path of both first entries, if they differ in more than what lies below them.
fn changed(old: &[ListingEntry], new: &[ListingEntry]) -> Option<PathBuf> {
    let (old, new) = (old.first()?, new.first()?);
    let both_directories = old.kind == EntryKind::Directory && new.kind == EntryKind::Directory;
    let same = old.kind == new.kind && (both_directories || old.digest == new.digest);
    (!same).then(|| old.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::digest_command;

    /// `a=1` is a file, `a/` a directory, `a>x` a link, `a*1` an executable file.
    fn listing(text: &str) -> Listing {
        let entry = |word: &str| {
            let at = word.find(['=', '*', '>']).unwrap_or(word.len());
            let kind = match word[at..].chars().next() {
                Some('*') => EntryKind::Executable,
                Some('>') => EntryKind::Link,
                Some(_) => EntryKind::File,
                None => EntryKind::Directory,
            };
            let contents = word.get(at + 1..).unwrap_or(text);
            ListingEntry {
                path: PathBuf::from(word[..at].trim_end_matches('/')),
                kind,
                digest: digest_command(contents),
            }
        };
        Listing::from_entries(text.split_whitespace().map(entry).collect())
    }

    fn diff(old: &str, new: &str) -> String {
        let diff = ListingDiff::between(&listing(old), &listing(new));
        let list = |sign: char, paths: &[PathBuf]| {
            paths
                .iter()
                .flat_map(|path| [sign.to_string(), path.display().to_string(), " ".to_owned()])
                .collect::<String>()
        };
        let all = [
            list('+', &diff.added),
            list('-', &diff.removed),
            list('~', &diff.changed),
        ]
        .concat();
        assert_eq!(diff.is_empty(), all.is_empty());
        all.trim_end().to_owned()
    }

    #[test]
    fn differences() {
        for (old, new, expected) in [
            ("", "", ""),
            ("a=1 b=2", "a=1 b=2", ""),
            ("a=1", "a=1 b=2", "+b"),
            ("a=1 b=2", "b=2", "-a"),
            ("a=1 b=2 c=3", "a=1 b=9 c=3", "~b"),
            ("a=1", "a*1", "~a"),
            ("a=1", "a>1", "~a"),
            ("a=1 b=2 c=3", "b=3 c=3 d=4", "+d -a ~b"),
            ("d/ d/x=1 d-e=1", "d/ d/x=2 d-e=1", "~d/x"),
            ("d/ d/x=1 d-e=1", "d-e=1", "-d/x"),
            ("d-e=1", "d/ d-e=1 d/x=1 d/e/", "+d/e +d/x"),
            ("", "d/", "+d"),
            ("d/", "", "-d"),
            ("d/", "d/ d/x=1", "+d/x"),
            ("d/ d/x=1", "d/", "-d/x"),
            ("d=1", "d/ d/x=1", "+d/x ~d"),
        ] {
            assert_eq!(diff(old, new), expected, "{old} → {new}");
        }
    }
}
