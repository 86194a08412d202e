//! What the scheduler does with what it hears: decisions, results of attempts, signals.

use std::time::Duration;

use playbook_hash::HashError;
use playbook_hash::disk::faults::{Point, pass};
use playbook_lock::decide::made_otherwise;
use playbook_lock::journal::JournalRecord;
use playbook_types::graph::StageId;
use playbook_types::model::policy::FailurePolicy;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{EventKind, JobCounts, KeptFile, MadeOut};
use playbook_types::record::lock::{AfterEntry, EntryStatus, StageEntry};
use playbook_types::record::state::StageState;
use playbook_types::record::usage::Usage;
use rustix::process::Signal;

use crate::error::ExecError;
use crate::fanout::JobFailure;
use crate::observer::Ending;
use crate::outputs::OutFault;
use crate::plan::{Decided, StageFault};
use crate::schedule::dispatch::Turn;
use crate::schedule::engine::Engine;
use crate::schedule::run::Message;
use crate::schedule::timing::{Try, backoff};
use crate::stage::{AttemptResult, Failed, FailureCause, Made, Verdict};

/// How a stage failed, for its event.
#[derive(Debug)]
pub(in crate::schedule) struct Failure {
    cause: FailureCause,
    attempt: u32,
    usage: Option<Usage>,
    log: Option<String>,
    restored: Vec<DataPath>,
    kept: Vec<KeptFile>,
    jobs: Option<JobCounts>,
    /// What a gate wrote that said no, and what it did not write.
    report: (Option<DataPath>, Vec<DataPath>),
}

impl Engine<'_> {
    pub(super) fn settle(&mut self, message: Message) -> Result<(), ExecError> {
        match message {
            Message::Decided(id, decided) => {
                self.deciding.remove(&id);
                self.decided(id, decided)
            }
            Message::Finished(finished) => {
                let (result, grant) = *finished;
                self.workers.finished();
                self.capacity.give_back(grant);
                self.finished(result)
            }
            Message::Jobs(told) => self.told(told),
            Message::Folded(fold) => {
                self.record.folded(&fold);
                Ok(())
            }
            Message::Signal(signal) => {
                self.signalled(signal);
                Ok(())
            }
        }
    }

    pub(super) fn decided(
        &mut self,
        id: StageId,
        decided: Result<Decided, StageFault>,
    ) -> Result<(), ExecError> {
        match decided {
            Ok(Decided::Hit(kind)) => self.cached(id, kind),
            Ok(Decided::Miss(reasons, fingerprint)) => {
                self.waiting.insert(id, (reasons, fingerprint));
                self.wait_for_turn(Turn::First(id));
                Ok(())
            }
            // It stays undecided.
            Err(StageFault::Data(HashError::Halted { .. })) => Ok(()),
            Err(fault) => {
                let failure = Failure {
                    cause: FailureCause::Before(fault),
                    attempt: 0,
                    usage: None,
                    log: None,
                    restored: Vec::new(),
                    kept: Vec::new(),
                    jobs: None,
                    report: Default::default(),
                };
                self.failed(id, failure)
            }
        }
    }

    fn cached(&mut self, id: StageId, kind: HitKind) -> Result<(), ExecError> {
        self.set(id, StageState::Cached)?;
        let stage = self.name(id);
        let entry = self.record.entry(&stage);
        self.totals.stages_cached += 1;
        self.totals.saved_seconds += entry
            .and_then(|entry| entry.duration_seconds)
            .unwrap_or(0.0);
        let cache_key = entry
            .and_then(|entry| entry.cache_key)
            .filter(|_| kind == HitKind::Hit);
        self.report.tell(EventKind::StageCached {
            stage,
            cache_key,
            reason: kind,
        });
        Ok(())
    }

    fn finished(&mut self, result: AttemptResult) -> Result<(), ExecError> {
        let AttemptResult {
            id,
            log,
            usage,
            out_of_memory,
            outcome,
        } = result;
        let timed_out = self.deadlines.ended(id.into());
        let tried = self.retries.ended(id);
        match outcome {
            Ok(made) => self.completed(id, made, usage),
            Err(Failed {
                cause,
                mut entry,
                restored,
                kept,
                jobs,
                verdict,
            }) => {
                let left_open = cause.left_open();
                let stage = self.name(id);
                let (cause, report) = if let Some(verdict) = verdict {
                    let Verdict {
                        report,
                        missing,
                        fault,
                    } = verdict;
                    self.give_up_over(&stage, fault);
                    (cause, (report, missing))
                } else {
                    let cause = self.why_ended(id, cause, timed_out);
                    let cause = cause.with_memory(out_of_memory);
                    if matches!(cause, FailureCause::Interrupted) {
                        entry.status = EntryStatus::Running;
                    }
                    if !left_open {
                        self.close(&stage, &entry);
                    }
                    (cause, Default::default())
                };
                self.record.note(&stage, entry);
                let shown = log
                    .strip_prefix(self.shared.plan.root().as_path())
                    .unwrap_or(&log);
                // A stage that could not begin has none.
                let log = log.exists().then(|| shown.display().to_string());
                // What a job printed says more than what all of them did.
                let log = cause.job().and_then(|job| job.log.clone()).or(log);
                let failure = Failure {
                    cause,
                    attempt: tried.as_ref().map_or(1, |tried| tried.attempt),
                    usage,
                    log,
                    restored,
                    kept,
                    jobs,
                    report,
                };
                match tried.and_then(|tried| Some((self.wait_before(id, &failure)?, tried))) {
                    Some((wait, tried)) if !left_open => self.try_again(id, tried, (wait, failure)),
                    _ => self.failed(id, failure),
                }
            }
        }
    }

    /// How long to wait before the stage is tried again, if it is to be.
    fn wait_before(&self, id: StageId, failure: &Failure) -> Option<Duration> {
        let retry = self.shared.plan.stage(id).retry.as_ref()?;
        let wait = backoff(retry, failure.attempt, &failure.cause)?;
        (!self.stopping).then_some(wait)
    }

    /// Has the stage wait for its next try.
    fn try_again(
        &mut self,
        id: StageId,
        tried: Try,
        (wait, failure): (Duration, Failure),
    ) -> Result<(), ExecError> {
        self.set(id, StageState::Waiting)?;
        let attempt = tried.attempt + 1;
        self.report.tell(EventKind::StageRetry {
            stage: self.name(id),
            attempt,
            backoff_seconds: wait.as_secs_f64(),
            error: failure.cause.to_string(),
            log: failure.log.clone(),
            usage: failure.usage,
        });
        let now = self.shared.running.awake();
        // One that would wait for ever does not.
        let until = now.checked_add(wait).unwrap_or(now);
        let next = Try { attempt, ..tried };
        self.retries.wait(id, next, (until, failure));
        Ok(())
    }

    /// Stages that waited for their next try have failed after all.
    pub(super) fn give_up_retries(&mut self) -> Result<(), ExecError> {
        for (id, failure) in self.retries.give_up() {
            self.failed(id, failure)?;
        }
        Ok(())
    }

    /// Tells the journal that nothing is left to do for a stage that failed.
    fn close(&mut self, stage: &StageName, entry: &StageEntry) {
        let closed = JournalRecord::Closed {
            stage: stage.clone(),
            entry: Some(Box::new(entry.clone())),
        };
        if let Err(error) = self.shared.journal.append(&closed) {
            self.give_up(error.into());
        }
    }

    /// A command that this run ended did not fail by itself.
    fn why_ended(&self, id: StageId, cause: FailureCause, timed_out: bool) -> FailureCause {
        let ended_by_us = matches!(
            cause,
            FailureCause::Exit(_) | FailureCause::Signal { .. } | FailureCause::Interrupted
        );
        match self.shared.plan.stage(id).resources.timeout {
            Some(limit) if ended_by_us && timed_out => FailureCause::TimedOut { limit },
            _ if ended_by_us && self.interrupted.is_some() => FailureCause::Interrupted,
            _ => cause,
        }
    }

    /// Which runs of the stages it is ordered after a run of it that starts now follows.
    pub(super) fn followed(&self, id: StageId) -> Vec<AfterEntry> {
        let stages = self.shared.plan.stage(id).after.iter();
        let followed = |name: &StageName| AfterEntry {
            stage: name.clone(),
            completed_at: self.record.entry(name).and_then(|entry| entry.completed_at),
        };
        stages.map(followed).collect()
    }

    fn completed(
        &mut self,
        id: StageId,
        made: Made,
        usage: Option<Usage>,
    ) -> Result<(), ExecError> {
        let Made {
            entry,
            kept,
            fault,
            jobs,
        } = made;
        self.set(id, StageState::Validating)?;
        let stage = self.name(id);
        let old = self.record.entry(&stage);
        let changed = old.is_none_or(|old| !same_outs(old, &entry));
        let outs = entry.outs.iter().filter_map(|out| {
            Some(MadeOut {
                path: out.path.clone(),
                hash: out.hash?,
            })
        });
        let told = EventKind::StageCompleted {
            stage: stage.clone(),
            duration_seconds: entry.duration_seconds.unwrap_or(0.0),
            usage,
            outs: outs.collect(),
            changed,
            moved: entry.moved.clone(),
            kept,
            jobs,
            nondeterministic: self.nondeterministic(id, &entry),
        };
        let report = entry.outs.first().map(|out| out.path.clone());
        self.record.note(&stage, entry);
        self.set(id, StageState::Completed)?;
        self.totals.stages_run += 1;
        if self.shared.plan.stage(id).gate {
            let stage = stage.clone();
            self.report.tell(EventKind::GatePassed { stage, report });
        }
        self.report.tell(told);
        pass(Point::Announced);
        self.give_up_over(&stage, fault);
        Ok(())
    }

    /// Outs of which a stage that is said to be deterministic made other bytes than before from the same.
    fn nondeterministic(&self, id: StageId, now: &StageEntry) -> Vec<DataPath> {
        let plan = self.shared.plan;
        let stage = plan.stage(id);
        let before = plan.lock().and_then(|lock| lock.stages.get(&stage.name));
        let Some(before) = before.filter(|_| stage.deterministic) else {
            return Vec::new();
        };
        let mut outs = made_otherwise(before, now);
        // What was there before is part of what the command makes it from.
        outs.retain(|path| {
            !stage
                .outs
                .iter()
                .any(|out| out.persist && out.path == *path)
        });
        outs
    }

    /// Old outs of a stage could not be dropped.
    fn give_up_over(&mut self, stage: &StageName, fault: Option<OutFault>) {
        if let Some(fault) = fault {
            let stage = stage.to_string();
            self.give_up(ExecError::OldOuts { stage, fault });
        }
    }

    fn failed(&mut self, id: StageId, failure: Failure) -> Result<(), ExecError> {
        let Failure {
            cause,
            attempt,
            usage,
            log,
            restored,
            kept,
            jobs,
            report: (report, missing),
        } = failure;
        self.set(id, StageState::Failed)?;
        self.totals.stages_failed += 1;
        let stage = self.name(id);
        let gate = self.shared.plan.stage(id).gate;
        if gate && !matches!(cause, FailureCause::Interrupted) {
            self.report.tell(EventKind::GateFailed {
                stage: stage.clone(),
                report,
                missing,
            });
        }
        self.report.tell(EventKind::StageFailed {
            stage: stage.clone(),
            exit_code: cause.exit_code(),
            signal: cause.signal(),
            error: cause.to_string(),
            attempt,
            usage,
            log,
            restored,
            kept,
            jobs,
            job: cause.job().map(JobFailure::job),
        });
        let cut_off = matches!(cause, FailureCause::Interrupted);
        self.failures.push((stage.clone(), cause));
        if gate || self.shared.runtime.failure == FailurePolicy::StopOnFirst {
            self.stopping = true;
            self.stopped_by.get_or_insert(stage);
        } else if !cut_off {
            let below = self.shared.plan.graph.waiting([id]);
            for other in below
                .into_iter()
                .filter(|other| self.shared.plan.stages.contains(other))
            {
                if self.states.of(other) == StageState::Pending {
                    self.skip(other, &stage)?;
                }
            }
        }
        Ok(())
    }

    /// The first signal ends the run in order, the second at once.
    fn signalled(&mut self, signal: i32) {
        let first = self.interrupted.is_none();
        self.interrupted.get_or_insert(signal);
        self.stopping = true;
        if first {
            self.shared.running.end_all(Signal::TERM);
            self.deadlines.end_all(self.shared.running);
        } else {
            self.shared.running.end_all(Signal::KILL);
            self.shared.memo.halt();
        }
        let how = if first { Ending::Asked } else { Ending::Killed };
        self.shared.runtime.observer.ending(how);
    }
}

fn same_outs(old: &StageEntry, new: &StageEntry) -> bool {
    old.outs.len() == new.outs.len()
        && old
            .outs
            .iter()
            .zip(&new.outs)
            .all(|(a, b)| a.path == b.path && a.hash.is_some() && a.hash == b.hash)
}
