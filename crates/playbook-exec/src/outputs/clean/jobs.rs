//! What fan-outs have left: which of their jobs are done, and work directories of those that failed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use playbook_hash::disk::{DiskError, StateDir};
use playbook_lock::Project;
use playbook_types::name::StageName;

use crate::fanout::work_dir::{base, listed, place, remove, remove_if_there};
use crate::outputs::clean::spare::{Only, Spare, SpareKind, exists, names, size, spare, wanted};

/// Records of jobs, lists of work directories, and work directories that are on no list.
pub(super) fn jobs(project: &Project, state: &StateDir, only: Only<'_>) -> Vec<Spare> {
    let playbook = project.playbook();
    let base = base(&playbook.policy, project.root(), state);
    let (mut all, mut on_lists) = (Vec::new(), BTreeSet::new());
    for name in names(&state.fan_out_dir()) {
        let parts = name.to_str().and_then(|name| name.rsplit_once('.'));
        let Some((Ok(stage), what)) = parts.map(|(stage, what)| (StageName::parse(stage), what))
        else {
            continue;
        };
        if !wanted(only, &stage) {
            continue;
        }
        let path = state.fan_out_dir().join(&name);
        let found = playbook.stages.get(&stage);
        let lives = found.is_some_and(|stage| stage.parallel.is_some());
        let record = if lives {
            SpareKind::Jobs
        } else {
            SpareKind::GoneJobs
        };
        match what {
            "jobs" => all.push(spare(record, path, Some(stage))),
            // Of those that failed, and of those that were cut off.
            "left" | "scratch" => {
                let dirs = listed(&path).map(|key| base.join(place(&key)));
                // A job that had one for scratch and failed is on both lists.
                let dirs = dirs.filter(|dir| exists(dir) && on_lists.insert(dir.clone()));
                let dirs: BTreeSet<PathBuf> = dirs.collect();
                if !dirs.is_empty() {
                    all.push(work_dirs(path, dirs.into_iter().collect(), Some(stage)));
                } else if !lives {
                    all.push(spare(record, path, Some(stage)));
                }
            }
            _ => {}
        }
    }
    if only.is_none() {
        // The playbook says that they stay.
        let others: Vec<_> = in_state(state)
            .filter(|dir| !on_lists.contains(dir))
            .collect();
        if !others.is_empty() {
            all.push(work_dirs(state.work_dir(), others, None));
        }
    }
    all
}

fn work_dirs(path: PathBuf, dirs: Vec<PathBuf>, stage: Option<StageName>) -> Spare {
    Spare {
        kind: SpareKind::WorkDirs,
        path,
        bytes: dirs.iter().map(|dir| size(dir)).sum(),
        dirs,
        stage,
    }
}

/// Everything in the state directory that is named as work directories are.
fn in_state(state: &StateDir) -> impl Iterator<Item = PathBuf> {
    let base = state.work_dir();
    let fronts = names(&base).map(move |front| base.join(front));
    fronts.flat_map(|front| names(&front).map(move |rest| front.join(rest)))
}

/// Removes work directories, and then the list of them.
pub(super) fn remove_work_dirs(dirs: &[PathBuf], list: Option<&PathBuf>) -> Result<(), DiskError> {
    for dir in dirs {
        remove(dir)?;
    }
    list.map_or(Ok(()), |list| remove_if_there(list))
}
