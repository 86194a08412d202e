//! The stat cache on disk: what the memos of earlier runs knew.
//!
//! Every entry keeps the moment its own reading began, however often the file is rewritten, because that moment
//! is what its stat is judged by. Losing the file costs time only; so it is not synced, and two processes
//! that write it at once lose what one of them learned.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::{DiskError, Durability, replace};
use crate::stat::codec::{Kept, Writer, decode};
use crate::stat::racy::is_racy;
use crate::stat::seen::{Folder, Folders};

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

    /// Learns everything it knows; nothing if it is not there or not whole.
    pub(super) fn load(&self, folders: &Folders) {
        // Whatever stands in the way, everything is read then, and the next save says what is wrong.
        let Ok(bytes) = std::fs::read(&self.file) else {
            return;
        };
        for (path, kept) in decode(bytes).unwrap_or_default() {
            let path = self.absolute(&path);
            match kept {
                Kept::File(mut known) => {
                    known.unused = known.unused.saturating_add(1);
                    folders.learn_file(&path, known);
                }
                Kept::Directory { unused, record } => {
                    folders.learn(&path, record, unused.saturating_add(1));
                }
            }
        }
    }

    /// Replaces it.
    pub(super) fn save(&self, folders: &[(PathBuf, Folder)]) -> Result<(), DiskError> {
        let mut writer = Writer::new(room(folders));
        for (path, folder) in folders {
            let Folder {
                record,
                unused,
                files,
            } = folder;
            if let Some(record) = record.as_ref().filter(|_| *unused < FORGET_AFTER) {
                writer.directory(self.relative(path), *unused, record);
            }
            let mut files: Vec<_> = files.iter().collect();
            files.sort_unstable_by_key(|(name, _)| *name);
            for (name, known) in files {
                let racy = is_racy(&known.file.stat, known.file.began);
                if !racy && known.unused < FORGET_AFTER {
                    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
                    writer.file(self.relative(&path.join(name)), known);
                }
            }
        }
        match replace(&self.file, &writer.finish(), Durability::Fast) {
            // Nothing was ever run here, so there is no state directory, and none is made for looking.
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() {
            // Joining nothing would end in a slash.
            return self.root.clone();
        }
        self.root.join(path)
    }
}

/// About how many bytes they take.
fn room(folders: &[(PathBuf, Folder)]) -> usize {
    let records = folders
        .iter()
        .filter_map(|(_, folder)| folder.record.as_ref());
    let records: usize = records.map(|record| record.as_bytes().len()).sum();
    let files: usize = folders.iter().map(|(_, folder)| folder.files.len()).sum();
    records + (folders.len() + files) * 256
}
