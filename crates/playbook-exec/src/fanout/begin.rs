//! The beginning: which jobs there are, and which of them are done.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::disk::faults::{Point, pass};
use playbook_hash::disk::{self, AppendFile};
use playbook_hash::{DataKind, EntryKind, HashError, JobKeys, Listing, Listings};
use playbook_types::digest::Digest;
use playbook_types::graph::StageId;
use playbook_types::model::fanout::Parallel;
use playbook_types::model::policy::Validation;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::decision::Reasons;
use playbook_types::record::event::KeptFile;
use playbook_types::record::lock::StageEntry;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::template::Template;

use crate::fanout::conclude::halted;
use crate::fanout::manifest::{Manifest, Thing};
use crate::fanout::progress::Progress;
use crate::fanout::split::{Jobs, SplitFault};
use crate::fanout::work_dir::WorkDirs;
use crate::outputs::{OutFault, Standing, Transaction, standing_at};
use crate::plan::{Plan, StageFault};
use crate::stage::{Attempt, FailureCause, Job};

/// A fan-out under way.
#[derive(Debug)]
pub(crate) struct FanOut {
    /// The stage's.
    pub(crate) job: Job,
    pub(crate) jobs: Jobs,
    /// The key of each job.
    pub(crate) keys: Vec<Digest>,
    /// The stage's commands.
    pub(crate) templates: Vec<Template>,
    /// What is the stage's own of what stood at its out before.
    pub(crate) own: Own,
    pub(crate) progress: Progress,
    pub(crate) manifest: Mutex<Manifest>,
    /// What jobs printed.
    pub(crate) log: Mutex<Option<AppendFile>>,
    pub(crate) work_dirs: WorkDirs,
    pub(crate) started_at: Timestamp,
    pub(crate) began: Instant,
    /// When the observer was last told how far it has come, in milliseconds since it began.
    pub(super) told: AtomicU64,
}

/// What jobs of the stage made, by path below its out.
#[derive(Debug, Default)]
pub(crate) struct Own(BTreeSet<(String, u8, [u8; 32])>);

impl Own {
    fn of<'a>(all: impl Iterator<Item = (&'a str, Thing)>) -> Self {
        let all = all.map(|(path, thing)| (path.to_owned(), thing.kind, *thing.hash.as_bytes()));
        Self(all.collect())
    }

    /// Whether a job of the stage made this.
    pub(crate) fn has(&self, path: &str, thing: Thing) -> bool {
        let wanted = (path.to_owned(), thing.kind, *thing.hash.as_bytes());
        self.0.contains(&wanted)
    }
}

/// What a stage is split by.
pub(super) fn parts(stage: &Stage) -> Option<(&Parallel, &DataPath, &DataPath)> {
    let (dep, out) = (stage.deps.first()?, stage.outs.first()?);
    Some((stage.parallel.as_ref()?, &dep.path, &out.path))
}

impl FanOut {
    /// Splits the stage's input. Afterwards the journal knows of the stage, and its out is a directory.
    pub(super) fn begin(
        with: Attempt<'_>,
        job: Job,
        started_at: Timestamp,
    ) -> Result<Self, Box<(Job, FailureCause)>> {
        match Self::prepared(with, &job) {
            Ok(prepared) => Ok(Self {
                job,
                jobs: prepared.jobs,
                keys: prepared.keys,
                templates: prepared.templates,
                own: prepared.own,
                progress: prepared.progress,
                manifest: Mutex::new(prepared.manifest),
                log: Mutex::default(),
                work_dirs: prepared.work_dirs,
                started_at,
                began: with.running.awake(),
                told: AtomicU64::new(0),
            }),
            Err(cause) => Err(Box::new((job, halted(with, cause)))),
        }
    }

    fn prepared(with: Attempt<'_>, job: &Job) -> Result<Prepared, FailureCause> {
        let stage = with.plan.stage(job.id);
        let (jobs, keys) = look_at_input(with, stage, job)?;
        let templates = templates(stage);
        let at = with.clock.now();
        // Dropped at once: no outs of the stage itself are aside.
        drop(Transaction::begin(
            (with.places, with.journal),
            &stage.name,
            &[],
            at,
        )?);
        let kept = make_room(with, stage)?;
        let work_dirs = WorkDirs::new(with.plan, with.places.state(), &stage.name);
        work_dirs.forget().map_err(FailureCause::log)?;
        let mut manifest = Manifest::load(with.places.state(), &stage.name);
        if runs_anew(with.plan, job.id, &job.reasons) {
            manifest.begin_anew().map_err(FailureCause::log)?;
        }
        let found = look_at_out(with, stage).map_err(FailureCause::Outs)?;
        let entry = with.entry(job);
        let pending = pending(with.plan, &manifest, (&jobs, &keys), &found.things());
        manifest
            .begin(keys.len(), keys.len() - pending.len())
            .map_err(FailureCause::log)?;
        let progress = Progress::new(keys.len(), pending);
        progress.leave(|left| left.kept.extend(kept));
        pass(Point::Split);
        Ok(Prepared {
            own: found.own(entry, &manifest),
            jobs,
            keys,
            templates,
            progress,
            manifest,
            work_dirs,
        })
    }
}

struct Prepared {
    jobs: Jobs,
    keys: Vec<Digest>,
    templates: Vec<Template>,
    own: Own,
    progress: Progress,
    manifest: Manifest,
    work_dirs: WorkDirs,
}

/// Commands whose templates validation has looked at.
pub(super) fn templates(stage: &Stage) -> Vec<Template> {
    let texts = stage.cmd.items().iter();
    texts
        .filter_map(|text| Template::parse_with(text, stage.wildcards()).ok())
        .collect()
}

fn look_at_input(
    with: Attempt<'_>,
    stage: &Stage,
    job: &Job,
) -> Result<(Jobs, Vec<Digest>), FailureCause> {
    let Some((parallel, dep, out)) = parts(stage) else {
        return Err(FailureCause::Interrupted);
    };
    let place = with.places.resolve(dep);
    let found = with
        .memo
        .digest_listed(&place, &with.plan.ignore, Listings::Make)
        .map_err(|error| FailureCause::Before(StageFault::Data(error)))?;
    let Some(listing) = found.listing else {
        let dep = dep.clone();
        return Err(StageFault::from(SplitFault::NotADirectory { dep }).into());
    };
    let jobs = Jobs::split(parallel, (dep, out), &listing).map_err(StageFault::from)?;
    let keys = JobKeys::new(&job.fingerprint, &job.after);
    let keys = (0..jobs.len())
        .map(|number| jobs.key(&keys, number))
        .collect();
    Ok((jobs, keys))
}

/// Makes sure that the stage's out is a directory. A file there is kept for the user.
fn make_room(with: Attempt<'_>, stage: &Stage) -> Result<Option<KeptFile>, FailureCause> {
    let Some((_, _, out)) = parts(stage) else {
        return Ok(None);
    };
    let place = with.places.resolve(out);
    let standing = standing_at(&place).map_err(|source| OutFault::Unreadable {
        out: out.clone(),
        source,
    })?;
    let kept = match standing {
        Standing::Directory => return Ok(None),
        Standing::Nothing => None,
        Standing::File => Some(
            with.places
                .keep(&stage.name, out, &place)
                .map_err(FailureCause::log)?,
        ),
        Standing::Link(target) => {
            let out = out.clone();
            return Err(OutFault::ForeignLink { out, target }.into());
        }
        Standing::Special => return Err(OutFault::Special { out: out.clone() }.into()),
    };
    disk::create_dirs(&place).map_err(|error| FailureCause::Transaction(error.into()))?;
    Ok(kept)
}

/// Something at a stage's out that no job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmade {
    /// A job of the stage made it once.
    Own,
    /// A directory of which that is not known, although it may be of what is in it.
    Directory,
    /// Nobody knows it.
    Foreign,
}

/// What stands at a stage's out.
pub(super) struct Found {
    digest: Option<Digest>,
    listing: Listing,
}

impl Found {
    /// By path below it.
    pub(super) fn things(&self) -> IndexMap<&str, Thing> {
        let entries = self.listing.entries().iter();
        let things = entries.filter_map(|entry| {
            let thing = Thing::new(entry.kind, entry.digest);
            Some((entry.path.to_str()?, thing))
        });
        things.collect()
    }

    /// What no job makes of what stands there, files before the directory they are in is empty.
    pub(super) fn unmade(&self, jobs: &Jobs, own: &Own) -> Vec<(&Path, Unmade)> {
        let outputs = jobs.all_outputs_below();
        let above: BTreeSet<&Path> = outputs
            .iter()
            .flat_map(|path| Path::new(path).ancestors().skip(1))
            .collect();
        let mut unmade = Vec::new();
        // What stands below this is dealt with.
        let mut whole: Option<&Path> = None;
        for found in self.listing.entries() {
            let path = found.path.as_path();
            if whole.is_some_and(|whole| path.starts_with(whole)) {
                continue;
            }
            let is_dir = found.kind == EntryKind::Directory;
            if outputs.contains(path.to_string_lossy().as_ref()) {
                whole = is_dir.then_some(path);
                continue;
            }
            if is_dir && above.contains(path) {
                continue;
            }
            let thing = Thing::new(found.kind, found.digest);
            let what = if path.to_str().is_some_and(|path| own.has(path, thing)) {
                whole = is_dir.then_some(path);
                Unmade::Own
            } else if is_dir {
                Unmade::Directory
            } else {
                Unmade::Foreign
            };
            unmade.push((path, what));
        }
        unmade
    }

    /// All of it if the lock records it exactly so, else what is on record of the jobs.
    pub(super) fn own(&self, entry: Option<&StageEntry>, manifest: &Manifest) -> Own {
        let recorded = entry.filter(|entry| !entry.adopted);
        let recorded = recorded.and_then(|entry| entry.outs.first()?.hash);
        if recorded.is_some() && recorded == self.digest {
            return Own::of(self.things().into_iter());
        }
        Own::of(manifest.made().map(|made| (made.path.as_str(), made.seen)))
    }
}

pub(super) fn look_at_out(with: Attempt<'_>, stage: &Stage) -> Result<Found, HashError> {
    look_at(stage, |path| {
        let place = with.places.resolve(path);
        with.memo
            .digest_listed(&place, &with.plan.ignore, Listings::Make)
    })
}

/// What stands at the stage's out, as `look` finds it.
pub(super) fn look_at(
    stage: &Stage,
    look: impl Fn(&DataPath) -> Result<playbook_hash::PathDigest, HashError>,
) -> Result<Found, HashError> {
    let nothing = Found {
        digest: None,
        listing: Listing::default(),
    };
    let Some((_, _, out)) = parts(stage) else {
        return Ok(nothing);
    };
    match look(out) {
        Ok(found) if found.kind == DataKind::Directory => Ok(Found {
            digest: Some(found.digest),
            listing: found.listing.unwrap_or_default(),
        }),
        Ok(_) => Ok(nothing),
        Err(error) if error.is_not_found() => Ok(nothing),
        Err(error) => Err(error),
    }
}

/// Whether all jobs run, whatever is on record. That a stage this one is ordered after ran is in the keys of the jobs.
pub(crate) fn runs_anew(plan: &Plan<'_>, id: StageId, reasons: &Reasons) -> bool {
    let reasons = reasons.as_slice();
    // A run that failed or died had begun anew: what is on record since then is this time's.
    let goes_on = |reason: &InvalidationReason| {
        matches!(reason, InvalidationReason::PreviousRunIncomplete { .. })
    };
    let is_forced = |reason: &InvalidationReason| match reason {
        InvalidationReason::Forced => true,
        InvalidationReason::UpstreamRerun { stage } => {
            let mut forced = plan.force_reaches.iter();
            forced.any(|id| plan.stage(*id).name == *stage)
        }
        _ => false,
    };
    let always = !plan.stage(id).deterministic && !reasons.iter().any(goes_on);
    always || !plan.playbook().policy.lock_file || reasons.iter().any(is_forced)
}

/// The jobs that are not done.
pub(super) fn pending(
    plan: &Plan<'_>,
    manifest: &Manifest,
    (jobs, keys): (&Jobs, &[Digest]),
    there: &IndexMap<&str, Thing>,
) -> Vec<u32> {
    let validation = plan.playbook_policy().validation;
    let is_done = |number: usize| {
        let Some(record) = manifest.job(&keys[number]) else {
            return false;
        };
        let made = |path: &str| record.outs.iter().find(|made| made.path == path);
        jobs.outputs_below(number).all(|path| {
            let (now, then) = (there.get(path.as_str()), made(&path));
            match (now, then, validation) {
                (Some(_), Some(_), Validation::None) => true,
                (Some(now), Some(then), Validation::Checksum) => *now == then.seen,
                _ => false,
            }
        })
    };
    let all = 0..keys.len();
    let open = all.filter(|number| !is_done(*number));
    open.filter_map(|number| u32::try_from(number).ok())
        .collect()
}
