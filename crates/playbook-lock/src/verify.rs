//! The data that the lock records, read again in full and compared: no stat is trusted, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use playbook_hash::{
    DataKind, DigestMemo, HashError, IgnoreRules, Listing, ListingDiff, PathDigest, Trust,
};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, EntryStatus, LockFile, StageEntry};
use rayon::prelude::*;

use crate::project::Project;
use crate::recall::Recall;
use crate::record::Recorded;

/// What came of it.
#[derive(Debug)]
pub struct Verification {
    /// Every path with what is recorded of it, in the playbook's order. A path stands here more than once if it is recorded
    /// with more than one digest.
    pub checked: Vec<Checked>,
    /// Stages of whose data the lock says nothing that could be relied on.
    pub unverified: Vec<Unverified>,
    /// How many files were read.
    pub files: u64,
    /// How many bytes were in them.
    pub bytes: u64,
}

/// One path, as it was recorded and as it is.
#[derive(Debug)]
pub struct Checked {
    /// What is recorded.
    pub recorded: DataEntry,
    /// By whom.
    pub whose: Whose,
    /// How it is now.
    pub finding: Finding,
}

/// The stages whose entries record the same of a path.
#[derive(Debug, Default)]
pub struct Whose {
    /// Those that made it.
    pub made_by: Vec<StageName>,
    /// Those that read it.
    pub read_by: Vec<StageName>,
}

/// How data is, compared with what is recorded.
#[derive(Debug, Clone)]
pub enum Finding {
    /// The same.
    Same(PathDigest),
    /// Something else.
    Differs {
        /// What it is.
        now: PathDigest,
        /// Whether a file or a directory was recorded, where that can be told.
        was: Option<DataKind>,
        /// The files that differ, if it is known what was in the directory.
        files: Option<ListingDiff>,
    },
    /// Nothing stands there.
    Missing,
    /// What stands there has no digest: it is neither file nor directory, cannot be read, or keeps changing.
    NoDigest(Arc<HashError>),
}

/// A stage whose data cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// The stage.
    pub stage: StageName,
    /// Why.
    pub why: WhyNot,
}

/// Why the data of a stage, or some of it, cannot be compared with what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It is not in the lock.
    NotInLock,
    /// It is in the lock, and no longer in the playbook.
    Gone,
    /// A run is working on it now.
    BeingRun {
        /// That run's process.
        pid: u32,
    },
    /// Its last run did not complete.
    NotCompleted(EntryStatus),
    /// Its entry has no key, so that nothing relies on it: these deps changed while it ran.
    NoKey {
        /// The deps.
        moved: Vec<DataPath>,
    },
    /// No digest that could be read is recorded of this path.
    NoDigest(DataPath),
}

/// Reads everything again that the lock records of these stages; of all, and of those that are no longer in the playbook, if
/// none is named. Gives `None` if there is no lock.
///
/// # Errors
///
/// Ignore rules that cannot be read.
pub fn verify(
    project: &Project,
    recorded: &Recorded,
    stages: Option<&BTreeSet<StageName>>,
) -> Result<Option<Verification>, HashError> {
    let Some(lock) = recorded.lock() else {
        return Ok(None);
    };
    let rules = IgnoreRules::load(project.root().as_path())?;
    let wanted = Wanted::of(project, recorded, lock, stages);
    let paths: BTreeSet<&DataPath> = wanted.data.keys().map(|(path, _)| *path).collect();
    let memo = DigestMemo::new(Trust::ReadEverything);
    let read = |path: &'_ DataPath| {
        let place = place(project, recorded, path);
        let found = memo.digest(&place, &rules).map_err(Arc::new);
        (path.clone(), Read { place, found })
    };
    let paths: Vec<&DataPath> = paths.into_iter().collect();
    let read: Vec<(DataPath, Read)> = paths.into_par_iter().map(read).collect();
    let all = || read.iter().filter_map(|(_, read)| read.found.as_ref().ok());
    let (files, bytes) = (
        all().map(|found| found.file_count).sum(),
        all().map(|found| found.total_bytes).sum(),
    );
    let read: BTreeMap<DataPath, Read> = read.into_iter().collect();
    let recall = project.recall();
    let checked = wanted.data.into_iter().map(|((path, _), (entry, whose))| {
        let Read { place, found } = &read[path];
        let finding = match found {
            Err(error) if error.is_not_found() => Finding::Missing,
            Err(error) => Finding::NoDigest(Arc::clone(error)),
            Ok(now) if Some(now.digest) == entry.hash => Finding::Same(now.clone()),
            Ok(now) => differs(&recall, entry, now, || {
                let bytes = memo.listing_bytes(place, now.digest)?;
                Listing::from_bytes(&bytes)
            }),
        };
        Checked {
            recorded: entry.clone(),
            whose,
            finding,
        }
    });
    Ok(Some(Verification {
        checked: checked.collect(),
        unverified: wanted.unverified,
        files,
        bytes,
    }))
}

/// What was found where the data of a path is.
struct Read {
    place: PathBuf,
    found: Result<PathDigest, Arc<HashError>>,
}

/// Where the data of a path is: elsewhere if a run that died, or is under way, has set it aside.
fn place(project: &Project, recorded: &Recorded, path: &DataPath) -> PathBuf {
    let run = recorded.unfinished.as_ref();
    run.and_then(|run| run.waits_elsewhere(project.root(), path))
        .unwrap_or_else(|| project.root().resolve(path))
}

fn differs(
    recall: &Recall,
    entry: &DataEntry,
    now: &PathDigest,
    listing: impl Fn() -> Option<Listing>,
) -> Finding {
    let old = entry.hash.and_then(|hash| recall.listing(&hash));
    let files = old
        .as_ref()
        .zip(listing())
        .map(|(old, now)| ListingDiff::between(old, &now));
    // A file is recorded as one file without anything in it that does not count; so may a directory be.
    let directory = old.is_some() || entry.ignored.is_some() || entry.file_count != Some(1);
    let was = (directory && entry.file_count.is_some()).then_some(DataKind::Directory);
    Finding::Differs {
        now: now.clone(),
        was,
        files,
    }
}

/// What is to be compared, and what cannot be.
#[derive(Default)]
struct Wanted<'l> {
    /// By path and recorded digest.
    data: IndexMap<(&'l DataPath, Digest), (&'l DataEntry, Whose)>,
    unverified: Vec<Unverified>,
}

impl<'l> Wanted<'l> {
    fn of(
        project: &Project,
        recorded: &Recorded,
        lock: &'l LockFile,
        stages: Option<&BTreeSet<StageName>>,
    ) -> Self {
        let known = &project.playbook().stages;
        let gone = lock.stages.keys().filter(|name| !known.contains_key(*name));
        let names: IndexSet<&StageName> = match stages {
            Some(stages) => known.keys().filter(|name| stages.contains(*name)).collect(),
            None => known.keys().chain(gone).collect(),
        };
        let mut wanted = Self::default();
        for name in names {
            let entry = lock.stages.get(name);
            let why = match entry {
                None => Some(WhyNot::NotInLock),
                Some(_) if !known.contains_key(name) => Some(WhyNot::Gone),
                Some(entry) => why_not(recorded, name, entry),
            };
            match (why, entry) {
                (None, Some(entry)) => wanted.add(name, entry),
                (Some(why), _) => wanted.cannot(name, why),
                (None, None) => {}
            }
        }
        wanted
    }

    fn cannot(&mut self, stage: &StageName, why: WhyNot) {
        let stage = stage.clone();
        self.unverified.push(Unverified { stage, why });
    }

    fn add(&mut self, stage: &StageName, entry: &'l StageEntry) {
        let deps = entry.deps.iter().map(|data| (data, false));
        let outs = entry.outs.iter().map(|data| (data, true));
        for (data, is_out) in deps.chain(outs) {
            let Some(hash) = data.hash else {
                self.cannot(stage, WhyNot::NoDigest(data.path.clone()));
                continue;
            };
            let (_, whose) = self
                .data
                .entry((&data.path, hash))
                .or_insert_with(|| (data, Whose::default()));
            let side = if is_out {
                &mut whose.made_by
            } else {
                &mut whose.read_by
            };
            if side.last() != Some(stage) {
                side.push(stage.clone());
            }
        }
    }
}

/// Why nothing relies on an entry, if that is so.
fn why_not(recorded: &Recorded, name: &StageName, entry: &StageEntry) -> Option<WhyNot> {
    let run = recorded.unfinished.as_ref();
    if let Some(run) = run.filter(|run| run.running_since(name).is_some()) {
        let pid = run.header.pid;
        return Some(WhyNot::BeingRun { pid });
    }
    match &entry.status {
        EntryStatus::Completed if entry.cache_key.is_some() => None,
        EntryStatus::Completed => {
            let moved = entry.moved.clone();
            Some(WhyNot::NoKey { moved })
        }
        other @ (EntryStatus::Failed | EntryStatus::Running | EntryStatus::Other(_)) => {
            Some(WhyNot::NotCompleted(other.clone()))
        }
    }
}
