//! The lock as a run found it, which its new entries go on top of.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blake3::Hash;
use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::DiskError;
use playbook_types::name::StageName;
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::error::LockError;
use crate::format::{
    KeptEntries, Layout, LockText, OldText, keep_entries, parse_bytes, parse_lock, read_entries,
    render_lock, splice,
};
use crate::project::Project;
use crate::record::fold::{Folder, compose};

/// From so many entries on, those that are kept are looked for.
const MANY: usize = 64;

/// A lock as it was on disk at some moment.
#[derive(Debug, Default)]
pub struct Base {
    /// The lock, if there was one.
    pub lock: Option<LockFile>,
    /// Of its bytes, so that it need not be read again while it stays as it is.
    pub(super) hash: Option<Hash>,
    /// If only some of its entries were read: the text that all of them stand in. It is kept as it is on disk.
    pub(super) part: Option<Mutex<Part>>,
    /// How many of its entries had to be read as YAML.
    unkept: usize,
}

/// A lock of which only some entries were read.
#[derive(Debug)]
pub(super) struct Part {
    text: Arc<OldText>,
    /// What has taken its place since.
    next: Option<Arc<LockText>>,
    layout: Layout,
    numbers: IndexMap<StageName, usize>,
}

impl Part {
    /// Whether the file at `path` has this text. It is compared as it is read.
    pub(super) fn is_at(&mut self, path: &Path) -> bool {
        if let Some(next) = self.next.take() {
            self.text = Arc::new(OldText(next.text()));
        }
        let mut rest = self.text.0.as_bytes();
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

    /// The text with `newer` entries in it, and all others as they stand there, which is what [`is_at`](Self::is_at) looks for
    /// next time. Nothing if one of them is not among those that were read.
    pub(super) fn with(
        &mut self,
        project: &Project,
        newer: &IndexMap<StageName, StageEntry>,
        now: Timestamp,
    ) -> Result<Option<(Arc<LockText>, Layout)>, LockError> {
        let numbers = newer.keys().map(|name| self.numbers.get(name).copied());
        let Some(mut numbers) = numbers.collect::<Option<Vec<usize>>>() else {
            return Ok(None);
        };
        numbers.sort_unstable();
        // In the playbook's order, and with what stands in front of the entries.
        let fresh = compose(project.playbook(), None, newer, Some(now));
        let Some((text, layout)) = splice((&self.text, &self.layout), &fresh, &numbers)? else {
            return Ok(None);
        };
        let text = Arc::new(text);
        self.layout = layout.clone();
        self.next = Some(Arc::clone(&text));
        Ok(Some((text, layout)))
    }
}

/// A thread that died while it held the lock left whatever text is compared with the disk before it is used.
pub(super) fn guard(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
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
            text: Arc::new(OldText(text)),
            next: None,
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
        let is_known = Some(blake3::hash(text.as_bytes())) == folder.known();
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

pub(super) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, LockError> {
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
