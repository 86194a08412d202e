//! Putting right what a run that died left behind.
//!
//! Only the holder of the run lock does this, before it plans: commands that still run are ended, the
//! transactions of stages closed, and the journal's entries put into the lock. Every step can be taken again, so
//! that a recovery that dies itself is continued by the next one.

mod orphans;
mod strays;

use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::remove_half_replaced;
use playbook_hash::{DigestMemo, IgnoreRules, Trust, boot_id};
use playbook_lock::history::short_id;
use playbook_lock::journal::{
    Journal, JournalRecord, OldOut, OpenJob, OpenStage, Phase, RunHeader, StoredJournal,
    discard_journal, read_journal, replay,
};
use playbook_lock::run_lock::RunLock;
use playbook_lock::{Base, Folder, LockError, Project, with_cut_off};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;
use rustix::process::Pid;

use crate::error::ExecError;
use crate::fanout::{JobRecord, MadeFile, Manifest, thing_at};
use crate::outputs::{OutFault, Places, RolledBack, put_job_right, put_right};
use crate::process::identity;
use crate::recover::orphans::end_orphans;
use crate::recover::strays::bring_strays_back;
use crate::schedule::Entries;

/// How to recover.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// The user says that a run on another machine is dead: nobody here can tell.
    pub elsewhere: bool,
    /// How long a command may take to end after SIGTERM, before SIGKILL.
    pub grace: Duration,
    /// When this happens.
    pub now: Timestamp,
}

/// What a run that died had left, and what became of it.
#[derive(Debug)]
pub struct Recovered {
    /// The run.
    pub run: RunHeader,
    /// Stages it had completed that the lock did not have.
    pub completed: Vec<StageName>,
    /// Stages it was in the middle of.
    pub cut_off: Vec<CutOff>,
    /// Files that stood where stages made their outs and were not theirs, each with the stage, and where they are now.
    pub kept: Kept,
    /// How many of its processes were still running, and were ended.
    pub ended: usize,
}

/// Files of the user's, each with the stage in whose way it stood.
pub type Kept = Vec<(StageName, KeptFile)>;

/// A stage that was cut off.
#[derive(Debug)]
pub struct CutOff {
    /// The stage.
    pub stage: StageName,
    /// Former outs that are back.
    pub restored: Vec<DataPath>,
    /// What it left, out of the way until it runs next.
    pub left: Vec<KeptFile>,
    /// Former outs that are gone: something removed them where they waited.
    pub gone: Vec<DataPath>,
}

/// Recovers from a run that died, if one did.
///
/// # Errors
///
/// A journal that cannot be read, a run that died (or still runs) on another machine, commands that cannot be ended, or a disk
/// that refuses. What is left to do is done by the next call.
pub fn recover(
    project: &Project,
    _held: &RunLock,
    how: Recovery,
) -> Result<Option<Recovered>, ExecError> {
    let path = project.state_dir().journal();
    let Some(stored) = read_journal(&path)? else {
        // A run that died while it wrote its first record had done nothing yet; but a power cut may have taken
        // its records and left what it was about to save.
        if path.symlink_metadata().is_ok() {
            remove_half_replaced(&project.lock_path())?;
            discard_journal(&path)?;
        }
        return Ok(None);
    };
    let StoredJournal {
        header,
        records,
        valid_bytes,
    } = stored;
    let replay = replay(records);
    if still_runs(&header) {
        let holder = format!(
            "pid {} on {}, since {}",
            header.pid, header.host, header.since
        );
        return Err(ExecError::Lock(LockError::Held { holder }));
    }
    pass(Point::RecoveryBegun);
    let places = Places::new(
        project.root(),
        &project.state_dir(),
        &short_id(header.run_id),
    );
    let ended = match whereabouts(&header) {
        Whereabouts::Here => end_orphans(&header, &replay.open, &places, how.grace)?,
        // The machine has started anew since.
        Whereabouts::Past => 0,
        Whereabouts::Elsewhere if how.elsewhere => 0,
        Whereabouts::Elsewhere => {
            let run = Box::new(header);
            return Err(ExecError::DiedElsewhere { run });
        }
    };
    pass(Point::OrphansEnded);
    let journal = Journal::reopen(path, header.clone(), valid_bytes)?;
    remove_half_replaced(&project.lock_path())?;
    project.state_dir().remove_half_written()?;
    let base = if project.playbook().policy.lock_file {
        Base::read(&project.lock_path())?
    } else {
        Base::default()
    };
    let entries = with_cut_off(base.lock.as_ref(), replay.entries, &replay.open);
    let ignore = IgnoreRules::load(project.root().as_path())?;
    let (cut_off, kept) = close_transactions(&places, &journal, (&replay.open, &entries), &ignore)?;
    bring_strays_back(project.playbook(), &places)?;
    pass(Point::OutsRecovered);
    let completed = fold(project, &base, entries, how.now)?;
    pass(Point::RecoveryFolded);
    journal.remove()?;
    Ok(Some(Recovered {
        run: header,
        completed,
        cut_off,
        kept,
        ended,
    }))
}

/// Where a run's processes are, as seen from here.
enum Whereabouts {
    Here,
    /// Nowhere: the machine has started anew since.
    Past,
    /// On another machine.
    Elsewhere,
}

fn whereabouts(header: &RunHeader) -> Whereabouts {
    match (header.boot.as_deref(), boot_id()) {
        // One kernel, whatever its containers call themselves.
        (Some(then), Some(now)) if then == now => Whereabouts::Here,
        _ if header.host != identity::host() => Whereabouts::Elsewhere,
        (Some(_), Some(_)) => Whereabouts::Past,
        _ => Whereabouts::Here,
    }
}

/// Whether the run whose journal this is still runs, although its lock could be taken: somebody must have removed the
/// file behind the lock.
fn still_runs(header: &RunHeader) -> bool {
    let here = header.boot.is_some() && header.boot.as_deref() == boot_id();
    let visible = header.pid_namespace == identity::pid_namespace();
    let Some(pid) = i32::try_from(header.pid).ok().and_then(Pid::from_raw) else {
        return false;
    };
    let started = identity::process(pid).map(|process| process.started);
    here && visible
        && started.is_some()
        && started == header.pid_started
        && identity::has_files_open(pid)
}

/// Closes what was open. Gives the stages that were cut off, and what is kept for the user.
fn close_transactions(
    places: &Places,
    journal: &Journal,
    (open, entries): (&IndexMap<StageName, OpenStage>, &Entries),
    ignore: &IgnoreRules,
) -> Result<(Vec<CutOff>, Kept), ExecError> {
    let (mut cut_off, mut all_kept) = (Vec::new(), Vec::new());
    for (stage, open) in open {
        let back = put_right(places, journal, stage, open);
        let back =
            back.and_then(|back| put_jobs_right((places, journal), (stage, open), back, ignore));
        let back = back.map_err(|fault| ExecError::OldOuts {
            stage: stage.to_string(),
            fault,
        })?;
        let entry = entries.get(stage).filter(|_| was_cut_off(open));
        journal.append(&JournalRecord::Closed {
            stage: stage.clone(),
            entry: entry.cloned().map(Box::new),
        })?;
        let RolledBack {
            restored,
            left,
            kept,
            gone,
        } = back;
        all_kept.extend(kept.into_iter().map(|kept| (stage.clone(), kept)));
        if was_cut_off(open) {
            cut_off.push(CutOff {
                stage: stage.clone(),
                restored,
                left,
                gone,
            });
        }
    }
    Ok((cut_off, all_kept))
}

/// The same for the jobs of a fan-out; what is left of them is added.
fn put_jobs_right(
    (places, journal): (&Places, &Journal),
    (stage, open): (&StageName, &OpenStage),
    mut back: RolledBack,
    ignore: &IgnoreRules,
) -> Result<RolledBack, OutFault> {
    if open.jobs.is_empty() {
        return Ok(back);
    }
    let manifest = Manifest::load(places.state(), stage);
    let memo = DigestMemo::new(Trust::ReadEverything);
    for (lane, job) in &open.jobs {
        let done = manifest
            .job(&job.key)
            .is_some_and(|record| is_done(places, (record, job), (&memo, ignore)));
        let of_job = put_job_right((places, journal), stage, (*lane, job), done)?;
        back.restored.extend(of_job.restored);
        back.left.extend(of_job.left);
        back.kept.extend(of_job.kept);
        back.gone.extend(of_job.gone);
    }
    Ok(back)
}

/// Whether the dead run had a job on record as done, and what it made is there.
fn is_done(
    places: &Places,
    (record, job): (&JobRecord, &OpenJob),
    look: (&DigestMemo, &IgnoreRules),
) -> bool {
    let made = record.outs.iter().zip(&job.outs);
    let same = |(made, out): (&MadeFile, &OldOut)| {
        let found = thing_at(&places.resolve(&out.path), look);
        found.is_ok_and(|found| found == Some(made.seen))
    };
    record.run == places.run() && made.into_iter().all(same)
}

fn was_cut_off(open: &OpenStage) -> bool {
    open.phase != Phase::Dropping
}

/// Puts the entries that the lock does not have into it. Gives the stages among them that completed.
fn fold(
    project: &Project,
    base: &Base,
    mut entries: Entries,
    now: Timestamp,
) -> Result<Vec<StageName>, ExecError> {
    if !project.playbook().policy.lock_file {
        return Ok(Vec::new());
    }
    entries.retain(|stage, entry| {
        let known = base.lock.as_ref().and_then(|lock| lock.stages.get(stage));
        known != Some(entry) && project.playbook().stages.contains_key(stage)
    });
    if !entries.is_empty() {
        Folder::new(project.lock_path(), base)
            .fold(project, base, &entries, now)
            .map_err(ExecError::NotFolded)?;
    }
    let completed = entries
        .iter()
        .filter(|(_, entry)| entry.status == playbook_types::record::lock::EntryStatus::Completed);
    Ok(completed.map(|(stage, _)| stage.clone()).collect())
}
