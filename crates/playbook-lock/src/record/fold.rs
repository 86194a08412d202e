//! Folding new entries into the lock on disk.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake3::Hash;
use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::digest_params;
use playbook_hash::disk::DiskError;
use playbook_types::model::playbook::Playbook;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::error::LockError;
use crate::format::{
    KeptEntries, Layout, keep_entries, parse_bytes, parse_lock, read_entries, render_lock,
    save_text, splice,
};
use crate::project::Project;

/// The program and version that lock files and events name.
pub const GENERATOR: &str = concat!("playbook ", env!("CARGO_PKG_VERSION"));

/// From so many entries on, those that are kept are looked for.
const MANY: usize = 64;

/// The version of the lock's shape.
pub(crate) const SCHEMA: &str = "1.0";
/// The version of BLAKE3 that digests are of.
pub(crate) const BLAKE3_VERSION: &str = "1.8";

/// A lock as it was on disk at some moment.
#[derive(Debug, Default)]
pub struct Base {
    /// The lock, if there was one.
    pub lock: Option<LockFile>,
    /// Of its bytes, so that it need not be read again while it stays as it is.
    hash: Option<Hash>,
    /// If only some of its entries were read: the text that all of them stand in. It is kept as it is on disk.
    part: Option<Mutex<Part>>,
    /// How many of its entries had to be read as YAML.
    unkept: usize,
}

/// A lock of which only some entries were read.
#[derive(Debug)]
struct Part {
    text: String,
    layout: Layout,
    numbers: IndexMap<StageName, usize>,
}

impl Part {
    /// Whether the file at `path` has this text. It is compared as it is read.
    fn is_at(&self, path: &Path) -> bool {
        let mut rest = self.text.as_bytes();
        let mut block = [0; 16 * 1024];
        let Ok(mut file) = File::open(path) else {
            return false;
        };
        loop {
            match file.read(&mut block) {
                Ok(0) => return rest.is_empty(),
                Ok(read) => match rest.strip_prefix(&block[..read]) {
                    Some(behind) => rest = behind,
                    None => return false,
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Puts `newer` entries into the text, and all others in as they stand there. Nothing happens, and it says so, if one
    /// of them is not among those that were read.
    fn put(
        &mut self,
        project: &Project,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<bool, LockError> {
        let numbers = newer.keys().map(|name| self.numbers.get(name).copied());
        let Some(mut numbers) = numbers.collect::<Option<Vec<usize>>>() else {
            return Ok(false);
        };
        numbers.sort_unstable();
        // In the playbook's order, and with what stands in front of the entries.
        let fresh = compose(project.playbook(), None, newer, Some(now));
        let spliced = splice((&self.text, &self.layout), &fresh, &numbers)?;
        let done = spliced.is_some();
        if let Some((text, layout)) = spliced {
            (self.text, self.layout) = (text, layout);
        }
        Ok(done)
    }
}

/// A thread that died while it held the lock left whatever text is compared with the disk before it is used.
fn guard(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Base {
    /// Reads the lock at `path`.
    ///
    /// # Errors
    ///
    /// A lock that cannot be read, holds conflict markers, is torn, or is from a newer program.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        Self::read_with(path, &KeptEntries::default())
    }

    /// Reads the lock of a project: what was kept of it in the state directory need not be read as YAML.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn of(project: &Project) -> Result<Self, LockError> {
        let kept = KeptEntries::load(&project.state_dir().entries());
        Self::read_with(&project.lock_path(), &kept)
    }

    fn read_with(path: &Path, kept: &KeptEntries) -> Result<Self, LockError> {
        let Some(bytes) = read_bytes(path)? else {
            return Ok(Self::default());
        };
        let hash = blake3::hash(&bytes);
        let by_entry = || {
            let text = str::from_utf8(&bytes).ok().filter(|_| !kept.is_empty())?;
            let layout = Layout::scan(text)?;
            let all: Vec<usize> = (0..layout.len()).collect();
            read_entries((text, &layout), &all, kept, path)
        };
        let (lock, unkept) = if let Some(read) = by_entry() {
            read
        } else {
            let lock = parse_bytes(bytes, path)?;
            let unkept = lock.stages.len();
            (lock, unkept)
        };
        Ok(Self {
            lock: Some(lock),
            hash: Some(hash),
            part: None,
            unkept,
        })
    }

    /// Reads some entries of the project's lock, by their numbers in ascending order, if the lock is the one with this hash
    /// and this layout.
    pub fn read_part(
        project: &Project,
        hash: Hash,
        layout: Layout,
        numbers: &[usize],
    ) -> Option<Self> {
        let path = project.lock_path();
        let bytes = std::fs::read(&path).ok()?;
        (blake3::hash(&bytes) == hash).then_some(())?;
        let text = String::from_utf8(bytes).ok()?;
        // For a few entries it is not worth looking for them.
        let kept = match numbers.len() {
            ..MANY => KeptEntries::default(),
            _ => KeptEntries::load(&project.state_dir().entries()),
        };
        let (lock, unkept) = match read_entries((&text, &layout), numbers, &kept, &path) {
            Some(read) => read,
            None => (
                parse_lock(&layout.part(&text, numbers)?, &path).ok()?,
                numbers.len(),
            ),
        };
        (lock.stages.len() == numbers.len()).then_some(())?;
        let numbers = lock.stages.keys().cloned().zip(numbers.iter().copied());
        let part = Part {
            numbers: numbers.collect(),
            text,
            layout,
        };
        Some(Self {
            lock: Some(lock),
            hash: Some(hash),
            part: Some(Mutex::new(part)),
            unkept,
        })
    }

    /// Keeps the entries of the project's lock in a form that is quicker to read, if many are not kept so. The lock is
    /// the one that `folder` wrote last, or this one; `newer` is on top of it.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn keep_entries(
        &self,
        project: &Project,
        folder: &Folder,
        newer: &IndexMap<StageName, StageEntry>,
    ) -> Result<(), DiskError> {
        let unkept = self.unkept + newer.len();
        let all = match (&self.part, &self.lock) {
            (Some(part), _) => guard(part).layout.len(),
            (None, Some(lock)) => lock.stages.len(),
            (None, None) => 0,
        };
        if unkept * 8 < all.max(newer.len()) {
            return Ok(());
        }
        let names = project.playbook().stages.keys();
        let entry = |name| {
            let old = || self.lock.as_ref()?.stages.get_key_value(name);
            newer.get_key_value(name).or_else(old)
        };
        let Some(entries) = names.map(entry).collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        let path = project.lock_path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let is_known = Some(blake3::hash(text.as_bytes())) == folder.known;
        match Layout::scan(&text).filter(|_| is_known) {
            Some(layout) => {
                keep_entries(&project.state_dir().entries(), (&text, &layout), &entries)
            }
            None => Ok(()),
        }
    }

    /// The BLAKE3 of the lock's bytes, if there was one.
    pub fn hash(&self) -> Option<Hash> {
        self.hash
    }

    /// The layout of the lock, which is at `path`: known if it is still the one that was read, and in the form this
    /// program writes.
    pub fn layout(&self, path: &Path) -> Option<Layout> {
        if let Some(part) = &self.part {
            return Some(guard(part).layout.clone());
        }
        let text = std::fs::read_to_string(path).ok()?;
        (Some(blake3::hash(text.as_bytes())) == self.hash).then_some(())?;
        (render_lock(self.lock.as_ref()?).ok()? == text).then_some(())?;
        Layout::scan(&text)
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
    /// What is on disk as far as this knows; none if there is no lock.
    known: Option<Hash>,
    /// What this wrote last.
    written: Option<Layout>,
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

    /// What this wrote last: its BLAKE3 and its layout. `None` if it wrote nothing, or nothing that has one.
    pub fn written(&self) -> Option<(Hash, &Layout)> {
        self.known.zip(self.written.as_ref())
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
        project: &Project,
        base: &Base,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<(), LockError> {
        if let (Found::Base, Some(part)) = (&self.found, &base.part) {
            let mut part = guard(part);
            if part.is_at(&self.path) && part.put(project, newer, now)? {
                save_text(&self.path, &part.text)?;
                self.known = Some(blake3::hash(part.text.as_bytes()));
                self.written = Some(part.layout.clone());
                return Ok(());
            }
        }
        let bytes = read_bytes(&self.path)?;
        let changed = bytes.as_deref().map(blake3::hash) != self.known;
        if changed || base.part.is_some() {
            let lock = bytes.map(|bytes| parse_bytes(bytes, &self.path));
            self.found = Found::Other(lock.transpose()?.map(Box::new));
        }
        let text = self.composed(project, base, newer, now)?;
        save_text(&self.path, &text)?;
        self.known = Some(blake3::hash(text.as_bytes()));
        self.written = Layout::scan(&text);
        Ok(())
    }

    /// The lock written anew from all its entries.
    fn composed(
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
            return render_lock(&compose(project.playbook(), old, newer, Some(now)));
        }
        let whole = project.whole_playbook()?;
        render_lock(&compose(&whole, old, newer, Some(now)))
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
        let manifest = include_str!("../../../../Cargo.toml");
        let line = format!("blake3 = {{ version = \"{BLAKE3_VERSION}\"");
        assert!(
            manifest.contains(&line),
            "the workspace does not say {line}"
        );
    }
}
