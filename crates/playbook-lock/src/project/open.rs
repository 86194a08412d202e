//! A playbook on disk with its neighbours: root, lock, event log, state directory.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use blake3::Hash;
use indexmap::IndexMap;
use playbook_hash::disk::{DiskError, Root, StateDir};
use playbook_types::finding::Findings;
use playbook_types::model::playbook::Playbook;
use playbook_types::name::ParamKey;
use playbook_types::parse::{Parsed, SourceName, locate};
use playbook_types::value::ParamValue;

use crate::error::LockError;
use crate::format::{beside, lock_file_path};
use crate::project::compose::{Composed, Overrides, Place, compose};
use crate::project::parsed::{self, Key, Wanted};
use crate::project::sources::{Source, all_stand};
use crate::recall::Recall;

/// A playbook that was read and checked, and where its files are.
#[derive(Debug)]
pub struct Project {
    root: Root,
    file: PathBuf,
    name: SourceName,
    /// Not read where a stat vouched for it.
    text: Option<String>,
    text_hash: Hash,
    parsed: Parsed,
    /// What it is made of besides its text.
    sources: Vec<Source>,
    /// What was given for this run.
    overrides: Overrides,
    /// What of that is not as the playbook says.
    overridden: IndexMap<ParamKey, ParamValue>,
    /// It was read from the form that is kept of it; then some stages may have been left out.
    from_kept: bool,
}

impl Project {
    /// Opens the playbook at `file`. Its root is the directory of that path as given: links are not resolved.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, that shares its lock with another, or a playbook with errors in it or in one of
    /// its params files.
    pub fn open(file: &Path) -> Result<Self, LockError> {
        Self::open_with(file, Overrides::default())
    }

    /// Opens the playbook at `file` with other params, for one run.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); a params file that cannot be read, or a param that cannot be set.
    pub fn open_with(file: &Path, overrides: Overrides) -> Result<Self, LockError> {
        let text = read_text(file)?;
        let name = source_name(file)?;
        refuse_twins(file)?;
        let root = root_of(file)?;
        let text_hash = blake3::hash(text.as_bytes());
        let kept = Key::of(&name, text_hash).filter(|_| overrides.is_empty());
        let kept = kept.and_then(|key| {
            let path = StateDir::new(&root, name.stem()).parsed();
            let stand = |sources: &[Source]| all_stand(sources, &root);
            parsed::read(&path, key, Wanted::All, stand)
        });
        let from_kept = kept.is_some();
        let composed = if let Some((parsed, sources)) = kept {
            Composed {
                parsed,
                sources,
                overridden: IndexMap::new(),
            }
        } else {
            let (root, name) = (&root, &name);
            compose(&text, Place { file, root, name }, &overrides)?
        };
        Ok(Self {
            root,
            file: file.to_owned(),
            name,
            text: Some(text),
            text_hash,
            parsed: composed.parsed,
            sources: composed.sources,
            overrides,
            overridden: composed.overridden,
            from_kept,
        })
    }

    /// Opens the playbook at `file`, whose text has this hash and which is made of these sources besides, with only some of
    /// its stages in it, by their numbers in ascending order; `None` if it is not kept in a form that can be read
    /// in parts.
    pub fn open_part(
        file: &Path,
        text_hash: Hash,
        sources: &[Source],
        numbers: &[usize],
    ) -> Option<Self> {
        let name = source_name(file).ok()?;
        refuse_twins(file).ok()?;
        let root = root_of(file).ok()?;
        let path = StateDir::new(&root, name.stem()).parsed();
        let key = Key::of(&name, text_hash)?;
        let same = |kept: &[Source]| kept == sources;
        let (parsed, sources) = parsed::read(&path, key, Wanted::Numbers(numbers), same)?;
        Some(Self {
            root,
            file: file.to_owned(),
            name,
            text: None,
            text_hash,
            parsed,
            sources,
            overrides: Overrides::default(),
            overridden: IndexMap::new(),
            from_kept: true,
        })
    }

    /// Keeps the playbook in the state directory in a form that is quicker to read than its text.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn keep_parsed(&self) -> Result<(), DiskError> {
        let worth = self.is_as_written() && !self.from_kept;
        match Key::of(&self.name, self.text_hash).filter(|_| worth) {
            Some(key) => {
                let path = self.state_dir().parsed();
                parsed::keep(&path, key, &self.parsed, &self.sources)
            }
            None => Ok(()),
        }
    }

    /// The playbook with all its stages, as it was when this was opened; as its text is now only if nothing else has that.
    pub(crate) fn whole_playbook(&self) -> Result<Playbook, LockError> {
        let kept = Key::of(&self.name, self.text_hash).filter(|_| self.is_as_written());
        let kept = kept.and_then(|key| {
            let same = |kept: &[Source]| kept == self.sources;
            parsed::read(&self.state_dir().parsed(), key, Wanted::All, same)
        });
        if let Some((parsed, _)) = kept {
            return Ok(parsed.playbook);
        }
        let place = Place {
            file: &self.file,
            root: &self.root,
            name: &self.name,
        };
        let composed = compose(&self.text()?, place, &self.overrides)?;
        Ok(composed.parsed.playbook)
    }

    fn text(&self) -> Result<Cow<'_, str>, LockError> {
        match &self.text {
            Some(text) => Ok(text.into()),
            None => Ok(read_text(&self.file)?.into()),
        }
    }

    /// The file that would share its lock with the playbook at `file`, and may not be there.
    pub fn twin(file: &Path) -> Option<PathBuf> {
        match file.extension().and_then(|ext| ext.to_str()) {
            Some("yaml") => Some(file.with_extension("yml")),
            Some("yml") => Some(file.with_extension("yaml")),
            _ => None,
        }
    }

    /// The BLAKE3 of the playbook's text.
    pub fn text_hash(&self) -> Hash {
        self.text_hash
    }

    /// What the playbook is made of besides its text.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether the playbook is what its text and its other sources say: nothing was given for this run alone.
    pub fn is_as_written(&self) -> bool {
        self.overrides.is_empty()
    }

    /// The params that were given for this run: all that were set, and what in the files is not as the playbook says.
    pub fn overridden(&self) -> &IndexMap<ParamKey, ParamValue> {
        &self.overridden
    }

    /// The directory every relative path is relative to.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The playbook's path as it was given.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The playbook's file name.
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.parsed.playbook
    }

    /// What is worth a warning in it.
    pub fn warnings(&self) -> &Findings {
        &self.parsed.warnings
    }

    /// Gives findings that were made since their places in the text.
    pub fn locate(&self, findings: &mut Findings) {
        // A text that cannot be read any more gives no places.
        locate(&self.text().unwrap_or_default(), findings);
    }

    /// The lock beside it.
    pub fn lock_path(&self) -> PathBuf {
        lock_file_path(&self.absolute())
    }

    /// The event log beside it.
    pub fn events_path(&self) -> PathBuf {
        beside(&self.absolute(), ".events.jsonl")
    }

    /// The state directory.
    pub fn state_dir(&self) -> StateDir {
        StateDir::new(&self.root, self.name.stem())
    }

    /// What directories were when stages last read or made them.
    pub fn recall(&self) -> Recall {
        Recall::new(&self.state_dir())
    }

    fn absolute(&self) -> PathBuf {
        self.root.as_path().join(self.name.as_str())
    }
}

/// A file's text, or the line (from 1) of its first byte that is not UTF-8.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, usize> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let front = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        1 + front.matches('\n').count()
    })
}

pub(super) fn source_name(file: &Path) -> Result<SourceName, LockError> {
    let name = file.file_name().and_then(|name| name.to_str());
    Ok(SourceName::new(name.ok_or_else(|| {
        LockError::PlaybookName {
            path: file.to_owned(),
        }
    })?))
}

pub(super) fn root_of(file: &Path) -> Result<Root, LockError> {
    let directory = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    Ok(Root::new(directory.unwrap_or(Path::new(".")).to_owned())?)
}

fn read_text(file: &Path) -> Result<String, LockError> {
    let bytes = std::fs::read(file).map_err(|source| LockError::PlaybookUnreadable {
        path: file.to_owned(),
        source,
    })?;
    let path = file.to_owned();
    utf8(bytes).map_err(|line| LockError::PlaybookNotText { path, line })
}

/// `p.yaml` and `p.yml` would share one lock and overwrite each other's entries.
pub(super) fn refuse_twins(file: &Path) -> Result<(), LockError> {
    match Project::twin(file).filter(|twin| twin.symlink_metadata().is_ok()) {
        Some(second) => Err(LockError::Twins {
            first: file.to_owned(),
            second,
        }),
        None => Ok(()),
    }
}
