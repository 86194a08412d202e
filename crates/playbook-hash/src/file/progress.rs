//! What is being read for digests now, for those who show that something goes on.
//!
//! One counter for the process, and a list of the few large things that are being read: a block of half a MiB costs one
//! addition, and nothing below [`LARGE`] is listed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files below this size are read before anybody could look.
const LARGE: u64 = 64 << 20;

/// What this process has read for digests so far.
static READ: AtomicU64 = AtomicU64::new(0);

static UNDER_WAY: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    size: Option<u64>,
    /// What had been read in all when it began.
    from: u64,
}

/// Files and directories that are being read for their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The one that was begun first.
    pub path: PathBuf,
    /// How large it is. Of a directory nobody knows before it is read.
    pub size: Option<u64>,
    /// How many others are being read beside it.
    pub others: usize,
    /// Bytes read since it was begun, of all of them.
    pub read: u64,
}

/// What is being read at this moment, if that is a directory or a large file.
pub fn reading() -> Option<Reading> {
    let under_way = under_way();
    let first = under_way.first()?;
    Some(Reading {
        path: first.path.clone(),
        size: first.size,
        others: under_way.len() - 1,
        read: READ.load(Ordering::Relaxed).saturating_sub(first.from),
    })
}

/// So many bytes have been read.
pub(super) fn count(bytes: u64) {
    READ.fetch_add(bytes, Ordering::Relaxed);
}

/// Something is listed until this is dropped.
#[derive(Debug)]
pub(crate) struct Listed(PathBuf);

/// Lists a file of this size, if it is large, or a directory.
pub(crate) fn begin(path: &Path, size: Option<u64>) -> Option<Listed> {
    if size.is_some_and(|size| size < LARGE) {
        return None;
    }
    let from = READ.load(Ordering::Relaxed);
    let path = path.to_owned();
    let listed = Listed(path.clone());
    under_way().push(Entry { path, size, from });
    Some(listed)
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut under_way = under_way();
        if let Some(place) = under_way.iter().position(|entry| entry.path == self.0) {
            under_way.remove(place);
        }
    }
}

fn under_way() -> MutexGuard<'static, Vec<Entry>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, because the list is the process's.
    #[test]
    fn what_is_large_is_listed_while_it_is_read() {
        assert!(begin(Path::new("/small"), Some(LARGE - 1)).is_none());
        let of = |path: &str| reading().filter(|reading| reading.path == Path::new(path));
        let large = begin(Path::new("/large"), Some(LARGE));
        count(5);
        let directory = begin(Path::new("/directory"), None);
        if let Some(found) = of("/large") {
            assert!(found.size == Some(LARGE) && found.others >= 1 && found.read >= 5);
        }
        drop(large);
        assert_eq!(of("/large"), None);
        drop(directory);
        assert_eq!(of("/directory"), None);
    }
}
