//! The decision for one stage: what it reads and makes is looked at, `playbook-lock` judges.

use jiff::Timestamp;
use playbook_hash::{DataDigest, Fingerprint, HashError, PathDigest};
use playbook_lock::decide::{
    LockState, OutputState, Standing, Verdict, compare_key, compare_outputs, standing,
};
use playbook_types::graph::StageId;
use playbook_types::model::fanout::Parallel;
use playbook_types::model::policy::Validation;
use playbook_types::model::stage::Command;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::{CacheDecision, HitKind, Reasons};
use playbook_types::record::lock::{EntryStatus, StageEntry};

use crate::fanout::SplitFault;
use crate::plan::build::Plan;
use crate::plan::resolve::recorded_cmd_hash;

/// The decision for one stage.
#[derive(Debug, Clone)]
pub enum Decided {
    /// Its result stands.
    Hit(HitKind),
    /// It must run, on this.
    Miss(Reasons, Box<Fingerprint>),
}

/// Why a stage cannot be decided or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageFault {
    /// Something it reads is not there.
    #[error("dep {path} does not exist{}", made_by(maker.as_ref()))]
    MissingDep {
        /// The dep.
        path: DataPath,
        /// The stage that should have made it.
        maker: Option<StageName>,
    },
    /// A frozen gate did not pass when it last ran, and so its freezing keeps nothing that could stand.
    #[error(
        "the gate is frozen and did not pass when it last ran; run it with 'playbook run --force {gate}', or take 'frozen' away"
    )]
    FrozenGate {
        /// The gate.
        gate: StageName,
    },
    /// Something it reads or made cannot be digested.
    #[error(transparent)]
    Data(#[from] HashError),
    /// Its input cannot be split into jobs.
    #[error(transparent)]
    Split(#[from] SplitFault),
}

fn made_by(maker: Option<&StageName>) -> String {
    maker.map_or_else(
        || ", and no stage makes it; make it, or correct the path".to_owned(),
        |maker| format!(" although stage '{maker}' makes it; make it anew with 'playbook run --force {maker}'"),
    )
}

/// What is known when a stage is decided.
pub(crate) struct Facts<'a> {
    /// Its entry now.
    pub(crate) lock: LockState<'a>,
    /// When the stages it is ordered after last ended.
    pub(crate) after: Vec<(&'a StageName, Option<Timestamp>)>,
    /// Digests of what stands at a path.
    pub(crate) look: &'a (dyn Fn(&DataPath) -> Result<PathDigest, HashError> + Sync),
    /// Whether the contents at this path are still to come.
    pub(crate) to_come: &'a (dyn Fn(&DataPath) -> bool + Sync),
    /// The reasons with how many files differ, where that is known.
    pub(crate) count_files: &'a (dyn Fn(Reasons) -> Reasons + Sync),
}

/// Decides one stage. What is still to come is taken to be as recorded.
pub(crate) fn decide(
    plan: &Plan<'_>,
    id: StageId,
    facts: &Facts<'_>,
) -> Result<Decided, StageFault> {
    let stage = plan.stage(id);
    let always_runs = plan.resolved[id.index()]
        .as_ref()
        .and_then(|resolved| resolved.always_runs);
    let forced_upstream = plan
        .graph
        .follows(id)
        .filter(|need| plan.force_reaches.contains(need));
    let known = Standing {
        forced: plan.forced.contains(&id),
        frozen: stage.frozen,
        always_runs,
        forced_upstream: forced_upstream.map(|need| &plan.stage(need).name).collect(),
        after: facts.after.clone(),
        lock: facts.lock,
    };
    let entry = match standing(&known) {
        Verdict::Decided(CacheDecision::Hit) if stage.gate && did_not_pass(facts.lock) => {
            let gate = stage.name.clone();
            return Err(StageFault::FrozenGate { gate });
        }
        Verdict::Decided(CacheDecision::Hit) => return Ok(Decided::Hit(HitKind::Frozen)),
        Verdict::Decided(CacheDecision::Miss(reasons)) => {
            let fingerprint = fingerprint(plan, id, facts)?;
            return Ok(Decided::Miss(reasons, Box::new(fingerprint)));
        }
        Verdict::Compare(entry) => entry,
    };
    let fingerprint = fingerprint(plan, id, facts)?;
    let recorded_command = |entry: &StageEntry| recorded_cmd_hash(plan.playbook(), stage, entry);
    let decision = match compare_key(&fingerprint, entry, &recorded_command) {
        Verdict::Decided(decision) => decision,
        Verdict::Compare(entry) => {
            let validation = plan.playbook().policy.validation;
            compare_outputs(entry, &outs_now(plan, entry, facts)?, validation)
        }
    };
    Ok(match decision {
        CacheDecision::Hit => Decided::Hit(HitKind::Hit),
        CacheDecision::Miss(reasons) => {
            Decided::Miss((facts.count_files)(reasons), Box::new(fingerprint))
        }
    })
}

/// Whether the last run of a gate is on record as anything but passed.
fn did_not_pass(lock: LockState<'_>) -> bool {
    matches!(lock, LockState::Entry(entry) if entry.status != EntryStatus::Completed)
}

/// What stands where the entry's outs were recorded. Where existence is enough, nothing is read.
fn outs_now(
    plan: &Plan<'_>,
    entry: &StageEntry,
    facts: &Facts<'_>,
) -> Result<Vec<OutputState>, StageFault> {
    let exists = |path: &DataPath| {
        if plan.root().resolve(path).exists() {
            OutputState::Present
        } else {
            OutputState::Missing
        }
    };
    let digest = |path: &DataPath| match (facts.look)(path) {
        Ok(found) => Ok(OutputState::Digest(found.digest)),
        Err(error) if error.is_not_found() => Ok(OutputState::Missing),
        Err(error) => Err(StageFault::Data(error)),
    };
    let paths = entry.outs.iter().map(|out| &out.path);
    match plan.playbook_policy().validation {
        Validation::None => Ok(paths.map(exists).collect()),
        Validation::Checksum => paths.map(digest).collect(),
    }
}

/// Everything that decides about the stage, as it is now.
pub(crate) fn fingerprint(
    plan: &Plan<'_>,
    id: StageId,
    facts: &Facts<'_>,
) -> Result<Fingerprint, StageFault> {
    let stage = plan.stage(id);
    let deps = stage
        .deps
        .iter()
        .map(|dep| dep_now(plan, id, &dep.path, facts))
        .collect::<Result<_, _>>()?;
    let resolved = plan.resolved[id.index()].as_ref();
    Ok(Fingerprint {
        shell: stage.shell,
        command: resolved.map_or_else(
            || playbook_hash::digest_command(""),
            |resolved| resolved.cmd_hash,
        ),
        is_list: matches!(stage.cmd, Command::List(_)),
        deps,
        params: resolved
            .map(|resolved| resolved.params.clone())
            .unwrap_or_default(),
        env: resolved.and_then(|resolved| resolved.env_hash),
        wdir: stage.wdir.clone(),
        outs: stage.outs.iter().map(|out| out.path.clone()).collect(),
        split: stage.parallel.as_ref().map(Parallel::split),
    })
}

fn dep_now(
    plan: &Plan<'_>,
    id: StageId,
    path: &DataPath,
    facts: &Facts<'_>,
) -> Result<DataDigest, StageFault> {
    if (facts.to_come)(path) {
        return Ok(as_recorded(path, facts.lock));
    }
    match (facts.look)(path) {
        Ok(found) => Ok(DataDigest {
            path: path.clone(),
            digest: found.digest,
            file_count: found.file_count,
            total_bytes: found.total_bytes,
        }),
        Err(error) if error.is_not_found() => {
            let makes = |maker: &&StageId| {
                plan.stage(**maker)
                    .outs
                    .iter()
                    .any(|out| out.path.overlaps(path))
            };
            let maker = plan
                .graph
                .reads(id)
                .iter()
                .find(makes)
                .map(|maker| plan.stage(*maker).name.clone());
            Err(StageFault::MissingDep {
                path: path.clone(),
                maker,
            })
        }
        Err(error) => Err(StageFault::Data(error)),
    }
}

/// The recorded digest of a dep, or one that no file has: then the stage is a miss whatever comes.
fn as_recorded(path: &DataPath, lock: LockState<'_>) -> DataDigest {
    let entry = match lock {
        LockState::Entry(entry) => entry.deps.iter().find(|dep| dep.path == *path),
        LockState::NoLock | LockState::NotInLock => None,
    };
    let unknown = playbook_hash::digest_command("");
    DataDigest {
        path: path.clone(),
        digest: entry.and_then(|dep| dep.hash).unwrap_or(unknown),
        file_count: entry.and_then(|dep| dep.file_count).unwrap_or(0),
        total_bytes: entry.and_then(|dep| dep.total_bytes).unwrap_or(0),
    }
}
