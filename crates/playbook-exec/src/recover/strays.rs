//! Old outs aside that the journal does not know of: a power cut may take its last records and leave the
//! renames they were about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::{Out, Stage};
use playbook_types::name::StageName;

use crate::error::ExecError;
use crate::outputs::{Places, put_stray_back};

/// Brings back what the dead run had set aside and nobody else has put right.
pub(super) fn bring_strays_back(playbook: &Playbook, places: &Places) -> Result<(), ExecError> {
    let outs = playbook.stages.values().flat_map(|stage| &stage.outs);
    let directories: BTreeSet<PathBuf> = outs
        .filter_map(|out| Some(places.resolve(&out.path).parent()?.to_owned()))
        .collect();
    for directory in directories {
        for name in names_in(&directory) {
            let Some((stage, out)) = owner(playbook, places, &name) else {
                continue;
            };
            let path = places.resolve(&out.path);
            if path.parent() != Some(&directory) {
                continue;
            }
            let stuck = put_stray_back(places, stage, &out.path, &name);
            stuck.map_err(|fault| ExecError::OldOuts {
                stage: stage.to_string(),
                fault,
            })?;
        }
    }
    for stage in playbook
        .stages
        .values()
        .filter(|stage| stage.parallel.is_some())
    {
        keep_strays_of_jobs(stage, places)?;
    }
    Ok(())
}

/// What jobs of a fan-out had set aside among its outputs: whose place it had is not known, so it is kept.
fn keep_strays_of_jobs(stage: &Stage, places: &Places) -> Result<(), ExecError> {
    let Some(out) = stage.outs.first() else {
        return Ok(());
    };
    let prefix = format!("{}{}.job", places.aside_prefix(), stage.name);
    let mut directories = vec![places.resolve(&out.path)];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(prefix.as_bytes()) {
                places.keep(&stage.name, &out.path, &entry.path())?;
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
        }
    }
    Ok(())
}

/// The stage and the out whose reserved name this is.
fn owner<'p>(
    playbook: &'p Playbook,
    places: &Places,
    name: &str,
) -> Option<(&'p StageName, &'p Out)> {
    let (stage, nth) = name
        .strip_prefix(&places.aside_prefix())?
        .rsplit_once('-')?;
    let stage: &Stage = playbook.stages.get(&StageName::parse(stage).ok()?)?;
    Some((&stage.name, stage.outs.get(nth.parse::<usize>().ok()?)?))
}

/// The names in a directory that are text; none where it cannot be read.
fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}
