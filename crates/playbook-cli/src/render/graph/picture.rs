//! What there is to draw: stages with all that is worth knowing of them, and the arrows between them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use playbook_exec::JobsOnRecord;
use playbook_exec::plan::{Fate, Foretold, Plan};
use playbook_types::graph::{PathIndex, StageId};
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::value::ParamValue;

use crate::render::foretold::{ahead, open};
use crate::render::graph::state::{State, tally};
use crate::render::units::to_the_second;

/// How many stages a sentence names; the arrows lead from all of them.
const MOST_NAMES: usize = 20;

/// A graph to be shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    /// The playbook's name.
    pub(crate) playbook: String,
    pub(crate) description: Option<String>,
    /// In the order of a run: each after all it needs.
    pub(crate) nodes: Vec<Node>,
    /// By where they lead, then by where they come from.
    pub(crate) arrows: Vec<Arrow>,
}

/// A stage.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) stage: StageName,
    pub(crate) description: Option<String>,
    /// It is a quality check.
    pub(crate) gate: bool,
    pub(crate) state: State,
    /// Why it is in that state, a sentence each.
    pub(crate) why: Vec<String>,
    /// Why it would run, as programs read it.
    pub(crate) reasons: Vec<InvalidationReason>,
    /// What decides whether it would.
    pub(crate) waits_for: Vec<StageName>,
    /// Its command with values from the environment masked.
    pub(crate) command: String,
    pub(crate) deps: Vec<DataPath>,
    pub(crate) outs: Vec<DataPath>,
    /// What those of them are that say so.
    pub(crate) types: BTreeMap<DataPath, String>,
    /// The params it uses.
    pub(crate) params: BTreeMap<ParamKey, ParamValue>,
    /// When it last ran, and how long.
    pub(crate) started: Option<Timestamp>,
    pub(crate) seconds: Option<f64>,
    /// Of a fan-out: how far its jobs have come, as far as that is known.
    pub(crate) jobs: Option<JobsOnRecord>,
}

/// An arrow from a stage to one that needs it, by their places among the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// What the one makes and the other reads: of an out and a dep that lie in one another, the inner.
    pub(crate) via: Vec<DataPath>,
    /// The one names the other in its `after`.
    pub(crate) after: bool,
}

impl Node {
    /// A path with what it is, if that is said.
    pub(crate) fn told(&self, path: &DataPath) -> String {
        match self.types.get(path) {
            Some(kind) => format!("{path} ({kind})"),
            None => path.to_string(),
        }
    }

    /// What it is called in pictures that are made of text.
    pub(crate) fn label(&self) -> String {
        let gate = if self.gate { " (gate)" } else { "" };
        format!("{}{gate}", self.stage)
    }
}

impl Picture {
    /// The stages of a plan, with what a run would do with them if that was asked.
    pub(crate) fn of_plan(
        plan: &Plan<'_>,
        playbook: (&str, Option<&str>),
        foretold: &[Foretold],
    ) -> Self {
        let order: Vec<StageId> = plan.order().collect();
        let fates: BTreeMap<StageId, &Foretold> =
            foretold.iter().map(|told| (told.id, told)).collect();
        let open = open(foretold);
        let nodes = order
            .iter()
            .map(|id| {
                node(plan, *id, fates.get(id).copied(), |stage| {
                    open.contains(stage)
                })
            })
            .collect();
        Self {
            playbook: playbook.0.to_owned(),
            description: playbook.1.map(str::to_owned),
            nodes,
            arrows: arrows(plan, &order),
        }
    }

    /// How many stages are in which state.
    pub(crate) fn tally(&self) -> Vec<(State, usize)> {
        tally(self.nodes.iter().map(|node| node.state))
    }

    /// By node: the nodes it needs.
    pub(crate) fn needs(&self) -> Vec<Vec<usize>> {
        let mut needs = vec![Vec::new(); self.nodes.len()];
        for arrow in &self.arrows {
            needs[arrow.to].push(arrow.from);
        }
        needs
    }
}

fn node(
    plan: &Plan<'_>,
    id: StageId,
    foretold: Option<&Foretold>,
    runs_first: impl Fn(&StageName) -> bool,
) -> Node {
    let stage = plan.stage(id);
    let fate = foretold.map(|told| &told.fate);
    let resolved = plan.resolved(id);
    let entry = plan.lock().and_then(|lock| lock.stages.get(&stage.name));
    let (reasons, waits_for) = match fate {
        Some(Fate::Miss(reasons)) => (reasons.as_slice().to_vec(), Vec::new()),
        Some(Fate::Maybe(waits_for)) => (Vec::new(), waits_for.clone()),
        Some(Fate::Hit(_) | Fate::Running { .. } | Fate::Fault(_)) | None => Default::default(),
    };
    let deps = stage.deps.iter().map(|dep| (&dep.path, &dep.kind));
    let outs = stage.outs.iter().map(|out| (&out.path, &out.kind));
    let typed = deps.chain(outs);
    let types = typed.filter_map(|(path, kind)| Some((path.clone(), kind.clone()?)));
    Node {
        types: types.collect(),
        stage: stage.name.clone(),
        description: stage.description.clone(),
        gate: stage.gate,
        state: fate.map_or(State::Unknown, State::from),
        why: fate.map(|fate| why(fate, &runs_first)).unwrap_or_default(),
        reasons,
        waits_for,
        command: resolved
            .map(|resolved| resolved.shown.clone())
            .unwrap_or_default(),
        deps: stage.deps.iter().map(|dep| dep.path.clone()).collect(),
        outs: stage.outs.iter().map(|out| out.path.clone()).collect(),
        params: resolved
            .map(|resolved| resolved.params.clone())
            .unwrap_or_default(),
        started: entry.and_then(|entry| entry.started_at),
        seconds: entry.and_then(|entry| entry.duration_seconds),
        jobs: jobs(plan, id, foretold),
    }
}

/// Those that a run would find done; where nobody looked, what is on record.
fn jobs(plan: &Plan<'_>, id: StageId, foretold: Option<&Foretold>) -> Option<JobsOnRecord> {
    let stage = plan.stage(id);
    stage.parallel.as_ref()?;
    match foretold.and_then(|told| told.jobs.as_ref()) {
        Some(jobs) => Some(JobsOnRecord {
            total: jobs.total,
            done: jobs.total - jobs.to_run,
        }),
        None => JobsOnRecord::of(&plan.project().state_dir(), &stage.name),
    }
}

fn why(fate: &Fate, runs_first: impl Fn(&StageName) -> bool) -> Vec<String> {
    match fate {
        Fate::Hit(_) => Vec::new(),
        Fate::Miss(reasons) => {
            let reasons = reasons.as_slice().iter();
            reasons.map(|reason| ahead(reason, &runs_first)).collect()
        }
        Fate::Maybe(waits_for) => {
            let names = waits_for.iter().take(MOST_NAMES).map(StageName::as_str);
            let names = names.collect::<Vec<_>>().join(" or ");
            let more = waits_for.len().saturating_sub(MOST_NAMES);
            vec![match more {
                0 => format!("only if the outputs of {names} change"),
                _ => format!("only if the outputs of {names} or of one of {more} more change"),
            }]
        }
        Fate::Running { pid, since } => {
            vec![format!(
                "running since {}, by pid {pid}",
                to_the_second(*since)
            )]
        }
        Fate::Fault(fault) => vec![fault.to_string()],
    }
}

/// The arrows between these stages. Outs are found by path, so that a stage that reads what ten thousand make is not
/// compared with each of them.
fn arrows(plan: &Plan<'_>, order: &[StageId]) -> Vec<Arrow> {
    let places: BTreeMap<StageId, usize> =
        order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut outs: PathIndex<(usize, usize)> = PathIndex::default();
    for (at, id) in order.iter().enumerate() {
        for (nth, out) in plan.stage(*id).outs.iter().enumerate() {
            outs.insert(&out.path, (at, nth));
        }
    }
    let mut arrows = Vec::new();
    for (to, id) in order.iter().enumerate() {
        let stage = plan.stage(*id);
        let mut via: BTreeMap<usize, Vec<DataPath>> = BTreeMap::new();
        for dep in &stage.deps {
            let made = |(at, nth): (usize, usize)| &plan.stage(order[at]).outs[nth].path;
            let holding = outs
                .holding(&dep.path)
                .into_iter()
                .map(|out| (out.0, &dep.path));
            let below = outs
                .below(&dep.path)
                .into_iter()
                .map(|out| (out.0, made(out)));
            for (from, path) in holding.chain(below) {
                via.entry(from).or_default().push(path.clone());
            }
        }
        let named: BTreeSet<&StageName> = stage.after.iter().collect();
        for need in plan.graph().needs(*id) {
            let Some(&from) = places.get(need) else {
                continue;
            };
            let after = named.contains(&plan.stage(*need).name);
            let via = via.remove(&from).unwrap_or_default();
            arrows.push(Arrow {
                from,
                to,
                via,
                after,
            });
        }
    }
    arrows.sort_by_key(|arrow| (arrow.to, arrow.from));
    arrows
}
