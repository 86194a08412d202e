//! The transaction around one job of a fan-out: what stood at its own outputs is aside while it runs, and the rest of the
//! directory stays as it is.
//!
//! That a job ended well the record of its stage's jobs says; whoever puts a dead run right asks there.

use std::fs;

use playbook_hash::disk;
use playbook_hash::disk::faults::{Point, pass};
use playbook_lock::journal::{Journal, JournalRecord, OldOut as Noted, OpenJob, Phase};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::record::event::KeptFile;

use crate::outputs::aside::{OldOut, set_aside};
use crate::outputs::fault::OutFault;
use crate::outputs::keep::Places;
use crate::outputs::steps::{BroughtBack, bring_back, clear, drop_old};
use crate::outputs::transaction::{NotBegun, RolledBack};

/// What stood at a job's outputs, set aside while it runs.
#[derive(Debug)]
#[must_use = "what stood there stays aside until the transaction is committed or rolled back"]
pub(crate) struct JobTransaction<'a> {
    places: &'a Places,
    journal: &'a Journal,
    stage: &'a StageName,
    lane: u32,
    outs: Vec<Noted>,
}

impl<'a> JobTransaction<'a> {
    /// Notes in the journal what is about to happen, sets aside what stands at the job's outputs and makes their
    /// directories.
    pub(crate) fn begin(
        (places, journal): (&'a Places, &'a Journal),
        stage: &'a StageName,
        (lane, key): (u32, Digest),
        outs: &[OldOut],
    ) -> Result<Self, NotBegun> {
        let noted = outs.iter().enumerate().filter(|(_, out)| !out.persist);
        let noted = noted.map(|(nth, out)| {
            let aside = places.job_aside(stage, lane, nth);
            out.noted(&places.resolve(&out.path), aside)
        });
        let transaction = Self {
            places,
            journal,
            stage,
            lane,
            outs: noted.collect::<Result<_, OutFault>>()?,
        };
        let folders = transaction.outs.iter().any(|out| {
            let meta = fs::symlink_metadata(places.resolve(&out.path));
            out.aside.is_some() && meta.is_ok_and(|meta| meta.is_dir())
        });
        journal.append(&JournalRecord::JobBegan {
            stage: stage.clone(),
            lane,
            key,
            outs: transaction.outs.clone(),
            folders,
        })?;
        pass(Point::JobNoted);
        match transaction.set_aside(outs, folders) {
            Ok(()) => Ok(transaction),
            Err(fault) => {
                // Nothing ran: whatever was already moved goes straight back.
                let stuck = bring_back(places, stage, &transaction.outs).err();
                let stuck = stuck.or_else(|| transaction.close().err());
                Err(NotBegun {
                    fault: Box::new(fault),
                    stuck: stuck.map(Box::new),
                })
            }
        }
    }

    fn set_aside(&self, all: &[OldOut], folders: bool) -> Result<(), OutFault> {
        for out in &self.outs {
            if let Some(aside) = &out.aside {
                let path = self.places.resolve(&out.path);
                set_aside(&out.path, &path, &path.with_file_name(aside))?;
            }
        }
        for out in all {
            if let Some(parent) = self.places.resolve(&out.path).parent() {
                disk::create_dirs(parent)?;
            }
        }
        if folders {
            self.journal.append(&JournalRecord::JobAside {
                stage: self.stage.clone(),
                lane: self.lane,
            })?;
        }
        pass(Point::JobAside);
        Ok(())
    }

    /// The job is on record as done: what stood there before goes, except what is not the stage's own.
    pub(crate) fn commit(self) -> Result<Vec<KeptFile>, OutFault> {
        drop_old(self.places, self.stage, &self.outs)
    }

    /// The job failed: what it left is moved away for inspection (not where the disk is full), and what stood there
    /// comes back.
    pub(crate) fn roll_back(self) -> Result<RolledBack, OutFault> {
        let left = clear(self.places, self.stage, &self.outs)?;
        pass(Point::JobLeftovers);
        let back = restore(
            (self.places, self.journal),
            self.stage,
            (self.lane, &self.outs),
        )?;
        self.close()?;
        Ok(RolledBack { left, ..back })
    }

    /// Nothing is left to do for the job.
    fn close(&self) -> Result<(), OutFault> {
        Ok(self.journal.append(&JournalRecord::JobClosed {
            stage: self.stage.clone(),
            lane: self.lane,
        })?)
    }
}

/// Brings back what stood at a job's outputs; what the job left is out of the way.
fn restore(
    (places, journal): (&Places, &Journal),
    stage: &StageName,
    (lane, outs): (u32, &[Noted]),
) -> Result<RolledBack, OutFault> {
    if outs.iter().any(|out| out.aside.is_some()) {
        journal.append(&JournalRecord::JobRestoring {
            stage: stage.clone(),
            lane,
        })?;
    }
    let BroughtBack {
        restored,
        kept,
        gone,
    } = bring_back(places, stage, outs)?;
    Ok(RolledBack {
        restored,
        left: Vec::new(),
        kept,
        gone,
    })
}

/// Puts right what a dead run left of a job. `done` says that the job is on record as done.
pub(crate) fn put_job_right(
    with: (&Places, &Journal),
    stage: &StageName,
    (lane, job): (u32, &OpenJob),
    done: bool,
) -> Result<RolledBack, OutFault> {
    let (places, _) = with;
    if done {
        let kept = drop_old(places, stage, &job.outs)?;
        return Ok(RolledBack {
            kept,
            ..RolledBack::default()
        });
    }
    let mut left = Vec::new();
    if job.phase == Phase::Running {
        // Where something was to be set aside and is not, it stands in its place: the job did not come to run, or it is
        // back already.
        let is_jobs = |out: &&Noted| {
            let place = places.resolve(&out.path);
            let aside = out.aside.as_ref().map(|aside| place.with_file_name(aside));
            aside.is_none_or(|aside| aside.symlink_metadata().is_ok())
        };
        let outs: Vec<Noted> = job.outs.iter().filter(is_jobs).cloned().collect();
        left = clear(places, stage, &outs)?;
    }
    let back = restore(with, stage, (lane, &job.outs))?;
    Ok(RolledBack { left, ..back })
}
