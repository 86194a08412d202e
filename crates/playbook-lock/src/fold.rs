//! Folding new entries into the lock on disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use blake3::Hash;
use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::digest_params;
use playbook_types::model::playbook::Playbook;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::error::LockError;
use crate::format::{parse_bytes, save_text};

/// The program and version that lock files and events name.
pub const GENERATOR: &str = concat!("playbook ", env!("CARGO_PKG_VERSION"));

/// The version of the lock's shape.
const SCHEMA: &str = "1.0";
/// The version of BLAKE3 that digests are of.
const BLAKE3_VERSION: &str = "1.8";

/// A lock as it was on disk at some moment.
#[derive(Debug, Clone, Default)]
pub struct Base {
    /// The lock, if there was one.
    pub lock: Option<LockFile>,
    /// Of its bytes, so that it need not be read again while it stays as it is.
    hash: Option<Hash>,
}

impl Base {
    /// Reads the lock at `path`.
    ///
    /// # Errors
    ///
    /// A lock that cannot be read, holds conflict markers, is torn, or is from a newer program.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let bytes = read_bytes(path)?;
        Ok(Self {
            hash: bytes.as_deref().map(blake3::hash),
            lock: bytes.map(|bytes| parse_bytes(bytes, path)).transpose()?,
        })
    }
}

impl Base {
    /// The BLAKE3 of the lock's bytes, if there was one.
    pub fn hash(&self) -> Option<Hash> {
        self.hash
    }
}

fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, LockError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_dangling(path) => Ok(None),
        Err(source) => Err(LockError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A link that leads nowhere is not "no lock": saving through it would have to guess.
fn is_dangling(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Puts the entries of one run into the lock on disk.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    found: Found,
    /// Of the bytes on disk as far as this knows; none if there is no lock.
    known: Option<Hash>,
}

/// What new entries go on top of.
#[derive(Debug)]
enum Found {
    /// The lock as it was read first.
    Base,
    /// What somebody else put there since, if anything.
    Other(Option<Box<LockFile>>),
}

impl Folder {
    /// For the lock at `path`, which was `base` when it was last read.
    pub fn new(path: PathBuf, base: &Base) -> Self {
        Self {
            path,
            found: Found::Base,
            known: base.hash,
        }
    }

    /// Puts `newer` entries into the lock, on top of those of `base`, atomically and durably. What is on disk
    /// is looked at afresh: it may have been checked out anew meanwhile. Entries of stages the playbook no
    /// longer has go.
    ///
    /// # Errors
    ///
    /// A lock that cannot be read any more, or a disk that refuses. The lock is then as it was.
    pub fn fold(
        &mut self,
        playbook: &Playbook,
        base: &Base,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<(), LockError> {
        let bytes = read_bytes(&self.path)?;
        if bytes.as_deref().map(blake3::hash) != self.known {
            let lock = bytes.map(|bytes| parse_bytes(bytes, &self.path));
            self.found = Found::Other(lock.transpose()?.map(Box::new));
        }
        let old = match &self.found {
            Found::Base => base.lock.as_ref(),
            Found::Other(lock) => lock.as_deref(),
        };
        let lock = compose(playbook, old, newer, Some(now));
        let text = save_text(&self.path, &lock)?;
        self.known = Some(blake3::hash(text.as_bytes()));
        Ok(())
    }
}

/// A lock with new entries on top of those of `old`, in the playbook's order.
pub(crate) fn compose(
    playbook: &Playbook,
    old: Option<&LockFile>,
    newer: &IndexMap<StageName, StageEntry>,
    generated_at: Option<Timestamp>,
) -> LockFile {
    let entry = |name: &StageName| {
        let entry = newer.get(name).or_else(|| old?.stages.get(name))?;
        Some((name.clone(), entry.clone()))
    };
    let params = playbook
        .params
        .iter()
        .filter_map(|(name, value)| Some((ParamKey::parse(name).ok()?, value.clone())));
    LockFile {
        schema: SCHEMA.to_owned(),
        playbook: playbook.name.clone(),
        generated_at,
        generator: GENERATOR.to_owned(),
        blake3_version: BLAKE3_VERSION.to_owned(),
        params_hash: Some(digest_params(&params.collect())),
        stages: playbook.stages.keys().filter_map(entry).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::BLAKE3_VERSION;

    #[test]
    fn the_version_of_blake3_is_the_one_that_is_used() {
        let manifest = include_str!("../../../Cargo.toml");
        let line = format!("blake3 = {{ version = \"{BLAKE3_VERSION}\"");
        assert!(
            manifest.contains(&line),
            "the workspace does not say {line}"
        );
    }
}
