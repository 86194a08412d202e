//! What can be removed: what runs have left in the state directory, and outs that can be made again.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_hash::disk::{self, DiskError, StateDir};
use playbook_hash::{DigestMemo, HashError, IgnoreRules, Trust};
use playbook_lock::{Project, Recorded};
use playbook_types::model::stage::{Out, Stage};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::StageEntry;

use crate::outputs::Places;
use crate::outputs::mounts::mount_below;

/// Logs of so many runs stay unless all are to go.
pub const RECENT_RUNS: usize = 10;

/// Something that can be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spare {
    /// What it is.
    pub kind: SpareKind,
    /// Where.
    pub path: PathBuf,
    /// Whose it is, if it is one stage's.
    pub stage: Option<StageName>,
    /// How much it is.
    pub bytes: u64,
}

/// What can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpareKind {
    /// The logs of a run that is not among the last [`RECENT_RUNS`].
    OldLogs,
    /// The logs of one that is.
    RecentLogs,
    /// What a process that died left half written.
    HalfWritten,
    /// What is kept to save time, or for more words in explanations.
    Cache,
    /// Files of the user's that stood where a stage makes its out.
    Kept,
    /// What a failed stage left.
    Failed,
    /// An out that is exactly what its stage made.
    Out,
}

/// An out that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The stage.
    pub stage: StageName,
    /// Its out.
    pub path: DataPath,
    /// Why it stays.
    pub why: &'static str,
}

/// Which stages it is about; `None` is all of them.
pub type Only<'a> = Option<&'a BTreeSet<StageName>>;

/// What runs have left in the state directory of a playbook, and beside its outs.
pub fn spare_state(project: &Project, only: Only<'_>) -> Vec<Spare> {
    let state = project.state_dir();
    let mut all = logs(&state, only);
    all.extend(kept(project, &state, only));
    all.extend(failed(&state, only));
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

fn spare(kind: SpareKind, path: PathBuf, stage: Option<StageName>) -> Spare {
    Spare {
        kind,
        stage,
        bytes: size(&path),
        path,
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn wanted(only: Only<'_>, stage: &StageName) -> bool {
    only.is_none_or(|only| only.contains(stage))
}

/// Bytes in the files at and below a path; links count for themselves. What cannot be looked at counts for nothing.
fn size(path: &Path) -> u64 {
    let mut bytes = 0;
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => left.extend(names(&path).map(|name| path.join(name))),
            Ok(meta) => bytes += meta.len(),
            Err(_) => {}
        }
    }
    bytes
}

/// The names in a directory, sorted; none where it cannot be read.
fn names(directory: &Path) -> impl Iterator<Item = std::ffi::OsString> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names.into_iter()
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
    let directories = [state.as_path().to_owned(), state.listings_dir()];
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

/// The outs that are there: those that are exactly what the lock records as made by their stages, and those that stay. All
/// of them are read.
///
/// # Errors
///
/// Ignore rules that cannot be read.
pub fn spare_outs(
    project: &Project,
    recorded: &Recorded,
    only: Only<'_>,
) -> Result<(Vec<Spare>, Vec<LeftOut>), HashError> {
    let rules = IgnoreRules::load(project.root().as_path())?;
    let memo = DigestMemo::new(Trust::ReadEverything);
    let (mut spares, mut left) = (Vec::new(), Vec::new());
    let stages = project.playbook().stages.values();
    for stage in stages.filter(|stage| wanted(only, &stage.name)) {
        let entry = recorded
            .lock()
            .and_then(|lock| lock.stages.get(&stage.name));
        for out in &stage.outs {
            let place = project.root().resolve(&out.path);
            if !exists(&place) {
                continue;
            }
            match why_left(stage, out, entry, (&place, &memo, &rules)) {
                Some(why) => left.push(LeftOut {
                    stage: stage.name.clone(),
                    path: out.path.clone(),
                    why,
                }),
                None => spares.push(spare(SpareKind::Out, place, Some(stage.name.clone()))),
            }
        }
    }
    Ok((spares, left))
}

/// Why an out is not to be removed, if that is so.
fn why_left(
    stage: &Stage,
    out: &Out,
    entry: Option<&StageEntry>,
    (place, memo, rules): (&Path, &DigestMemo, &IgnoreRules),
) -> Option<&'static str> {
    if stage.frozen {
        return Some("its stage is frozen: it would not be made again");
    }
    if out.persist {
        return Some("it is updated from run to run (persist)");
    }
    let Some(entry) = entry else {
        return Some("its stage is not in the lock");
    };
    if entry.adopted {
        return Some("it was adopted: its stage has not made it");
    }
    let made = entry.outs.iter().find(|made| made.path == out.path);
    let Some((made, hash)) = made.and_then(|made| Some((made, made.hash?))) else {
        return Some("the lock does not record it");
    };
    let link = fs::read_link(place).ok();
    let link = link.map(|link| link.to_string_lossy().into_owned());
    let same = memo
        .digest(place, rules)
        .is_ok_and(|found| found.digest == hash && found.ignored == made.ignored.unwrap_or(0));
    if !same || link != made.symlink {
        return Some("it is not what its stage made");
    }
    if link.is_none() && mount_below(place).is_some() {
        return Some("another file system is mounted in it");
    }
    None
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
        (
            SpareKind::OldLogs
            | SpareKind::RecentLogs
            | SpareKind::HalfWritten
            | SpareKind::Cache
            | SpareKind::Kept
            | SpareKind::Failed
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
