//! The stat cache on disk: what the memos of earlier runs knew.
//!
//! Every entry keeps the moment its own reading began, however often the file is rewritten, because that moment
//! is what its stat is judged by. Losing the file costs time only; so it is not synced, and two processes
//! that write it at once lose what one of them learned.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::{DiskError, Durability, replace};
use crate::stat::codec::{Known, decode, encode};

/// Entries nobody asked for through this many rewrites go.
const FORGET_AFTER: u8 = 20;

/// Where the cache is, and what its paths are relative to.
#[derive(Debug, Clone)]
pub struct StatCache {
    file: PathBuf,
    root: PathBuf,
}

impl StatCache {
    /// The cache in `file`, of a root whose path is absolute.
    pub fn new(file: PathBuf, root: PathBuf) -> Self {
        Self { file, root }
    }

    /// Everything it knows; nothing if it is not there or not whole.
    pub(super) fn load(&self) -> Vec<(PathBuf, Known)> {
        // Whatever stands in the way, everything is read then, and the next save says what is wrong.
        let Ok(bytes) = std::fs::read(&self.file) else {
            return Vec::new();
        };
        let mut entries = decode(&bytes).unwrap_or_default();
        for (path, known) in &mut entries {
            *path = self.root.join(&*path);
            known.unused = known.unused.saturating_add(1);
        }
        entries
    }

    /// Replaces it.
    pub(super) fn save<'a>(
        &self,
        entries: impl Iterator<Item = (&'a Path, Known)>,
    ) -> Result<(), DiskError> {
        let kept = entries.filter(|(_, known)| known.unused < FORGET_AFTER);
        let relative =
            kept.map(|(path, known)| (path.strip_prefix(&self.root).unwrap_or(path), known));
        match replace(&self.file, &encode(relative), Durability::Fast) {
            // Nothing was ever run here, so there is no state directory, and none is made for looking.
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
