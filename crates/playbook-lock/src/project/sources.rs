//! What a playbook is made of besides its own text.

use std::cell::OnceCell;
use std::io;
use std::path::Path;

use playbook_hash::disk::Root;
use playbook_hash::{IgnoreRules, glance};
use playbook_types::digest::Digest;
use playbook_types::path::DataPath;
use serde::{Deserialize, Serialize};

/// Something that decides what a playbook means, and what it was when the playbook was read. Whatever is kept of a playbook
/// holds only as long as every one of them stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// One of its `params_files`.
    ParamsFile {
        /// As the playbook names it.
        path: DataPath,
        /// Of its bytes.
        digest: Digest,
    },
    /// The names in a directory, which its wildcards were matched with.
    Names {
        /// As it was asked for.
        directory: DataPath,
        /// Of the names and of which of them count; nothing if there was no such directory.
        digest: Option<Digest>,
    },
}

impl Source {
    /// What it is called, relative to the root or absolute.
    pub fn path(&self) -> &DataPath {
        match self {
            Self::ParamsFile { path, .. } => path,
            Self::Names { directory, .. } => directory,
        }
    }

    /// Whether what is there now is still that.
    fn stands(&self, root: &Root, rules: &Rules<'_>) -> bool {
        match self {
            Self::ParamsFile { path, digest } => {
                let bytes = read_regular(&root.resolve(path));
                bytes.is_ok_and(|bytes| digest_of(&bytes) == *digest)
            }
            Self::Names { directory, digest } => rules.get().is_some_and(|rules| {
                let found = glance(&root.resolve(directory), rules);
                found.is_ok_and(|found| found.map(|found| found.digest) == *digest)
            }),
        }
    }
}

/// Whether of all these what is there now is still what it was.
pub fn all_stand<'s>(sources: impl IntoIterator<Item = &'s Source>, root: &Root) -> bool {
    let rules = Rules {
        root,
        read: OnceCell::new(),
    };
    let mut sources = sources.into_iter();
    sources.all(|source| source.stands(root, &rules))
}

/// The ignore rules, read when they are first asked for.
struct Rules<'r> {
    root: &'r Root,
    read: OnceCell<Option<IgnoreRules>>,
}

impl Rules<'_> {
    fn get(&self) -> Option<&IgnoreRules> {
        let read = || IgnoreRules::load(self.root.as_path()).ok();
        self.read.get_or_init(read).as_ref()
    }
}

/// The plain BLAKE3 of these bytes, as of a file's.
pub(super) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(*blake3::hash(bytes).as_bytes())
}

/// The bytes of a regular file; anything else might never end, or say something else each time.
pub(super) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    std::fs::read(path)
}
