//! The end: what no job makes goes or is kept, what all of them made is digested, and the stage's entry is in the journal.

use std::sync::PoisonError;

use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::{self, DiskError};
use playbook_lock::entry;
use playbook_types::record::event::KeptFile;

use crate::fanout::JobFailure;
use crate::fanout::begin::{FanOut, Unmade, look_at_out, parts};
use crate::fanout::progress::{Came, Turn};
use crate::fanout::split::below;
use crate::fanout::work_dir::short;
use crate::outputs::{OutFault, Transaction};
use crate::stage::{Attempt, AttemptResult, Failed, FailureCause, Made, Timer};

impl FanOut {
    /// A job that cannot even begin.
    pub(super) fn cannot_run(&self, turn: Turn, cause: FailureCause) {
        let number = turn.job as usize;
        let failure = JobFailure {
            input: self.jobs.title(number),
            id: short(&self.keys[number]),
            command: String::new(),
            cause,
            work_dir: None,
            log: None,
        };
        self.progress.failed(failure, true);
    }

    /// Brings the stage to its end. Nothing of it runs any more.
    pub(super) fn conclude(&self, with: Attempt<'_>) -> AttemptResult {
        let mut came = self.progress.came_to();
        let timer = Timer {
            started_at: self.started_at,
            ran: with.running.awake().saturating_duration_since(self.began),
        };
        let outcome = match failure(&mut came) {
            None => self
                .finish(with, &mut came, &timer)
                .map_err(|cause| halted(with, cause)),
            Some(cause) => Err(cause),
        };
        let outcome = outcome.map_err(|cause| {
            let old = with.entry(&self.job);
            let old = old.map(|entry| entry.outs.clone()).unwrap_or_default();
            let kept = came.left.leftovers.into_iter().chain(came.left.kept);
            Failed {
                cause,
                entry: entry::failed(&self.job.fingerprint, old, with.ran(&self.job, &timer)),
                restored: came.left.restored,
                kept: kept.collect(),
                verdict: None,
                jobs: Some(came.counts),
            }
        });
        AttemptResult {
            id: self.job.id,
            log: self.job.log.clone(),
            usage: with.usage(self.job.id),
            // Which of the jobs it was is not known.
            out_of_memory: false,
            outcome,
        }
    }

    /// All jobs are done.
    fn finish(
        &self,
        with: Attempt<'_>,
        came: &mut Came,
        timer: &Timer,
    ) -> Result<Made, FailureCause> {
        pass(Point::JobsDone);
        let stage = with.plan.stage(self.job.id);
        let (kept, removed) = self.sweep(with)?;
        came.left.kept.extend(kept);
        came.counts.removed = removed;
        pass(Point::Swept);
        let outs = with.eyes().made(stage)?;
        pass(Point::OutsMade);
        let mut moved = with.eyes().moved(&self.job.fingerprint.deps);
        if let Some((_, dep, _)) = parts(stage)
            && came.left.moved
            && !moved.contains(dep)
        {
            moved.push(dep.clone());
        }
        let mut entry = entry::completed(&self.job.fingerprint, outs, with.ran(&self.job, timer));
        if !moved.is_empty() {
            entry.cache_key = None;
            entry.moved = moved;
        }
        if with.memo.is_halted() {
            // Whether its deps moved is then not known.
            return Err(FailureCause::Interrupted);
        }
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        // They are only longer than they need be.
        manifest.tidy(&self.keys).ok();
        self.work_dirs.all_done().ok();
        if !stage.deterministic {
            // No later run goes on with these jobs, not even after one that failed before it came to any.
            manifest.begin_anew().map_err(FailureCause::log)?;
        }
        let transaction = Transaction::of_jobs((with.places, with.journal), &stage.name);
        let committed = transaction.commit(&entry).map_err(FailureCause::log)?;
        Ok(Made {
            entry,
            kept: std::mem::take(&mut came.left.kept),
            fault: committed.fault,
            jobs: Some(came.counts),
        })
    }

    /// Removes what jobs made whose inputs are gone, and keeps for the user what is not the stage's own. With how many were removed.
    fn sweep(&self, with: Attempt<'_>) -> Result<(Vec<KeptFile>, usize), FailureCause> {
        let stage = with.plan.stage(self.job.id);
        let Some((_, _, out)) = parts(stage) else {
            return Ok((Vec::new(), 0));
        };
        let top = with.places.resolve(out);
        let found = look_at_out(with, stage).map_err(FailureCause::Outs)?;
        let (mut kept, mut empty, mut removed) = (Vec::new(), Vec::new(), 0);
        for (path, what) in found.unmade(&self.jobs, &self.own) {
            let place = top.join(path);
            match what {
                Unmade::Own => {
                    disk::remove_tree(&place).map_err(cannot_clear)?;
                    removed += 1;
                }
                Unmade::Directory => empty.push(place),
                Unmade::Foreign => {
                    let named = below(out, &path.to_string_lossy());
                    let moved = with.places.keep(&stage.name, &named, &place);
                    kept.push(moved.map_err(cannot_clear)?);
                }
            }
        }
        for directory in empty.iter().rev() {
            match disk::remove_dir(directory) {
                // What is ignored in it stays.
                Err(error) if is_not_empty(&error) => {}
                other => other.map_err(cannot_clear)?,
            }
        }
        Ok((kept, removed))
    }
}

/// Where the run is being ended nothing is read to its end, which is not the stage's failure.
pub(super) fn halted(with: Attempt<'_>, cause: FailureCause) -> FailureCause {
    if with.memo.is_halted() {
        FailureCause::Interrupted
    } else {
        cause
    }
}

fn cannot_clear(error: DiskError) -> FailureCause {
    FailureCause::Transaction(OutFault::Disk(error))
}

fn is_not_empty(error: &DiskError) -> bool {
    error.source.kind() == std::io::ErrorKind::DirectoryNotEmpty
}

/// Why the stage failed, if it did.
fn failure(came: &mut Came) -> Option<FailureCause> {
    let first = (!came.failures.is_empty()).then(|| came.failures.remove(0));
    let (cause, open) = match first {
        Some(first) => {
            let mut all = std::iter::once(&first).chain(&came.failures);
            let open = all.any(|failure| failure.cause.left_open());
            let cause = FailureCause::Jobs {
                failed: came.counts.failed,
                total: came.counts.total,
                first: Box::new(first),
            };
            (cause, open)
        }
        None if came.interrupted => (FailureCause::Interrupted, false),
        None => return None,
    };
    Some(if open {
        FailureCause::LeftOpen(Box::new(cause))
    } else {
        cause
    })
}
