//! Where the files of a playbook are, whatever is written in it.

use std::path::{Path, PathBuf};

use playbook_hash::disk::{Root, StateDir};

use crate::error::LockError;
use crate::format::{beside, lock_file_path};
use crate::project::open::{refuse_twins, root_of, source_name};

/// A playbook's neighbours on disk. The playbook itself is not read: what it once did can be told of one that is
/// being rewritten, too.
#[derive(Debug)]
pub struct Neighbours {
    root: Root,
    file: PathBuf,
    stem: String,
}

impl Neighbours {
    /// Those of the playbook at `file`. The root is the directory of that path as given: links are not resolved.
    ///
    /// # Errors
    ///
    /// A playbook that is not there, or that shares its files with another.
    pub fn of(file: &Path) -> Result<Self, LockError> {
        let unreadable = |source| LockError::PlaybookUnreadable {
            path: file.to_owned(),
            source,
        };
        std::fs::metadata(file).map_err(unreadable)?;
        let name = source_name(file)?;
        refuse_twins(file)?;
        let root = root_of(file)?;
        Ok(Self {
            file: root.as_path().join(name.as_str()),
            stem: name.stem().to_owned(),
            root,
        })
    }

    /// The directory every relative path is relative to.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The lock.
    pub fn lock_path(&self) -> PathBuf {
        lock_file_path(&self.file)
    }

    /// The event log.
    pub fn events_path(&self) -> PathBuf {
        beside(&self.file, ".events.jsonl")
    }

    /// The state directory.
    pub fn state_dir(&self) -> StateDir {
        StateDir::new(&self.root, &self.stem)
    }
}
