//! What is on record: the lock, and on top of it what a run that is under way or died has done since.

use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::Root;
use playbook_types::model::playbook::Playbook;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{EntryStatus, LockFile, StageEntry};

use crate::error::LockError;
use crate::journal::{OpenStage, Phase, Replay, RunHeader, StoredJournal, read_journal, replay};
use crate::project::Project;
use crate::record::{Base, compose};
use crate::run_lock;

/// What is on record for a playbook. Reading it writes nothing.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The lock as it is on disk.
    pub base: Base,
    /// The lock as the next run will find it, if a run left a journal.
    seen: Option<LockFile>,
    /// The run that left a journal.
    pub unfinished: Option<Unfinished>,
}

/// A run whose journal is there: it is under way, or it died.
#[derive(Debug)]
pub struct Unfinished {
    /// Which run.
    pub header: RunHeader,
    /// Who holds the run lock; none if the run is dead.
    pub holder: Option<String>,
    /// Stages it is, or was, in the middle of.
    pub open: IndexMap<StageName, OpenStage>,
}

impl Unfinished {
    /// Since when the run is working on this stage, if it is.
    pub fn running_since(&self, stage: &StageName) -> Option<Timestamp> {
        self.holder.as_ref()?;
        let open = self.open.get(stage)?;
        (open.phase != Phase::Dropping).then_some(open.began_at)
    }

    /// Where what stood at `path` before is now, if that is not there: the run is, or was, in the middle of the stage
    /// that makes it, and if it is dead the next run will find it in its place again.
    pub fn waits_elsewhere(&self, root: &Root, path: &DataPath) -> Option<PathBuf> {
        let cut_off = self
            .open
            .values()
            .filter(|open| open.phase != Phase::Dropping);
        cut_off
            .flat_map(|open| open.outs.iter().map(move |out| (open, out)))
            .find_map(|(open, out)| {
                let below = components_below(&out.path, path)?;
                let there = root.resolve(&out.path);
                match &out.aside {
                    Some(aside) => {
                        let waits_at = there.with_file_name(aside);
                        waits_at.symlink_metadata().ok()?;
                        Some(below.iter().fold(waits_at, |at, part| at.join(part)))
                    }
                    // What the stage left will be moved away: nothing will stand there.
                    None => (open.phase == Phase::Running).then(|| there.join(".playbook-aside-")),
                }
            })
    }
}

/// The components of `path` behind those of `out`, if it is the out or lies below it.
fn components_below<'p>(out: &DataPath, path: &'p DataPath) -> Option<Vec<&'p str>> {
    let mut rest = path.components();
    out.components()
        .all(|part| rest.next() == Some(part))
        .then(|| rest.collect())
}

impl Recorded {
    /// The lock as the next run will find it.
    pub fn lock(&self) -> Option<&LockFile> {
        self.seen.as_ref().or(self.base.lock.as_ref())
    }

    /// A lock that no run has left a journal beside.
    pub fn undisturbed(base: Base) -> Self {
        Self {
            base,
            seen: None,
            unfinished: None,
        }
    }

    /// Reads what is on record for the project.
    ///
    /// # Errors
    ///
    /// A lock or a journal that cannot be read.
    pub fn read(project: &Project) -> Result<Self, LockError> {
        // In this order: what a run takes out of its journal it has put into the lock before.
        let journal = read_journal(&project.state_dir().journal())?;
        let base = Base::of(project)?;
        let Some(StoredJournal {
            header, records, ..
        }) = journal
        else {
            return Ok(Self::undisturbed(base));
        };
        let Replay { entries, open } = replay(records);
        let holder = run_lock::holder(&project.state_dir().run_lock())?;
        let seen = with_journal(project.playbook(), base.lock.as_ref(), entries, &open);
        Ok(Self {
            base,
            seen,
            unfinished: Some(Unfinished {
                header,
                holder,
                open,
            }),
        })
    }
}

/// The lock with the entries of a journal, if there are any.
fn with_journal(
    playbook: &Playbook,
    lock: Option<&LockFile>,
    entries: IndexMap<StageName, StageEntry>,
    open: &IndexMap<StageName, OpenStage>,
) -> Option<LockFile> {
    let entries = with_cut_off(lock, entries, open);
    let generated_at = lock.and_then(|lock| lock.generated_at);
    (!entries.is_empty()).then(|| compose(playbook, lock, &entries, generated_at).into_owned())
}

/// The entries of a journal and of the stages that were cut off, which count as not completed.
pub fn with_cut_off(
    lock: Option<&LockFile>,
    mut entries: IndexMap<StageName, StageEntry>,
    open: &IndexMap<StageName, OpenStage>,
) -> IndexMap<StageName, StageEntry> {
    for (stage, cut_off) in open
        .iter()
        .filter(|(_, open)| open.phase != Phase::Dropping)
    {
        let known = entries.get(stage).or_else(|| lock?.stages.get(stage));
        let entry = cut_off_entry(known, cut_off);
        entries.insert(stage.clone(), entry);
    }
    entries
}

/// The entry of a stage that was cut off: what was known of its outs still is, for they are back.
fn cut_off_entry(known: Option<&StageEntry>, open: &OpenStage) -> StageEntry {
    StageEntry {
        status: EntryStatus::Running,
        started_at: Some(open.began_at),
        completed_at: None,
        cache_key: None,
        ..known.cloned().unwrap_or_else(StageEntry::unknown)
    }
}
