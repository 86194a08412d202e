//! Looking at the stats: is there anything to do, and for which stages?

use std::path::Path;

use playbook_hash::disk::{Root, StateDir};
use playbook_hash::{IgnoreRules, changed};
use playbook_lock::Project;
use playbook_lock::run_lock::holder;
use playbook_types::parse::SourceName;

use crate::settled::Settled;
use crate::settled::image::{Image, PLAYBOOK};
use crate::settled::part::Unsettled;

/// What the stats say.
#[derive(Debug)]
pub enum Look {
    /// There is nothing to do.
    Settled(Settled),
    /// Some stages have to be decided.
    Unsettled(Unsettled),
}

/// What the stats say of the playbook at `file`; `None` if no run has left anything to compare them with.
pub fn look(file: &Path) -> Option<Look> {
    let directory = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let root = Root::new(directory.unwrap_or(Path::new(".")).to_owned()).ok()?;
    let name = SourceName::new(file.file_name()?.to_str()?);
    let state = StateDir::new(&root, name.stem());
    let bytes = std::fs::read(state.settled()).ok()?;
    if Project::twin(file).is_some_and(|twin| exists(&twin)) {
        return None;
    }
    // A run that is under way is to be waited for, and one that died to be put right.
    let undisturbed = !exists(&state.journal()) && matches!(holder(&state.run_lock()), Ok(None));
    let image = Image::read(&bytes).filter(|_| undisturbed)?;
    let moved = changed(&image.items, root.as_path())?;
    let unsettled = affected(&image, &moved);
    if moved.first() == Some(&PLAYBOOK) && !says(file, &image.playbook_hash) {
        return None;
    }
    if moved.is_empty() && unsettled.is_empty() {
        // Nothing is compared by these rules, but a mistake in them is told.
        IgnoreRules::are_sound(root.as_path()).then_some(())?;
        let stages = image.order.iter().map(|n| image.stages[*n].settled());
        return Some(Look::Settled(Settled {
            playbook: image.name.to_owned(),
            warnings: serde_json::from_str(image.warnings).ok()?,
            stages: stages.collect::<Option<_>>()?,
        }));
    }
    drop(image);
    let unsettled = Unsettled::new(file.to_owned(), bytes, moved, unsettled);
    Some(Look::Unsettled(unsettled))
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
