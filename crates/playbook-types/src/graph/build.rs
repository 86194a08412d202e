//! The graph of a playbook's stages.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::graph::cycle::{self, Cycle};
use crate::graph::overlap::PathIndex;
use crate::graph::stage_id::StageId;
use crate::model::compliance::Flight;
use crate::model::playbook::Playbook;

/// Which stages need which, and one order that satisfies all needs.
#[derive(Debug, Clone)]
pub struct Graph {
    /// By stage: the stages whose outs it reads.
    reads: Vec<Vec<StageId>>,
    /// By stage: those, the ones in its `after`, and those of `ordered`; each once, in the playbook's order.
    needs: Vec<Vec<StageId>>,
    /// Of these, by stage, those that it comes after and that are no reason for it to run.
    ordered: BTreeMap<StageId, Vec<StageId>>,
    /// By stage: the stages that need it.
    feeds: Vec<Vec<StageId>>,
    order: Vec<StageId>,
}

impl Graph {
    /// Builds the graph. Unknown names in `after`, and a stage's own, make no edge; validation reports them.
    ///
    /// # Errors
    ///
    /// A cycle, if there is one.
    pub fn build(playbook: &Playbook) -> Result<Self, Cycle> {
        let mut outs = PathIndex::default();
        for (i, stage) in playbook.stages.values().enumerate() {
            for out in &stage.outs {
                outs.insert(&out.path, StageId::new(i));
            }
        }
        let mut reads = Vec::with_capacity(playbook.stages.len());
        let mut needs = Vec::with_capacity(playbook.stages.len());
        for (i, stage) in playbook.stages.values().enumerate() {
            let own = StageId::new(i);
            let mut read = BTreeSet::new();
            for dep in &stage.deps {
                read.extend(outs.holding(&dep.path));
                read.extend(outs.below(&dep.path));
            }
            read.remove(&own);
            let after = stage
                .after
                .iter()
                .filter_map(|name| playbook.stages.get_index_of(name))
                .map(StageId::new);
            let after = after.filter(|other| *other != own);
            let all: BTreeSet<StageId> = read.iter().copied().chain(after).collect();
            reads.push(read.into_iter().collect());
            needs.push(all.into_iter().collect());
        }
        let ordered = order_flights(playbook, &mut needs);
        Self::in_order(reads, needs, ordered)
    }

    /// Kahn's algorithm; among stages that are ready the playbook's order decides.
    fn in_order(
        reads: Vec<Vec<StageId>>,
        needs: Vec<Vec<StageId>>,
        ordered: BTreeMap<StageId, Vec<StageId>>,
    ) -> Result<Self, Cycle> {
        let mut feeds = vec![Vec::new(); needs.len()];
        for (i, needed) in needs.iter().enumerate() {
            for need in needed {
                feeds[need.index()].push(StageId::new(i));
            }
        }
        let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
        let mut ready: BinaryHeap<Reverse<StageId>> = (0..needs.len())
            .filter(|i| open[*i] == 0)
            .map(|i| Reverse(StageId::new(i)))
            .collect();
        let mut order = Vec::with_capacity(needs.len());
        while let Some(Reverse(stage)) = ready.pop() {
            order.push(stage);
            for fed in &feeds[stage.index()] {
                open[fed.index()] -= 1;
                if open[fed.index()] == 0 {
                    ready.push(Reverse(*fed));
                }
            }
        }
        if order.len() < needs.len() {
            let mut unordered = vec![true; needs.len()];
            for stage in &order {
                unordered[stage.index()] = false;
            }
            return Err(cycle::find(&needs, &unordered).unwrap_or(Cycle(Vec::new())));
        }
        Ok(Self {
            reads,
            needs,
            ordered,
            feeds,
            order,
        })
    }

    /// How many stages there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// All stages, each after everything it needs.
    pub fn order(&self) -> &[StageId] {
        &self.order
    }

    /// The stages whose outs this stage reads.
    pub fn reads(&self, stage: StageId) -> &[StageId] {
        &self.reads[stage.index()]
    }

    /// The stages that must be done before this stage: those it reads from and those it is ordered after.
    pub fn needs(&self, stage: StageId) -> &[StageId] {
        &self.needs[stage.index()]
    }

    /// Of the stages that it needs, those that are a reason for it to run if they ran: not those that only come before it.
    pub fn follows(&self, stage: StageId) -> impl Iterator<Item = StageId> {
        let needs = self.needs(stage).iter().copied();
        needs.filter(move |need| !self.only_orders(*need, stage))
    }

    /// Whether the one comes before the other for the sake of order alone.
    fn only_orders(&self, first: StageId, then: StageId) -> bool {
        let before = self.ordered.get(&then);
        before.is_some_and(|before| before.binary_search(&first).is_ok())
    }

    /// The stages that need this stage.
    pub fn feeds(&self, stage: StageId) -> &[StageId] {
        &self.feeds[stage.index()]
    }

    /// These stages and all they need, directly or not.
    pub fn upstream(&self, stages: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        Self::reach(&self.needs, stages, |_, _| true)
    }

    /// These stages and all that follow them, directly or not: what may run because they did. Checks that come after the whole
    /// pipeline are not among them.
    pub fn downstream(&self, stages: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        let follows = |from: StageId, to: &StageId| !self.only_orders(from, *to);
        Self::reach(&self.feeds, stages, follows)
    }

    /// These stages and all that wait for them, directly or not: what cannot run if they fail.
    pub fn waiting(&self, stages: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        Self::reach(&self.feeds, stages, |_, _| true)
    }

    fn reach(
        edges: &[Vec<StageId>],
        from: impl IntoIterator<Item = StageId>,
        goes: impl Fn(StageId, &StageId) -> bool,
    ) -> BTreeSet<StageId> {
        let mut reached: BTreeSet<StageId> = from.into_iter().collect();
        let mut open: Vec<StageId> = reached.iter().copied().collect();
        while let Some(stage) = open.pop() {
            for next in edges[stage.index()].iter().filter(|next| goes(stage, next)) {
                if reached.insert(*next) {
                    open.push(*next);
                }
            }
        }
        reached
    }
}

/// Puts the checks before the pipeline in front of every stage that needs none, and those after it behind every stage that none needs.
/// Gives, by stage, what it comes after for that reason alone.
fn order_flights(
    playbook: &Playbook,
    needs: &mut [Vec<StageId>],
) -> BTreeMap<StageId, Vec<StageId>> {
    let on = |flight: Flight| {
        let stages = playbook.stages.values().enumerate();
        let stages = stages.filter(move |(_, stage)| stage.flight == Some(flight));
        stages.map(|(i, _)| StageId::new(i)).collect::<Vec<_>>()
    };
    let (pre, post) = (on(Flight::Pre), on(Flight::Post));
    let mut ordered = BTreeMap::new();
    if pre.is_empty() && post.is_empty() {
        return ordered;
    }
    let mut needed = vec![false; needs.len()];
    for need in needs.iter().flatten() {
        needed[need.index()] = true;
    }
    let last = (0..needs.len()).filter(|i| !needed[*i]).map(StageId::new);
    let (is_pre, is_post) = (
        |id: &StageId| pre.binary_search(id).is_ok(),
        |id: &StageId| post.binary_search(id).is_ok(),
    );
    let last: Vec<StageId> = last.filter(|id| !is_pre(id) && !is_post(id)).collect();
    for (i, own) in needs.iter_mut().enumerate() {
        let id = StageId::new(i);
        // One that names a check in its `after` waits for the others, too.
        let first = !is_pre(&id) && own.iter().all(is_pre);
        let before = if is_post(&id) {
            &last
        } else if first {
            &pre
        } else {
            continue;
        };
        let new: Vec<StageId> = before
            .iter()
            .filter(|b| !own.contains(b))
            .copied()
            .collect();
        own.extend(&new);
        own.sort_unstable();
        ordered.insert(id, new);
    }
    ordered
}
