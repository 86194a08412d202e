//! What runs have left in the state directory, and how it is removed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_hash::disk::{self, DiskError, StateDir};
use playbook_lock::Project;
use playbook_types::name::StageName;

use crate::outputs::Places;
use crate::outputs::clean::jobs::{jobs, remove_work_dirs};
use crate::outputs::clean::spare::{
    Only, RECENT_RUNS, Spare, SpareKind, exists, names, spare, wanted,
};

/// What runs have left in the state directory of a playbook, and beside its outs.
pub fn spare_state(project: &Project, only: Only<'_>) -> Vec<Spare> {
    let state = project.state_dir();
    let mut all = logs(&state, only);
    all.extend(kept(project, &state, only));
    all.extend(failed(&state, only));
    all.extend(jobs(project, &state, only));
    if only.is_none() {
        all.extend(half_written(&state));
        let caches = [
            state.parsed(),
            state.entries(),
            state.settled(),
            state.listings_dir(),
            state.stat_cache(),
        ];
        let caches = caches.into_iter().filter(|path| exists(path));
        all.extend(caches.map(|path| spare(SpareKind::Cache, path, None)));
    }
    all
}

/// Logs by run; of some stages, by file. The names of runs sort by time.
fn logs(state: &StateDir, only: Only<'_>) -> Vec<Spare> {
    let runs: Vec<PathBuf> = names(&state.logs_dir())
        .map(|run| state.logs_dir().join(run))
        .collect();
    let mut all = Vec::new();
    for (newer, run) in runs.into_iter().rev().enumerate() {
        let kind = if newer < RECENT_RUNS {
            SpareKind::RecentLogs
        } else {
            SpareKind::OldLogs
        };
        if only.is_none() {
            all.push(spare(kind, run, None));
            continue;
        }
        for name in names(&run) {
            if let Some(stage) = stage_of_log(&name).filter(|stage| wanted(only, stage)) {
                all.push(spare(kind, run.join(&name), Some(stage)));
            }
        }
    }
    all
}

/// `train` of `train.1.log`.
fn stage_of_log(name: &OsStr) -> Option<StageName> {
    let (stage, _attempt) = name.to_str()?.strip_suffix(".log")?.rsplit_once('.')?;
    StageName::parse(stage).ok()
}

fn kept(project: &Project, state: &StateDir, only: Only<'_>) -> Vec<Spare> {
    let mut all = Vec::new();
    for run in names(&state.kept_dir()) {
        let run = state.kept_dir().join(run);
        for name in names(&run) {
            let stage = name.to_str().and_then(|name| StageName::parse(name).ok());
            if stage.as_ref().is_some_and(|stage| wanted(only, stage)) || only.is_none() {
                all.push(spare(SpareKind::Kept, run.join(&name), stage));
            }
        }
    }
    // What could not be moved there stayed beside its out.
    let mut seen = BTreeSet::new();
    for stage in project.playbook().stages.values() {
        for out in stage.outs.iter().filter(|_| wanted(only, &stage.name)) {
            let place = project.root().resolve(&out.path);
            let (Some(parent), Some(own)) = (place.parent(), out.path.file_name()) else {
                continue;
            };
            for name in names(parent) {
                let reserved = name.as_bytes().starts_with(b".playbook-kept-");
                let of_this = name.to_string_lossy().contains(&format!("-{own}"));
                if reserved && of_this && seen.insert(parent.join(&name)) {
                    let path = parent.join(&name);
                    all.push(spare(SpareKind::Kept, path, Some(stage.name.clone())));
                }
            }
        }
    }
    all
}

fn failed(state: &StateDir, only: Only<'_>) -> Vec<Spare> {
    let mut all: Vec<Spare> = Vec::new();
    for name in names(&state.failed_dir()) {
        let stage = name.to_str();
        let stage = stage.map(|name| name.strip_suffix(".elsewhere").unwrap_or(name));
        let Some(stage) = stage.and_then(|name| StageName::parse(name).ok()) else {
            continue;
        };
        let path = state.failed_dir().join(stage.as_str());
        if wanted(only, &stage) && all.iter().all(|spare| spare.path != path) {
            all.push(spare(SpareKind::Failed, path, Some(stage)));
        }
    }
    all
}

fn half_written(state: &StateDir) -> Vec<Spare> {
    let directories = [
        state.as_path().to_owned(),
        state.listings_dir(),
        state.fan_out_dir(),
    ];
    let files = directories
        .iter()
        .flat_map(|directory| names(directory).map(|name| directory.join(name)));
    let half = files.filter(|path| {
        let name = path.file_name().unwrap_or_default();
        name.as_bytes().starts_with(b".playbook-tmp-")
    });
    half.map(|path| spare(SpareKind::HalfWritten, path, None))
        .collect()
}

/// Removes it. The caller holds the run lock.
///
/// # Errors
///
/// When the disk refuses.
pub fn remove_spare(project: &Project, spare: &Spare) -> Result<(), DiskError> {
    match (spare.kind, &spare.stage) {
        (SpareKind::Failed, Some(stage)) => {
            let places = Places::new(project.root(), &project.state_dir(), "");
            places.forget_failed(stage)
        }
        (SpareKind::WorkDirs, stage) => {
            remove_work_dirs(&spare.dirs, stage.is_some().then_some(&spare.path))
        }
        (
            SpareKind::OldLogs
            | SpareKind::RecentLogs
            | SpareKind::HalfWritten
            | SpareKind::Cache
            | SpareKind::Kept
            | SpareKind::Failed
            | SpareKind::Jobs
            | SpareKind::GoneJobs
            | SpareKind::Out,
            _,
        ) => {
            disk::remove_tree(&spare.path)?;
            remove_if_empty(project, &spare.path)
        }
    }
}

/// The directory of a run in the state directory goes with the last of what is in it.
fn remove_if_empty(project: &Project, removed: &Path) -> Result<(), DiskError> {
    let state = project.state_dir();
    let of_run = |directory: &&Path| {
        let above = directory.parent();
        above == Some(&*state.logs_dir()) || above == Some(&*state.kept_dir())
    };
    match removed.parent().filter(of_run) {
        Some(run) if names(run).next().is_none() && exists(run) => disk::remove_dir(run),
        _ => Ok(()),
    }
}
