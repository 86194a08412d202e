//! The transaction around one run of one stage.

use std::path::Path;

use playbook_hash::disk;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;

use crate::outputs::aside::{Aside, OldOut, set_aside};
use crate::outputs::fault::OutFault;
use crate::outputs::keep::Places;
use crate::outputs::moving::{Standing, move_data, standing_at};

/// Old outs set aside while their stage runs. It must be finished one way or the other.
#[derive(Debug)]
#[must_use = "old outs stay aside until the transaction is committed or rolled back"]
pub(crate) struct Transaction {
    places: Places,
    stage: StageName,
    outs: Vec<OldOut>,
    asides: Vec<Aside>,
    /// Everything is aside: from here on, what stands at an out is the stage's.
    begun: bool,
}

/// What a transaction that was rolled back leaves.
#[derive(Debug, Default)]
pub(crate) struct RolledBack {
    /// Former outs that are back.
    pub(crate) restored: Vec<DataPath>,
    /// What the stage left, out of the way.
    pub(crate) kept: Vec<KeptFile>,
}

impl Transaction {
    /// Sets the old outs aside and makes the directories of the new ones.
    pub(crate) fn begin(
        places: &Places,
        stage: &StageName,
        outs: Vec<OldOut>,
    ) -> Result<Self, OutFault> {
        let mut transaction = Self {
            places: places.clone(),
            stage: stage.clone(),
            outs,
            asides: Vec::new(),
            begun: false,
        };
        disk::remove_tree(&places.failed_dir(stage))?;
        match transaction.set_aside() {
            Ok(()) => {
                transaction.begun = true;
                Ok(transaction)
            }
            Err(fault) => {
                // Nothing ran: whatever was already moved goes straight back.
                transaction.roll_back()?;
                Err(fault)
            }
        }
    }

    fn set_aside(&mut self) -> Result<(), OutFault> {
        for (nth, out) in self.outs.iter().enumerate() {
            let path = self.places.resolve(&out.path);
            if !out.persist {
                let aside = self.places.aside(&path, &self.stage, nth);
                self.asides.extend(set_aside(out, &path, &aside)?);
            }
            if let Some(parent) = path.parent() {
                disk::create_dirs(parent)?;
            }
        }
        Ok(())
    }

    /// The stage made every out: the old ones go, except what is not the stage's own.
    pub(crate) fn commit(mut self) -> Result<Vec<KeptFile>, OutFault> {
        let mut kept = Vec::new();
        for aside in std::mem::take(&mut self.asides) {
            if aside.recorded {
                disk::remove_tree(&aside.waits_at)?;
            } else {
                kept.push(self.places.keep(&self.stage, &aside.out, &aside.waits_at)?);
            }
        }
        Ok(kept)
    }

    /// The stage failed: what it left is moved away for inspection (not where the disk is full), and the old
    /// outs come back.
    pub(crate) fn roll_back(&mut self) -> Result<RolledBack, OutFault> {
        let mut done = RolledBack::default();
        for out in self.outs.iter().filter(|out| self.begun && !out.persist) {
            let path = self.places.resolve(&out.path);
            let left = standing_at(&path).map_err(|source| OutFault::Unreadable {
                out: out.path.clone(),
                source,
            })?;
            if left == Standing::Nothing {
                continue;
            }
            if disk_is_full(&path) {
                // What it left would keep the disk full, and the lock from being saved.
                disk::remove_tree(&path)?;
            } else {
                done.kept
                    .push(self.places.keep_failed(&self.stage, &out.path, &path)?);
            }
        }
        for aside in std::mem::take(&mut self.asides) {
            move_data(&aside.waits_at, &aside.path)?;
            done.restored.push(aside.out);
        }
        Ok(done)
    }
}

/// Less than this many bytes left is no room for anything.
const NO_ROOM: u64 = 1 << 20;

/// Whether the file system that a path is on has no room left.
fn disk_is_full(path: &Path) -> bool {
    let Some(directory) = path.parent() else {
        return false;
    };
    rustix::fs::statvfs(directory)
        .is_ok_and(|found| found.f_bavail.saturating_mul(found.f_frsize) < NO_ROOM)
}
