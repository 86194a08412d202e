//! Folding new entries into the lock on disk.

use std::path::PathBuf;
use std::sync::Arc;

use blake3::Hash;
use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::digest_params;
use playbook_types::model::playbook::Playbook;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::error::LockError;
use crate::format::{Layout, LockText, parse_bytes, render_lock, save_text};
use crate::project::Project;
use crate::record::base::{Base, guard, read_bytes};

/// The program and version that lock files and events name.
pub const GENERATOR: &str = concat!("playbook ", env!("CARGO_PKG_VERSION"));

/// The version of the lock's shape.
pub(crate) const SCHEMA: &str = "1.0";
/// The version of BLAKE3 that digests are of.
pub(crate) const BLAKE3_VERSION: &str = "1.8";

/// Puts the entries of one run into the lock on disk.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    found: Found,
    /// What is on disk as far as this knows; none if there is no lock.
    known: Option<Hash>,
    /// What this wrote last.
    written: Option<Layout>,
}

/// A lock that is to take the place of the one on disk.
#[derive(Debug)]
#[must_use = "nothing is on disk before it is saved"]
pub struct Composed {
    path: PathBuf,
    text: Arc<LockText>,
}

impl Composed {
    /// Saves it, atomically and durably.
    ///
    /// # Errors
    ///
    /// A disk that refuses. The lock is then as it was.
    pub fn save(self) -> Result<(), LockError> {
        save_text(&self.path, &self.text)
    }
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
            written: None,
        }
    }

    /// What is on disk as far as this knows.
    pub(super) fn known(&self) -> Option<Hash> {
        self.known
    }

    /// What this wrote last: its BLAKE3 and its layout. `None` if it wrote nothing, or nothing that has one.
    pub fn written(&self) -> Option<(Hash, &Layout)> {
        self.known.zip(self.written.as_ref())
    }

    /// Puts `newer` entries into the lock, on top of those of `base`, atomically and durably. What is on disk
    /// is looked at afresh: it may have been checked out anew meanwhile. Entries of stages the playbook no
    /// longer has go, unless it has other params for this run.
    ///
    /// # Errors
    ///
    /// A lock that cannot be read any more, or a disk that refuses. The lock is then as it was.
    pub fn fold(
        &mut self,
        project: &Project,
        base: &Base,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<(), LockError> {
        self.compose(project, base, newer, now)?.save()
    }

    /// The lock that [`fold`](Self::fold) would save. From here on [`written`](Self::written) is what it will be.
    ///
    /// # Errors
    ///
    /// A lock that cannot be read any more.
    pub fn compose(
        &mut self,
        project: &Project,
        base: &Base,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<Composed, LockError> {
        if let (Found::Base, Some(part)) = (&self.found, &base.part) {
            let mut part = guard(part);
            if part.is_at(&self.path)
                && let Some((text, layout)) = part.with(project, newer, now)?
            {
                return Ok(self.composed(text, Some(layout)));
            }
        }
        let bytes = read_bytes(&self.path)?;
        let changed = bytes.as_deref().map(blake3::hash) != self.known;
        if changed || base.part.is_some() {
            let lock = bytes.map(|bytes| parse_bytes(bytes, &self.path));
            self.found = Found::Other(lock.transpose()?.map(Box::new));
        }
        let text = self.whole(project, base, newer, now)?;
        let layout = Layout::scan(&text);
        Ok(self.composed(Arc::new(LockText::whole(text)), layout))
    }

    /// If it is not saved after all, what is on disk is something else, and is read anew next time.
    fn composed(&mut self, text: Arc<LockText>, layout: Option<Layout>) -> Composed {
        self.known = Some(text.hash());
        self.written = layout;
        let path = self.path.clone();
        Composed { path, text }
    }

    /// The lock written anew from all its entries.
    fn whole(
        &self,
        project: &Project,
        base: &Base,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<String, LockError> {
        let old = match &self.found {
            Found::Base => base.lock.as_ref(),
            Found::Other(lock) => lock.as_deref(),
        };
        if base.part.is_none() {
            let mut lock = compose(project.playbook(), old, newer, Some(now));
            // Params given for one run may say that there are other stages in it; what is known of the usual ones stays.
            if let Some(old) = old.filter(|_| !project.is_as_written()) {
                for (name, entry) in &old.stages {
                    if !lock.stages.contains_key(name) {
                        lock.stages.insert(name.clone(), entry);
                    }
                }
            }
            return render_lock(&lock);
        }
        let whole = project.whole_playbook()?;
        render_lock(&compose(&whole, old, newer, Some(now)))
    }
}

/// A lock with new entries on top of those of `old`, in the playbook's order.
pub(crate) fn compose<'e>(
    playbook: &Playbook,
    old: Option<&'e LockFile>,
    newer: &'e IndexMap<StageName, StageEntry>,
    generated_at: Option<Timestamp>,
) -> LockFile<&'e StageEntry> {
    let entry = |name: &StageName| {
        let entry = newer.get(name).or_else(|| old?.stages.get(name))?;
        Some((name.clone(), entry))
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
        let manifest = include_str!("../../../../Cargo.toml");
        let line = format!("blake3 = {{ version = \"{BLAKE3_VERSION}\"");
        assert!(
            manifest.contains(&line),
            "the workspace does not say {line}"
        );
    }
}
