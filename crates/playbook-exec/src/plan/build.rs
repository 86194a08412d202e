//! Building the plan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use playbook_hash::disk::Root;
use playbook_hash::{DigestMemo, IgnoreRules, StatCache, Trust};
use playbook_lock::{Base, LockError, Project, Recorded};
use playbook_types::graph::{Graph, StageId};
use playbook_types::model::playbook::Playbook;
use playbook_types::model::policy::Policy;
use playbook_types::model::stage::Stage;
use playbook_types::record::lock::LockFile;
use rayon::prelude::*;

use crate::error::ExecError;
use crate::plan::resolve::{Resolved, resolve};
use crate::plan::select::{Selected, Selection, select};
use crate::plan::unsupported::refuse_unsupported;
use crate::settled::{Part, Standing};

/// So few paths are looked for in the stat cache instead of reading all of it.
const FEW: usize = 64;

/// Below so many stages, sharing the work costs more than it saves.
const WORTH_SHARING: usize = 128;

/// What to plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Which stages.
    pub selection: Selection,
    /// Which of them run whatever is recorded.
    pub force: Force,
}

/// Which stages run whatever is recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Force {
    /// None.
    #[default]
    None,
    /// Those that were named; all, if none was.
    Named,
}

/// What a run would do.
#[derive(Debug)]
pub struct Plan<'p> {
    pub(crate) project: &'p Project,
    pub(crate) graph: Graph,
    /// By stage; `None` for stages that are not part of this plan.
    pub(crate) resolved: Vec<Option<Resolved>>,
    /// The stages of this plan.
    pub(crate) stages: BTreeSet<StageId>,
    /// Those that were asked for; the others are there because these need them.
    pub(crate) named: BTreeSet<StageId>,
    /// Those the user forces.
    pub(crate) forced: BTreeSet<StageId>,
    /// Those and everything below them in this plan.
    pub(crate) force_reaches: BTreeSet<StageId>,
    pub(crate) recorded: Recorded,
    pub(crate) ignore: IgnoreRules,
    /// Stages of the playbook that stand, if this plan is only for those that have to be decided.
    pub(crate) standing: Option<Standing<'p>>,
}

/// Makes the plan. Reads the lock, and no data.
///
/// # Errors
///
/// What stands in the way of running at all: features not supported, a lock that cannot be read, a
/// selection that names nothing.
pub fn plan<'p>(project: &'p Project, options: &PlanOptions) -> Result<Plan<'p>, ExecError> {
    let recorded = || {
        if project.playbook().policy.lock_file {
            Recorded::read(project)
        } else {
            Ok(Recorded::default())
        }
    };
    let (mut plan, selected) = build(project, &options.selection, recorded)?;
    if selected.stale {
        plan.keep_stale(options.selection.only);
    }
    if options.force == Force::Named {
        plan.forced.clone_from(&plan.named);
        let reached = plan.graph.downstream(plan.forced.iter().copied());
        plan.force_reaches = reached.intersection(&plan.stages).copied().collect();
    }
    Ok(plan)
}

/// Makes the plan for the stages of a playbook that have to be decided; the project has only them.
///
/// # Errors
///
/// As [`plan`].
pub fn plan_part<'p>(project: &'p Project, part: Part<'p>) -> Result<Plan<'p>, ExecError> {
    let Part { base, standing } = part;
    let recorded = || Ok(Recorded::undisturbed(base));
    let (mut plan, _) = build(project, &Selection::default(), recorded)?;
    plan.standing = Some(standing);
    Ok(plan)
}

fn build<'p>(
    project: &'p Project,
    selection: &Selection,
    recorded: impl FnOnce() -> Result<Recorded, LockError>,
) -> Result<(Plan<'p>, Selected), ExecError> {
    let playbook = project.playbook();
    refuse_unsupported(playbook)?;
    let graph = Graph::build(playbook).map_err(ExecError::Cycle)?;
    let recorded = recorded()?;
    let selected = select(playbook, &graph, recorded.lock(), selection)?;
    let resolved = |i: usize| match playbook.stages.get_index(i) {
        Some((_, stage)) if selected.stages.contains(&StageId::new(i)) => {
            resolve(playbook, stage).map(Some)
        }
        _ => Ok(None),
    };
    let all = 0..graph.len();
    let resolved = if graph.len() < WORTH_SHARING {
        all.map(resolved).collect::<Result<_, _>>()?
    } else {
        all.into_par_iter()
            .map(resolved)
            .collect::<Result<_, _>>()?
    };
    let plan = Plan {
        project,
        graph,
        resolved,
        stages: selected.stages.clone(),
        named: selected.named.clone(),
        forced: BTreeSet::new(),
        force_reaches: BTreeSet::new(),
        recorded,
        ignore: IgnoreRules::load(project.root().as_path())?,
        standing: None,
    };
    Ok((plan, selected))
}

impl Plan<'_> {
    /// `state:stale`: what would or may run is meant, too; of all stages only what is meant stays, and what that needs.
    fn keep_stale(&mut self, only: bool) {
        let foretold = self.foretell(Trust::ReadEverything).into_iter();
        let stale = foretold.filter(|foretold| !foretold.fate.is_hit());
        self.named.extend(stale.map(|foretold| foretold.id));
        self.stages = if only {
            self.named.clone()
        } else {
            self.graph.upstream(self.named.iter().copied())
        };
    }

    /// The stages of this plan in an order that satisfies all needs.
    pub fn order(&self) -> impl Iterator<Item = StageId> + '_ {
        self.graph
            .order()
            .iter()
            .copied()
            .filter(|stage| self.stages.contains(stage))
    }

    /// How many stages are in this plan.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// How many stages there are, with those that stand.
    pub(crate) fn total(&self) -> usize {
        self.len() + self.standing.as_ref().map_or(0, Standing::len)
    }

    /// Whether every stage of its project is in this plan.
    pub(crate) fn is_whole(&self) -> bool {
        self.len() == self.playbook().stages.len()
    }

    /// The names of all stages that the run will speak of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let standing = self.standing.iter().flat_map(Standing::names);
        standing.chain(self.order().map(|id| self.stage(id).name.as_str()))
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// A stage of this plan as the playbook has it.
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.project.playbook().stages[id.index()]
    }

    /// The playbook's policy.
    pub fn playbook_policy(&self) -> &Policy {
        &self.playbook().policy
    }

    /// The playbook on disk.
    pub fn project(&self) -> &Project {
        self.project
    }

    /// The directory every relative path is relative to.
    pub fn root_path(&self) -> &Path {
        self.root().as_path()
    }

    /// What was on record when the plan was made: the lock, and what a run has done since.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// The lock as it was when the plan was made.
    pub fn lock(&self) -> Option<&LockFile> {
        self.recorded.lock()
    }

    /// Where digests of earlier runs are remembered.
    pub(crate) fn stat_cache(&self) -> StatCache {
        let root = self.root().as_path().to_owned();
        StatCache::new(self.project.state_dir().stat_cache(), root)
    }

    /// What is known of the data this plan is about.
    pub(crate) fn memo(&self, trust: Trust) -> DigestMemo {
        let stages = self.stages.iter().map(|id| self.stage(*id));
        let paths = stages.flat_map(|stage| {
            let deps = stage.deps.iter().map(|dep| &dep.path);
            deps.chain(stage.outs.iter().map(|out| &out.path))
        });
        let paths: Vec<PathBuf> = paths
            .map(|path| self.root().resolve(path))
            .take(FEW + 1)
            .collect();
        if paths.len() > FEW {
            return DigestMemo::with_cache(trust, self.stat_cache());
        }
        DigestMemo::with_cache_of(trust, self.stat_cache(), &paths)
    }

    pub(crate) fn base(&self) -> &Base {
        &self.recorded.base
    }

    pub(crate) fn root(&self) -> &Root {
        self.project.root()
    }

    pub(crate) fn playbook(&self) -> &Playbook {
        self.project.playbook()
    }
}
