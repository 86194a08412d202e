//! One job: its outputs aside, its command run, its outputs looked at and put on record.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Instant;

use indexmap::IndexMap;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::{DigestMemo, EntryKind, HashError, IgnoreRules};
use playbook_types::digest::Digest;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::event::{EventKind, KeptFile};
use playbook_types::template::Reference;

use crate::fanout::JobFailure;
use crate::fanout::begin::FanOut;
use crate::fanout::commands::{Rendered, job_names, render};
use crate::fanout::lane::{Lane, Told};
use crate::fanout::manifest::{JobRecord, MadeFile, Thing};
use crate::fanout::progress::{Left, Turn};
use crate::fanout::work_dir::short;
use crate::outputs::{JobTransaction, OldOut, OutFault};
use crate::schedule::Runner;
use crate::stage::{Attempt, Commands, FailureCause};

/// So many things that jobs left are told of one by one.
const TOLD: usize = 100;

impl FanOut {
    /// The commands of a job.
    pub(crate) fn render(
        &self,
        with: Attempt<'_>,
        number: usize,
    ) -> Result<Rendered, FailureCause> {
        let stage = with.plan.stage(self.job.id);
        let key = &self.keys[number];
        let scratch = self.work_dirs.scratch_named(key);
        let names = job_names(
            stage,
            (&self.jobs.inputs(number), &self.jobs.outputs(number)),
            &scratch,
        );
        render(with.plan.playbook(), stage, &self.templates, &names).map_err(FailureCause::Command)
    }

    fn uses_scratch(&self) -> bool {
        let mut all = self
            .templates
            .iter()
            .flat_map(playbook_types::template::Template::references);
        all.any(|placeholder| placeholder.reference == Reference::WorkDir)
    }

    /// Runs a job once. Says what became of it where that is kept.
    pub(super) fn run_job(
        &self,
        with: Attempt<'_>,
        lane: &mut Lane,
        turn: Turn,
        tell: &dyn Fn(Told),
    ) {
        let number = turn.job as usize;
        let rendered = self.render(with, number);
        let shown = rendered.as_ref().map(|rendered| rendered.shown.join("\n"));
        let shown = shown.unwrap_or_default();
        let done = rendered.and_then(|rendered| self.attempt(with, lane, (turn, &rendered), tell));
        let done = done.and_then(|()| self.after_success(lane, number, &shown));
        match done {
            Ok(()) => {
                self.progress.done();
            }
            // A command that this run ends does not fail by itself.
            Err(
                FailureCause::Interrupted | FailureCause::Exit(_) | FailureCause::Signal { .. },
            ) if with.running.all_ending() => {
                lane.discard().ok();
                self.progress.interrupted();
            }
            Err(cause) => {
                let failure = self.after_failure(with, lane, turn, (cause, shown));
                self.try_again_or_fail(with, turn, failure, tell);
            }
        }
    }

    /// The transaction around a job.
    fn attempt(
        &self,
        with: Attempt<'_>,
        lane: &Lane,
        (turn, rendered): (Turn, &Rendered),
        tell: &dyn Fn(Told),
    ) -> Result<(), FailureCause> {
        let number = turn.job as usize;
        let stage = with.plan.stage(self.job.id);
        let outs = self.old_outs(with, stage, number);
        if self.uses_scratch() {
            self.work_dirs
                .make_scratch(&self.keys[number])
                .map_err(FailureCause::log)?;
        }
        let key = self.keys[number];
        let transaction = JobTransaction::begin(
            (with.places, with.journal),
            &stage.name,
            (lane.number, key),
            &outs,
        )?;
        let began = with.running.awake();
        let made = self
            .run_commands(with, lane, (turn, rendered), tell)
            .and_then(|()| self.made(with, number))
            .and_then(|made| {
                pass(Point::JobMade);
                self.note(with, (number, made), began)
            });
        match made {
            Ok(()) => {
                pass(Point::JobRecorded);
                // The job is done all the same; what is still aside the next run puts right.
                let kept = transaction
                    .commit()
                    .map_err(|fault| FailureCause::LeftOpen(Box::new(fault.into())))?;
                self.progress.leave(|left| add(&mut left.kept, kept));
                Ok(())
            }
            Err(cause) => match transaction.roll_back() {
                Ok(back) => {
                    self.progress.leave(|left: &mut Left| {
                        add(&mut left.kept, back.kept);
                        add(&mut left.leftovers, back.left);
                        left.restored.extend(back.restored);
                    });
                    match back.gone.into_iter().next() {
                        Some(out) => Err(cause.and_stuck(OutFault::Gone { out })),
                        None => Err(cause),
                    }
                }
                Err(fault) => Err(cause.and_stuck(fault)),
            },
        }
    }

    fn run_commands(
        &self,
        with: Attempt<'_>,
        lane: &Lane,
        (turn, rendered): (Turn, &Rendered),
        tell: &dyn Fn(Told),
    ) -> Result<(), FailureCause> {
        let stage = with.plan.stage(self.job.id);
        let who = Runner::job(self.job.id, turn.job);
        let none = IndexMap::new();
        let resolved = with.plan.resolved[self.job.id.index()].as_ref();
        let limit = stage.resources.timeout;
        if let Some(limit) = limit {
            tell(Told::Started(who, limit));
        }
        let ended = with.run(&Commands {
            stage,
            who,
            lane: Some(lane.number),
            texts: &rendered.texts,
            env: resolved.map_or(&none, |resolved| &resolved.env),
            environment: with.plan.playbook_policy().environment,
            devices: lane.devices.as_deref(),
            out: lane.out(),
            err: lane.err(),
        });
        let Some(limit) = limit else { return ended };
        // Nothing but its time ends a job alone.
        let timed_out = with.running.is_ending(who) && !with.running.all_ending();
        tell(Told::Ended(who));
        with.running.again(who);
        match ended {
            Err(
                FailureCause::Exit(_) | FailureCause::Signal { .. } | FailureCause::Interrupted,
            ) if timed_out => Err(FailureCause::TimedOut { limit }),
            other => other,
        }
    }

    /// What stands at a job's outputs.
    fn old_outs(&self, with: Attempt<'_>, stage: &Stage, number: usize) -> Vec<OldOut> {
        let persist = stage.outs.first().is_some_and(|out| out.persist);
        let outputs = self.jobs.outputs(number);
        let below = self.jobs.outputs_below(number);
        let old = outputs.into_iter().zip(below).map(|(path, below)| {
            let place = with.places.resolve(&path);
            let thing = if persist {
                None
            } else {
                // What cannot be digested is not the stage's own.
                look(with, &path).unwrap_or_default()
            };
            let recorded = thing.is_some_and(|thing| self.own.has(&below, thing));
            let link = recorded.then(|| std::fs::read_link(&place).ok()).flatten();
            OldOut {
                path,
                persist,
                recorded,
                symlink: link.map(|target| target.to_string_lossy().into_owned()),
            }
        });
        old.collect()
    }

    /// What the job was to make.
    fn made(&self, with: Attempt<'_>, number: usize) -> Result<Vec<MadeFile>, FailureCause> {
        let mut made = Vec::new();
        let mut missing = Vec::new();
        let outputs = self.jobs.outputs(number);
        for (path, below) in outputs.into_iter().zip(self.jobs.outputs_below(number)) {
            match look(with, &path).map_err(FailureCause::Outs)? {
                Some(seen) => made.push(MadeFile { path: below, seen }),
                None => missing.push(path),
            }
        }
        if missing.is_empty() {
            Ok(made)
        } else {
            Err(FailureCause::OutsNotMade { outs: missing })
        }
    }

    /// Puts a job on record, unless its inputs are not what they were when it was given them.
    fn note(
        &self,
        with: Attempt<'_>,
        (number, outs): (usize, Vec<MadeFile>),
        began: Instant,
    ) -> Result<(), FailureCause> {
        let inputs = self.jobs.inputs(number);
        let same = |(input, digest): (&DataPath, Digest)| {
            let found = with
                .memo
                .digest(&with.places.resolve(input), &with.plan.ignore);
            found.is_ok_and(|found| found.digest == digest)
        };
        let unmoved = inputs.iter().zip(self.jobs.digests(number)).all(same);
        if with.memo.is_halted() {
            // Whether they moved is then not known.
            return Err(FailureCause::Interrupted);
        }
        if !unmoved {
            self.progress.leave(|left| left.moved = true);
            return Ok(());
        }
        let took = with.running.awake().saturating_duration_since(began);
        let fixed = with.clock.is_fixed();
        let record = JobRecord {
            run: with.places.run().to_owned(),
            outs,
            seconds: if fixed {
                0.0
            } else {
                (took.as_secs_f64() * 1000.0).round() / 1000.0
            },
        };
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        manifest
            .add(self.keys[number], record)
            .map_err(FailureCause::log)
    }

    /// What it printed goes into the stage's log, and what is not to be kept away.
    fn after_success(
        &self,
        lane: &mut Lane,
        number: usize,
        shown: &str,
    ) -> Result<(), FailureCause> {
        let key = &self.keys[number];
        let tidied = if self.work_dirs.keep {
            self.work_dirs
                .leave(key, &lane.remains(shown, None))
                .map(|_| ())
        } else if self.uses_scratch() {
            self.work_dirs.remove(key)
        } else {
            Ok(())
        };
        tidied
            .and_then(|()| self.keep_log(lane, number))
            .map_err(FailureCause::log)
    }

    fn after_failure(
        &self,
        with: Attempt<'_>,
        lane: &mut Lane,
        turn: Turn,
        (cause, command): (FailureCause, String),
    ) -> JobFailure {
        let number = turn.job as usize;
        let key = &self.keys[number];
        let printed = (lane.has_errors(), lane.has_output());
        let left = self
            .work_dirs
            .leave(key, &lane.remains(&command, Some(&cause)));
        // What cannot be kept is not: the failure itself is what matters.
        self.keep_log(lane, number).ok();
        let left = left.ok();
        let log = left.as_ref().and_then(|place| match printed {
            (true, _) => Some(place.join("stderr")),
            (false, true) => Some(place.join("stdout")),
            (false, false) => None,
        });
        let shown = |path: &std::path::PathBuf| with.places.shown(path);
        JobFailure {
            input: self.jobs.title(number),
            id: short(key),
            command,
            work_dir: left.as_ref().map(shown),
            log: log.as_ref().map(shown),
            cause,
        }
    }

    fn try_again_or_fail(
        &self,
        with: Attempt<'_>,
        turn: Turn,
        failure: JobFailure,
        tell: &dyn Fn(Told),
    ) {
        let stage = with.plan.stage(self.job.id);
        let stuck = failure.cause.left_open();
        let wait = stage
            .retry
            .as_ref()
            .filter(|_| !stuck && !self.progress.is_stopped())
            .and_then(|retry| crate::schedule::backoff(retry, turn.attempt, &failure.cause));
        let Some(wait) = wait else {
            let stop = stuck || with.stops_on_first();
            return self.progress.failed(failure, stop);
        };
        // Told before anybody can take the job up again, or bring the stage to its end.
        tell(Told::Retry(Box::new(EventKind::JobRetry {
            stage: stage.name.clone(),
            job: failure.job(),
            attempt: turn.attempt + 1,
            backoff_seconds: wait.as_secs_f64(),
            error: failure.cause.to_string(),
        })));
        let now = with.running.awake();
        let at = now.checked_add(wait).unwrap_or(now);
        self.progress.try_again(turn, at, failure);
    }

    /// Puts what a job printed into the stage's log.
    fn keep_log(
        &self,
        lane: &mut Lane,
        number: usize,
    ) -> Result<(), playbook_hash::disk::DiskError> {
        if !lane.has_output() && !lane.has_errors() {
            return Ok(());
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let title = format!(
            "── job {} {}\n",
            short(&self.keys[number]),
            self.jobs.title(number)
        );
        lane.move_into(&mut log, &self.job.log, &title)
    }
}

fn add(told: &mut Vec<KeptFile>, more: Vec<KeptFile>) {
    let room = TOLD.saturating_sub(told.len());
    told.extend(more.into_iter().take(room));
}

fn look(with: Attempt<'_>, path: &DataPath) -> Result<Option<Thing>, HashError> {
    thing_at(&with.places.resolve(path), (with.memo, &with.plan.ignore))
}

/// What stands at a path, a link as itself.
pub(crate) fn thing_at(
    place: &Path,
    (memo, ignore): (&DigestMemo, &IgnoreRules),
) -> Result<Option<Thing>, HashError> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(meta) = std::fs::symlink_metadata(place) else {
        return Ok(None);
    };
    if meta.is_symlink() {
        let text = std::fs::read_link(place).unwrap_or_default();
        let hash = Digest::from_bytes(*blake3::hash(text.as_os_str().as_bytes()).as_bytes());
        return Ok(Some(Thing::new(EntryKind::Link, hash)));
    }
    let found = match memo.digest(place, ignore) {
        Ok(found) => found,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = if meta.is_dir() {
        EntryKind::Directory
    } else if meta.permissions().mode() & 0o100 == 0 {
        EntryKind::File
    } else {
        EntryKind::Executable
    };
    Ok(Some(Thing::new(kind, found.digest)))
}
