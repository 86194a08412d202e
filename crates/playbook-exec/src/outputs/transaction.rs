//! The transaction around one run of one stage.

use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::{self, DiskError};
use playbook_lock::journal::{self, Journal, JournalRecord, OpenStage, Phase};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;
use playbook_types::record::lock::StageEntry;

use crate::outputs::aside::{OldOut, set_aside};
use crate::outputs::fault::OutFault;
use crate::outputs::keep::Places;
use crate::outputs::steps::{BroughtBack, bring_back, clear, drop_old};

/// Old outs set aside while their stage runs. It must be finished one way or the other.
#[derive(Debug)]
#[must_use = "old outs stay aside until the transaction is committed or rolled back"]
pub(crate) struct Transaction<'a> {
    places: &'a Places,
    journal: &'a Journal,
    stage: StageName,
    outs: Vec<journal::OldOut>,
}

/// What a transaction that was rolled back leaves.
#[derive(Debug, Default)]
pub(crate) struct RolledBack {
    /// Former outs that are back.
    pub(crate) restored: Vec<DataPath>,
    /// What the stage left, out of the way until it runs next.
    pub(crate) left: Vec<KeptFile>,
    /// Files of the user's that stood where the stage made its outs, or where old outs were to go back.
    pub(crate) kept: Vec<KeptFile>,
    /// Former outs that somebody has removed where they waited.
    pub(crate) gone: Vec<DataPath>,
}

/// What a transaction that was committed leaves.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// Files of the user's that stood where the stage made its outs.
    pub(crate) kept: Vec<KeptFile>,
    /// Why old outs are still aside. The stage is done all the same.
    pub(crate) fault: Option<OutFault>,
}

/// Why a transaction could not begin.
#[derive(Debug)]
pub(crate) struct NotBegun {
    pub(crate) fault: Box<OutFault>,
    /// Why what had already been set aside is not back.
    pub(crate) stuck: Option<Box<OutFault>>,
}

impl<E: Into<OutFault>> From<E> for NotBegun {
    fn from(fault: E) -> Self {
        Self {
            fault: Box::new(fault.into()),
            stuck: None,
        }
    }
}

impl<'a> Transaction<'a> {
    /// Notes in the journal what is about to happen, sets the old outs aside and makes the directories of
    /// the new ones.
    pub(crate) fn begin(
        (places, journal): (&'a Places, &'a Journal),
        stage: &StageName,
        outs: &[OldOut],
        at: Timestamp,
    ) -> Result<Self, NotBegun> {
        places.forget_failed(stage)?;
        let noted = outs.iter().enumerate().filter(|(_, out)| !out.persist);
        let noted = noted.map(|(nth, out)| {
            let path = places.resolve(&out.path);
            out.noted(&path, places.aside(stage, nth))
        });
        let transaction = Self {
            places,
            journal,
            stage: stage.clone(),
            outs: noted.collect::<Result<_, OutFault>>()?,
        };
        journal.append(&JournalRecord::Began {
            stage: stage.clone(),
            at,
            outs: transaction.outs.clone(),
        })?;
        pass(Point::OutsNoted);
        match transaction.set_aside(outs) {
            Ok(()) => Ok(transaction),
            Err(fault) => {
                // Nothing ran: whatever was already moved goes straight back.
                let stuck = bring_back(places, stage, &transaction.outs).err();
                Err(NotBegun {
                    fault: Box::new(fault),
                    stuck: stuck.map(Box::new),
                })
            }
        }
    }

    /// That of a stage whose outs are left to its jobs: begun with none.
    pub(crate) fn of_jobs((places, journal): (&'a Places, &'a Journal), stage: &StageName) -> Self {
        Self {
            places,
            journal,
            stage: stage.clone(),
            outs: Vec::new(),
        }
    }

    fn set_aside(&self, all: &[OldOut]) -> Result<(), OutFault> {
        for (out, aside) in self
            .outs
            .iter()
            .filter_map(|out| Some((out, out.aside.as_ref()?)))
        {
            let path = self.places.resolve(&out.path);
            set_aside(&out.path, &path, &path.with_file_name(aside))?;
        }
        for out in all {
            if let Some(parent) = self.places.resolve(&out.path).parent() {
                disk::create_dirs(parent)?;
            }
        }
        if self.had_outs() {
            let stage = self.stage.clone();
            self.journal.append(&JournalRecord::Aside { stage })?;
        }
        pass(Point::OutsAside);
        Ok(())
    }

    /// Whether anything stood at its outs.
    fn had_outs(&self) -> bool {
        self.outs.iter().any(|out| out.aside.is_some())
    }

    /// The stage made every out: with its entry in the journal its result stands. The old outs go, except what
    /// is not the stage's own.
    ///
    /// # Errors
    ///
    /// The journal cannot be written. The transaction is as it was, and can be rolled back.
    pub(crate) fn commit(&self, entry: &StageEntry) -> Result<Committed, DiskError> {
        let stage = self.stage.clone();
        let entry = Box::new(entry.clone());
        self.journal
            .append(&JournalRecord::Finished { stage, entry })?;
        pass(Point::Recorded);
        if !self.had_outs() {
            return Ok(Committed::default());
        }
        let stage = self.stage.clone();
        let closed = drop_old(self.places, &self.stage, &self.outs).and_then(|kept| {
            pass(Point::OldOutsGone);
            let entry = None;
            self.journal
                .append(&JournalRecord::Closed { stage, entry })?;
            Ok(kept)
        });
        Ok(match closed {
            Ok(kept) => Committed { kept, fault: None },
            Err(fault) => Committed {
                kept: Vec::new(),
                fault: Some(fault),
            },
        })
    }

    /// The stage failed: what it left is moved away for inspection (not where the disk is full), and the old
    /// outs come back. The journal has yet to be told that nothing is left to do.
    pub(crate) fn roll_back(&self) -> Result<RolledBack, OutFault> {
        let with = (&self.outs[..], Phase::Running);
        let done = roll_back(self.places, self.journal, &self.stage, with)?;
        match done.gone.first() {
            Some(out) => Err(OutFault::Gone { out: out.clone() }),
            None => Ok(done),
        }
    }
}

/// Puts right what a dead run left of a stage's transaction, whatever it had come to.
pub(crate) fn put_right(
    places: &Places,
    journal: &Journal,
    stage: &StageName,
    open: &OpenStage,
) -> Result<RolledBack, OutFault> {
    match open.phase {
        Phase::Dropping => {
            let kept = drop_old(places, stage, &open.outs)?;
            Ok(RolledBack {
                kept,
                ..RolledBack::default()
            })
        }
        phase => roll_back(places, journal, stage, (&open.outs, phase)),
    }
}

fn roll_back(
    places: &Places,
    journal: &Journal,
    stage: &StageName,
    (outs, phase): (&[journal::OldOut], Phase),
) -> Result<RolledBack, OutFault> {
    let mut done = RolledBack::default();
    if phase == Phase::Running {
        done.left = clear(places, stage, outs)?;
        pass(Point::LeftoversMoved);
        if outs.iter().any(|out| out.aside.is_some()) {
            let stage = stage.clone();
            journal.append(&JournalRecord::Restoring { stage })?;
        }
    }
    let BroughtBack {
        restored,
        kept,
        gone,
    } = bring_back(places, stage, outs)?;
    pass(Point::OldOutsBack);
    done.restored = restored;
    done.gone = gone;
    done.kept = kept;
    Ok(done)
}
