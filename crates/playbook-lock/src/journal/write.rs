//! Appending to the journal, and syncing it in groups.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use playbook_hash::disk::{self, AppendFile, DiskError};
use playbook_types::name::StageName;

use crate::journal::record::{JournalRecord, RunHeader, had_outs};

/// How long a record may wait for others to be synced together with it.
const GROUP: Duration = Duration::from_millis(50);

/// The journal of the run under way. Its file is made with the first record, so that a run that executes
/// nothing leaves none.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    header: RunHeader,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    file: Option<AppendFile>,
    /// Something was appended that is not synced.
    unsynced: bool,
    /// The directory the file was made in, until that is synced.
    made_in: Option<PathBuf>,
    /// Something is being synced.
    syncing: bool,
    over: bool,
    /// Stages for which something is left to do, each with whether old outs of it are aside.
    open: IndexMap<StageName, bool>,
    /// Why syncing failed.
    fault: Option<DiskError>,
}

impl State {
    fn note(&mut self, record: &JournalRecord) {
        match record {
            JournalRecord::Began { stage, outs, .. } => {
                self.open.insert(stage.clone(), had_outs(outs));
            }
            JournalRecord::Finished { stage, .. } if self.open.get(stage) == Some(&true) => {}
            JournalRecord::Finished { stage, .. } | JournalRecord::Closed { stage, .. } => {
                self.open.swap_remove(stage);
            }
            JournalRecord::Run(_)
            | JournalRecord::Aside { .. }
            | JournalRecord::Group { .. }
            | JournalRecord::JobBegan { .. }
            | JournalRecord::JobAside { .. }
            | JournalRecord::JobGroup { .. }
            | JournalRecord::JobRestoring { .. }
            | JournalRecord::JobClosed { .. }
            | JournalRecord::Restoring { .. } => {}
        }
    }
}

impl Journal {
    /// The journal of the run that `header` names. Nothing is touched yet.
    pub fn new(path: PathBuf, header: RunHeader) -> Self {
        Self {
            path,
            header,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The journal that a dead run left at `path`, to be continued by whoever puts it right: cut off behind
    /// its last whole record.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn reopen(path: PathBuf, header: RunHeader, valid_bytes: u64) -> Result<Self, DiskError> {
        let mut file = AppendFile::open(&path)?;
        file.cut(valid_bytes)?;
        let journal = Self::new(path, header);
        journal.state().file = Some(file);
        Ok(journal)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a record. When this returns the record survives the death of the process; a power cut, once
    /// [`Journal::keep_synced`] has come by.
    ///
    /// # Errors
    ///
    /// When the disk refuses. Then nothing of the record is there, and the next one may go well.
    pub fn append(&self, record: &JournalRecord) -> Result<(), DiskError> {
        let line = record.encode();
        let mut state = self.state();
        if let Some(file) = &mut state.file {
            file.append_whole(line.as_bytes())?;
        } else {
            let mut lines = JournalRecord::Run(self.header.clone()).encode();
            lines.push_str(&line);
            let mut file = AppendFile::open(&self.path)?;
            // What is there is of a run that did nothing: whoever holds the run lock has looked.
            file.cut(0)?;
            file.append_whole(lines.as_bytes())?;
            state.file = Some(file);
            state.made_in = self.path.parent().map(Path::to_owned);
        }
        state.note(record);
        if !state.unsynced {
            state.unsynced = true;
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Whether something is left to do for a stage: the journal must stay.
    pub fn has_open_stages(&self) -> bool {
        !self.state().open.is_empty()
    }

    /// Syncs what is appended, at most 50 ms after it was, until [`Journal::stop`]. For a thread of its own.
    pub fn keep_synced(&self) {
        let mut state = self.state();
        loop {
            let idle = |state: &mut State| !state.unsynced && !state.over;
            state = self
                .changed
                .wait_while(state, idle)
                .unwrap_or_else(PoisonError::into_inner);
            let going_on = |state: &mut State| !state.over;
            (state, _) = self
                .changed
                .wait_timeout_while(state, GROUP, going_on)
                .unwrap_or_else(PoisonError::into_inner);
            if state.over {
                return;
            }
            let file = state.file.as_ref().map(AppendFile::again);
            let made_in = state.made_in.take();
            state.unsynced = false;
            state.syncing = true;
            drop(state);
            let synced = file.map_or(Ok(()), |file| sync(&file?, made_in.as_deref()));
            state = self.state();
            state.syncing = false;
            self.changed.notify_all();
            if let Err(error) = synced {
                state.fault.get_or_insert(error);
            }
        }
    }

    /// Whether a power cut would lose something that was appended.
    pub fn is_unsynced(&self) -> bool {
        let state = self.state();
        state.unsynced || state.syncing
    }

    /// Why records could not be made durable, told once.
    pub fn fault(&self) -> Option<DiskError> {
        self.state().fault.take()
    }

    /// Ends [`Journal::keep_synced`], and says why it could not do its work.
    ///
    /// # Errors
    ///
    /// What was appended may not survive a power cut.
    pub fn stop(&self) -> Result<(), DiskError> {
        let mut state = self.state();
        state.over = true;
        self.changed.notify_all();
        let mut state = self
            .changed
            .wait_while(state, |state| state.syncing)
            .unwrap_or_else(PoisonError::into_inner);
        state.fault.take().map_or(Ok(()), Err)
    }

    /// Everything in it is in the lock, durably: the journal goes.
    ///
    /// # Errors
    ///
    /// When the disk refuses. A journal that stays is applied again by the next command, to no effect.
    pub fn remove(&self) -> Result<(), DiskError> {
        if self.state().file.take().is_none() {
            return Ok(());
        }
        discard_journal(&self.path)
    }

    /// Syncs what is appended now: the run is over, and its entries are not in the lock.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn sync_now(&self) -> Result<(), DiskError> {
        let state = self.state();
        match &state.file {
            Some(file) => sync(file, state.made_in.as_deref()),
            None => Ok(()),
        }
    }
}

fn sync(file: &AppendFile, made_in: Option<&Path>) -> Result<(), DiskError> {
    file.sync()?;
    made_in.map_or(Ok(()), disk::sync_dir)
}

/// Removes the journal at `path`, if there is one, for good: one that came back after a power cut would bring
/// back what is long past.
///
/// # Errors
///
/// When the disk refuses.
pub fn discard_journal(path: &Path) -> Result<(), DiskError> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    disk::remove_file(path)?;
    path.parent().map_or(Ok(()), disk::sync_dir)
}
