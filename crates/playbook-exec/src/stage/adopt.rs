//! Recording stages as their files are, without running them.

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_hash::{DigestMemo, Fingerprint, Trust};
use playbook_lock::{Folder, entry};
use playbook_types::graph::StageId;
use playbook_types::model::stage::Stage;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{AfterEntry, DataEntry, EntryStatus, StageEntry};
use rayon::prelude::*;

use crate::error::ExecError;
use crate::outputs::Places;
use crate::plan::{Facts, Plan, StageFault, fingerprint, refuse_clashes, remember_listings};
use crate::stage::cause::FailureCause;
use crate::stage::made::Eyes;

/// How to adopt.
#[derive(Debug, Clone, Copy)]
pub struct Adoption {
    /// Whether unchanged stats may save reading.
    pub trust: Trust,
    /// When this happens.
    pub now: Timestamp,
    /// Whether the lock is written. If not, nothing is.
    pub record: bool,
}

/// A stage that was adopted.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The stage.
    pub stage: StageName,
    /// Its entry.
    pub entry: StageEntry,
    /// The lock says the same of it already, and is left as it was.
    pub known: bool,
    /// It runs every time, whatever is recorded.
    pub always_runs: bool,
}

/// What stands in the way of adopting a stage.
#[derive(Debug)]
pub struct Unadoptable {
    /// The stage.
    pub stage: StageName,
    /// What is missing, or cannot be read.
    pub what: String,
}

/// Records the stages of a plan as completed with the deps and outs that are there. The caller holds the run lock, unless
/// nothing is to be recorded. If anything is missing of any of them, nothing is recorded.
///
/// # Errors
///
/// Data that is missing or cannot be read, each with its stage; a lock that cannot be written.
pub fn adopt(plan: &Plan<'_>, how: Adoption) -> Result<Vec<Adopted>, ExecError> {
    refuse_clashes(plan)?;
    let state = plan.project.state_dir();
    let places = Places::new(plan.root(), &state, "");
    let memo = plan.memo(how.trust);
    let eyes = Eyes {
        places: &places,
        memo: &memo,
        ignore: &plan.ignore,
    };
    let ids: Vec<StageId> = plan.order().collect();
    let found: Vec<Result<Found, Vec<Unadoptable>>> =
        ids.par_iter().map(|id| look(plan, *id, eyes)).collect();
    let mut adopted = Vec::new();
    let mut faults = Vec::new();
    let mut newer: IndexMap<StageName, StageEntry> = IndexMap::new();
    for (id, found) in ids.into_iter().zip(found) {
        match found {
            Ok(found) => {
                let one = entry_of(plan, id, found, (&newer, how.now));
                if !one.known {
                    newer.insert(one.stage.clone(), one.entry.clone());
                }
                adopted.push(one);
            }
            Err(missing) => faults.extend(missing),
        }
    }
    if !faults.is_empty() {
        return Err(ExecError::Unadoptable { faults });
    }
    if how.record && !newer.is_empty() {
        record(plan, &memo, &newer, how.now)?;
    }
    Ok(adopted)
}

/// What a stage reads, with everything else that decides about it, and what it made.
type Found = (Fingerprint, Vec<DataEntry>);

fn look(plan: &Plan<'_>, id: StageId, eyes: Eyes<'_>) -> Result<Found, Vec<Unadoptable>> {
    let stage = plan.stage(id);
    let fault = |what: String| Unadoptable {
        stage: stage.name.clone(),
        what,
    };
    if stage.gate {
        // Its report may be one that says no.
        let what = "it is a gate: only a run can tell whether it passes";
        return Err(vec![fault(what.to_owned())]);
    }
    let mut faults: Vec<Unadoptable> = faults_of_deps(stage, eyes).map(fault).collect();
    let outs = match eyes.made(stage) {
        Ok(outs) => outs,
        Err(FailureCause::OutsNotMade { outs }) => {
            let missing = |path: &DataPath| fault(format!("out {path} does not exist"));
            faults.extend(outs.iter().map(missing));
            Vec::new()
        }
        Err(other) => {
            faults.push(fault(other.to_string()));
            Vec::new()
        }
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let facts = Facts {
        lock: plan.lock_state(id),
        after: Vec::new(),
        look: &|path| eyes.memo.digest(&plan.root().resolve(path), eyes.ignore),
        to_come: &|_| false,
        count_files: &|reasons| reasons,
    };
    let fingerprint = fingerprint(plan, id, &facts);
    // What was there a moment ago may be gone.
    let fingerprint = fingerprint.map_err(|error: StageFault| vec![fault(error.to_string())])?;
    Ok((fingerprint, outs))
}

fn faults_of_deps<'a>(stage: &'a Stage, eyes: Eyes<'a>) -> impl Iterator<Item = String> + 'a {
    stage.deps.iter().filter_map(move |dep| {
        let found = eyes
            .memo
            .digest(&eyes.places.resolve(&dep.path), eyes.ignore);
        match found {
            Ok(_) => None,
            Err(error) if error.is_not_found() => Some(format!("dep {} does not exist", dep.path)),
            Err(error) => Some(error.to_string()),
        }
    })
}

fn entry_of(
    plan: &Plan<'_>,
    id: StageId,
    (fingerprint, outs): Found,
    (newer, now): (&IndexMap<StageName, StageEntry>, Timestamp),
) -> Adopted {
    let stage = plan.stage(id);
    let recorded = |name: &StageName| newer.get(name).or_else(|| plan.lock()?.stages.get(name));
    let after = stage.after.iter().map(|name| AfterEntry {
        stage: name.clone(),
        completed_at: recorded(name).and_then(|entry| entry.completed_at),
    });
    let entry = entry::adopted(&fingerprint, outs, now, after.collect());
    // On disk, not as a dead run's journal says: what is known is not written.
    let old = plan.base().lock.as_ref();
    let old = old.and_then(|lock| lock.stages.get(&stage.name));
    let known = old.filter(|old| says_the_same(old, &entry));
    Adopted {
        stage: stage.name.clone(),
        known: known.is_some(),
        entry: known.cloned().unwrap_or(entry),
        always_runs: plan.resolved[id.index()]
            .as_ref()
            .is_some_and(|resolved| resolved.always_runs.is_some()),
    }
}

fn says_the_same(old: &StageEntry, new: &StageEntry) -> bool {
    old.status == EntryStatus::Completed
        && old.cache_key == new.cache_key
        && old.outs == new.outs
        && old.after == new.after
}

fn record(
    plan: &Plan<'_>,
    memo: &DigestMemo,
    newer: &IndexMap<StageName, StageEntry>,
    now: Timestamp,
) -> Result<(), ExecError> {
    let mut folder = Folder::new(plan.project.lock_path(), plan.base());
    folder.fold(plan.project, plan.base(), newer, now)?;
    memo.save()?;
    remember_listings(plan, memo, newer)?;
    Ok(())
}
