//! The whole story of one decision: everything that was compared, as it was recorded and as it is now.

use std::collections::BTreeSet;

use jiff::Timestamp;
use playbook_hash::{ListingDiff, PathDigest, Trust};
use playbook_types::digest::Digest;
use playbook_types::graph::StageId;
use playbook_types::model::stage::Stage;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, StageEntry};
use playbook_types::value::ParamValue;

use crate::fanout::JobsOutlook;
use crate::plan::build::Plan;
use crate::plan::changes::Contents;
use crate::plan::foretell::{Fate, Foretold, Seen};
use crate::plan::resolve::{Resolved, recorded_cmd_hash};

/// What was compared to decide about one stage, and how it came out.
#[derive(Debug)]
pub struct Explained<'p> {
    /// What a run would do with it.
    pub fate: Fate,
    /// Of a fan-out that would run, and whose input is there: its jobs.
    pub jobs: Option<JobsOutlook>,
    /// As the playbook has it.
    pub stage: &'p Stage,
    /// What it would run, and on what.
    pub resolved: Option<&'p Resolved>,
    /// What is on record of it.
    pub entry: Option<&'p StageEntry>,
    /// Whether its command, rendered with the params and paths on record, is the command on record: then whatever
    /// differs in the command comes from them.
    pub same_template: bool,
    /// Whether there is a lock at all.
    pub has_lock: bool,
    /// The stages it needs, or is ordered after, that would or may run first.
    pub first: Vec<StageName>,
    /// The params it uses or used, by name.
    pub params: Vec<ExplainedParam<'p>>,
    /// What it reads, in the playbook's order, then what it no longer does.
    pub deps: Vec<ExplainedData<'p>>,
    /// What it makes, in the playbook's order, then what it no longer does.
    pub outs: Vec<ExplainedData<'p>>,
}

/// A param as it was and is; `None` where it was not, or is no longer, used.
#[derive(Debug)]
pub struct ExplainedParam<'p> {
    /// Its dotted name.
    pub param: &'p ParamKey,
    /// As recorded.
    pub old: Option<&'p ParamValue>,
    /// In the playbook.
    pub new: Option<&'p ParamValue>,
}

impl ExplainedParam<'_> {
    /// Whether it differs.
    pub fn is_changed(&self) -> bool {
        self.old != self.new
    }
}

/// What stands at a path now.
#[derive(Debug)]
pub enum DataNow {
    /// Data with this digest.
    Found(Box<PathDigest>),
    /// Nothing.
    Missing,
    /// These stages would run first and make it anew.
    ToCome(Vec<StageName>),
    /// It could not be read.
    Unreadable(String),
}

/// A dep or an out as it was recorded and as it is.
#[derive(Debug)]
pub struct ExplainedData<'p> {
    /// Where it is.
    pub path: &'p DataPath,
    /// Whether the playbook still has it.
    pub declared: bool,
    /// What was recorded of it, if the lock has it.
    pub recorded: Option<&'p DataEntry>,
    /// What stands there.
    pub now: DataNow,
    /// Which of its files differ, if it is a directory and that is known.
    pub files: Option<ListingDiff>,
    /// The stages that make a dep, or something in it.
    pub makers: Vec<Maker>,
}

/// A stage that makes a dep.
#[derive(Debug)]
pub struct Maker {
    /// Its name.
    pub stage: StageName,
    /// When it last ended, if it has made anew what the stage read before.
    pub made_anew: Option<Timestamp>,
}

impl ExplainedData<'_> {
    /// The digest of what stands there.
    pub fn digest(&self) -> Option<Digest> {
        match &self.now {
            DataNow::Found(found) => Some(found.digest),
            DataNow::Missing | DataNow::ToCome(_) | DataNow::Unreadable(_) => None,
        }
    }

    /// Whether it is what was recorded.
    pub fn is_same(&self) -> bool {
        let recorded = self.recorded.and_then(|recorded| recorded.hash);
        recorded.is_some() && recorded == self.digest()
    }
}

impl Plan<'_> {
    /// The whole story of the stages that were asked for, in the order of the run. Writes nothing.
    pub fn explain(&self, trust: Trust) -> Vec<Explained<'_>> {
        let seen = Seen::look(self, trust);
        let foretold = self.foretell_seen(&seen);
        let open: BTreeSet<StageId> = foretold
            .iter()
            .filter(|stage| !stage.fate.is_hit())
            .map(|stage| stage.id)
            .collect();
        let asked = foretold
            .into_iter()
            .filter(|stage| self.named.contains(&stage.id));
        asked
            .map(|foretold| self.explained(foretold, &seen, &open))
            .collect()
    }

    fn explained<'a>(
        &'a self,
        foretold: Foretold,
        seen: &Seen,
        open: &BTreeSet<StageId>,
    ) -> Explained<'a> {
        let Foretold { id, fate, jobs, .. } = foretold;
        let stage = self.stage(id);
        let entry = self.lock().and_then(|lock| lock.stages.get(&stage.name));
        let resolved = self.resolved[id.index()].as_ref();
        let look = Look {
            plan: self,
            seen,
            open,
            id,
        };
        let recorded_deps = entry.map_or(&[][..], |entry| &entry.deps);
        let recorded_outs = entry.map_or(&[][..], |entry| &entry.outs);
        Explained {
            fate,
            jobs,
            stage,
            resolved,
            entry,
            same_template: entry.is_some_and(|entry| {
                entry.cmd_hash.is_some()
                    && recorded_cmd_hash(self.playbook(), stage, entry) == entry.cmd_hash
            }),
            has_lock: self.lock().is_some(),
            first: look.first(),
            params: params(resolved, entry),
            deps: look.all(
                stage.deps.iter().map(|dep| &dep.path),
                recorded_deps,
                Side::Reads,
            ),
            outs: look.all(
                stage.outs.iter().map(|out| &out.path),
                recorded_outs,
                Side::Makes,
            ),
        }
    }
}

fn params<'a>(
    resolved: Option<&'a Resolved>,
    entry: Option<&'a StageEntry>,
) -> Vec<ExplainedParam<'a>> {
    let now = resolved.map(|resolved| &resolved.params);
    let old = entry.map(|entry| &entry.params);
    let all: BTreeSet<&ParamKey> = now
        .into_iter()
        .chain(old)
        .flat_map(|params| params.keys())
        .collect();
    let param = |param| ExplainedParam {
        param,
        old: old.and_then(|old| old.get(param)),
        new: now.and_then(|now| now.get(param)),
    };
    all.into_iter().map(param).collect()
}

/// Whether the stage reads or makes the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Reads,
    Makes,
}

/// How the data of one stage is looked at.
struct Look<'a, 's> {
    plan: &'a Plan<'a>,
    seen: &'s Seen,
    /// Stages that would, or may, run.
    open: &'s BTreeSet<StageId>,
    id: StageId,
}

impl<'a> Look<'a, '_> {
    fn first(&self) -> Vec<StageName> {
        let needs = self.plan.graph.needs(self.id).iter();
        let open = needs.filter(|need| self.open.contains(need));
        open.map(|need| self.plan.stage(*need).name.clone())
            .collect()
    }

    fn all(
        &self,
        declared: impl Iterator<Item = &'a DataPath>,
        recorded: &'a [DataEntry],
        side: Side,
    ) -> Vec<ExplainedData<'a>> {
        let declared: Vec<&DataPath> = declared.collect();
        let gone = recorded
            .iter()
            .map(|data| &data.path)
            .filter(|path| !declared.contains(path));
        let with_gone = declared.iter().copied().map(|path| (path, true));
        let with_gone = with_gone.chain(gone.map(|path| (path, false)));
        with_gone
            .map(|(path, declared)| {
                let recorded = recorded.iter().find(|data| data.path == *path);
                self.one((path, declared), recorded, side)
            })
            .collect()
    }

    fn one(
        &self,
        (path, declared): (&'a DataPath, bool),
        recorded: Option<&'a DataEntry>,
        side: Side,
    ) -> ExplainedData<'a> {
        let makers = match side {
            Side::Reads => self.makers(path),
            Side::Makes => Vec::new(),
        };
        let now = self.now(path, &makers);
        let made = |maker: &StageId| self.made_anew(*maker, path, &now, recorded);
        let makers = makers
            .iter()
            .map(|maker| Maker {
                stage: self.plan.stage(*maker).name.clone(),
                made_anew: made(maker),
            })
            .collect();
        let contents = Contents {
            plan: self.plan,
            memo: &self.seen.memo,
        };
        let old = recorded.and_then(|recorded| recorded.hash);
        let files = match &now {
            DataNow::Found(found) if old != Some(found.digest) => {
                let place = self.plan.will_stand_at(path);
                old.and_then(|old| contents.changed(&place, old, found.digest))
            }
            DataNow::Found(_) | DataNow::Missing | DataNow::ToCome(_) | DataNow::Unreadable(_) => {
                None
            }
        };
        ExplainedData {
            path,
            declared,
            recorded,
            now,
            files,
            makers,
        }
    }

    fn now(&self, path: &DataPath, makers: &[StageId]) -> DataNow {
        let to_run = makers.iter().filter(|maker| self.open.contains(maker));
        let to_run: Vec<StageName> = to_run
            .map(|maker| self.plan.stage(*maker).name.clone())
            .collect();
        if !to_run.is_empty() {
            return DataNow::ToCome(to_run);
        }
        match self.seen.at(self.plan, path) {
            Ok(found) => DataNow::Found(Box::new(found)),
            Err(error) if error.is_not_found() => DataNow::Missing,
            Err(error) => DataNow::Unreadable(error.to_string()),
        }
    }

    /// The stages that make a path, or something in it.
    fn makers(&self, path: &DataPath) -> Vec<StageId> {
        let makes = |maker: &StageId| {
            let outs = &self.plan.stage(*maker).outs;
            outs.iter().any(|out| out.path.overlaps(path))
        };
        let reads = self.plan.graph.reads(self.id).iter().copied();
        reads.filter(makes).collect()
    }

    /// When a maker last ended, if it has made what stands there, and that is not what was read before.
    fn made_anew(
        &self,
        maker: StageId,
        path: &DataPath,
        now: &DataNow,
        read: Option<&DataEntry>,
    ) -> Option<Timestamp> {
        let DataNow::Found(found) = now else {
            return None;
        };
        let entry = |id: StageId| self.plan.lock()?.stages.get(&self.plan.stage(id).name);
        let (own, maker) = (entry(self.id)?, entry(maker)?);
        (read?.hash != Some(found.digest)).then_some(())?;
        let made = maker.completed_at?;
        let as_made = maker.outs.iter().find(|out| out.path == *path);
        let anew = match as_made {
            Some(out) => out.hash == Some(found.digest),
            // It makes a part of it, or more: only the times can tell.
            None => own.started_at.is_some_and(|began| made > began),
        };
        anew.then_some(made)
    }
}
