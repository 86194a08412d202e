//! The stat cache on disk: what the memos of earlier runs knew.
//!
//! Every entry keeps the moment its own reading began, however often the file is rewritten, because that moment
//! is what its stat is judged by. Losing the file costs time only; so it is not synced, and two processes
//! that write it at once lose what one of them learned.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexSet;

use crate::disk::{DiskError, Durability, replace};
use crate::stat::codec::{Kept, Writer, decode, each_entry};
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
        self.load_wanted(folders, |_| true);
    }

    /// Learns what it knows of these paths, which are absolute: of the files, of the directories they are in, and of
    /// whatever lies below them.
    pub(super) fn load_of(&self, folders: &Folders, paths: &[PathBuf]) {
        let bytes = |path: &Path| self.relative(path).as_os_str().as_bytes().to_owned();
        let asked: Vec<Vec<u8>> = paths.iter().map(|path| bytes(path)).collect();
        let parents = paths.iter().filter_map(|path| path.parent());
        let parents: Vec<Vec<u8>> = parents.map(bytes).collect();
        // By bytes: this is asked of every entry.
        self.load_wanted(folders, |known| {
            let known = known.as_os_str().as_bytes();
            asked.iter().any(|path| is_at_or_below(known, path))
                || parents.iter().any(|path| path == known)
        });
    }

    fn load_wanted(&self, folders: &Folders, wanted: impl Fn(&Path) -> bool) {
        // Whatever stands in the way, everything is read then, and the next save says what is wrong.
        let Ok(bytes) = std::fs::read(&self.file) else {
            return;
        };
        for (path, kept) in decode(bytes, wanted).unwrap_or_default() {
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

    /// Replaces it by one that knows what these folders hold.
    pub(super) fn save(&self, folders: &[(PathBuf, Folder)]) -> Result<(), DiskError> {
        let mut writer = Writer::new(room(folders));
        self.put(&mut writer, folders);
        self.replace(writer)
    }

    /// Replaces it by one that knows what these few folders hold, and of everything else what it knew.
    pub(super) fn update(&self, folders: &[(PathBuf, Folder)]) -> Result<(), DiskError> {
        let old = std::fs::read(&self.file).unwrap_or_default();
        let mut writer = Writer::new(room(folders) + old.len());
        let mut known_files: IndexSet<PathBuf> = IndexSet::new();
        let mut known_directories: IndexSet<&Path> = IndexSet::new();
        for (path, folder) in folders {
            known_directories.extend(folder.record.as_ref().map(|_| self.relative(path)));
            let files = folder.files.keys();
            let files = files.map(|name| path.join(OsStr::from_bytes(name)));
            known_files.extend(files.map(|path| self.relative(&path).to_owned()));
        }
        each_entry(&old, |raw| {
            let unused = raw.unused.saturating_add(1);
            let is_known = if raw.is_file() {
                known_files.contains(raw.path)
            } else {
                known_directories.contains(raw.path)
            };
            if unused < FORGET_AFTER && !is_known {
                writer.copy(&raw, unused);
            }
            Some(())
        });
        self.put(&mut writer, folders);
        self.replace(writer)
    }

    fn put(&self, writer: &mut Writer, folders: &[(PathBuf, Folder)]) {
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
                    writer.file(self.relative(&path.join(OsStr::from_bytes(name))), known);
                }
            }
        }
    }

    fn replace(&self, writer: Writer) -> Result<(), DiskError> {
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

fn is_at_or_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || above.is_empty())
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
