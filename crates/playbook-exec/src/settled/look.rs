//! Looking at the stats: is there anything to do, and for which stages?

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use playbook_hash::disk::{Root, StateDir};
use playbook_hash::{StatKey, changed};
use playbook_lock::run_lock::holder;
use playbook_lock::{Project, all_stand};
use playbook_types::parse::SourceName;

use crate::settled::Settled;
use crate::settled::image::{IGNORE, Image, PLAYBOOK, SOURCES};
use crate::settled::part::Unsettled;

/// What an earlier run wrote down of a playbook.
#[derive(Debug)]
pub struct Found {
    pub(super) file: PathBuf,
    root: Root,
    state: StateDir,
    bytes: Vec<u8>,
    /// Of the file it stands in, which is only ever replaced whole.
    stat: StatKey,
}

/// What the stats say.
#[derive(Debug)]
pub enum Look<'f> {
    /// There is nothing to do.
    Settled(Settled<'f>),
    /// Some stages have to be decided.
    Unsettled(Unsettled<'f>),
}

impl Found {
    /// What was written down of the playbook at `file`, if anything was.
    pub fn load(file: &Path) -> Option<Self> {
        let directory = file.parent().filter(|dir| !dir.as_os_str().is_empty());
        let root = Root::new(directory.unwrap_or(Path::new(".")).to_owned()).ok()?;
        let name = SourceName::new(file.file_name()?.to_str()?);
        let state = StateDir::new(&root, name.stem());
        let mut kept = File::open(state.settled()).ok()?;
        let stat = StatKey::of_open(&kept)?;
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).ok()? + 1);
        kept.read_to_end(&mut bytes).ok()?;
        Some(Self {
            file: file.to_owned(),
            root,
            state,
            bytes,
            stat,
        })
    }

    /// What the stats say; `None` if there is nothing to compare them with.
    pub fn look(&self) -> Option<Look<'_>> {
        if Project::twin(&self.file).is_some_and(|twin| exists(&twin)) {
            return None;
        }
        // A run that is under way is to be waited for, and one that died to be put right.
        let held = holder(&self.state.run_lock());
        let undisturbed = !exists(&self.state.journal()) && matches!(held, Ok(None));
        let image = Image::read(&self.bytes).filter(|_| undisturbed)?;
        let moved = changed(&image.items, self.root.as_path())?;
        if moved.first() == Some(&PLAYBOOK) && !says(&self.file, &image.playbook_hash) {
            return None;
        }
        let sources = (SOURCES..).zip(&image.sources);
        // What counts in a directory may be something else now.
        let all = moved.binary_search(&IGNORE).is_ok();
        let moved_sources = sources.filter(|(n, _)| all || moved.binary_search(n).is_ok());
        if !all_stand(moved_sources.map(|(_, source)| source), &self.root) {
            return None;
        }
        let affected = affected(&image, &moved);
        if moved.is_empty() && affected.is_empty() {
            let warnings = serde_json::from_str(image.warnings).ok()?;
            return Some(Look::Settled(Settled { warnings, image }));
        }
        Some(Look::Unsettled(Unsettled {
            found: self,
            image,
            moved,
            stages: affected,
        }))
    }

    /// Whether no run has been there since this was loaded, nor is under way. For those who hold the run lock.
    pub(super) fn still_stands(&self) -> bool {
        StatKey::at(&self.state.settled()) == Some(self.stat) && !exists(&self.state.journal())
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn says(file: &Path, hash: &[u8; 32]) -> bool {
    std::fs::read(file).is_ok_and(|bytes| blake3::hash(&bytes).as_bytes() == hash)
}

/// The numbers of the stages that have to be decided, ascending: those that read or make something that moved, those
/// that are decided each time, and all that need one of them.
fn affected(image: &Image<'_>, moved: &[usize]) -> Vec<usize> {
    let mut items = vec![false; image.items.len()];
    for n in moved {
        items[*n] = true;
    }
    if items[IGNORE] {
        // What counts in a directory may be something else now.
        for (moved, item) in items.iter_mut().zip(&image.items) {
            *moved |= item.is_directory();
        }
    }
    let mut stages = vec![false; image.stages.len()];
    // What a stage needs comes before it.
    for n in &image.order {
        let stage = &image.stages[*n];
        let mut paths = stage.deps.iter().chain(stage.outs.iter());
        stages[*n] =
            stage.always || paths.any(|item| items[item]) || stage.needs.iter().any(|n| stages[n]);
    }
    (0..stages.len()).filter(|n| stages[*n]).collect()
}
