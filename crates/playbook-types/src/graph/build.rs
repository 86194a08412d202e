//! The graph of a playbook's stages.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::graph::cycle::{self, Cycle};
use crate::graph::overlap::PathIndex;
use crate::graph::stage_id::StageId;
use crate::model::playbook::Playbook;

/// Which stages need which, and one order that satisfies all needs.
#[derive(Debug, Clone)]
pub struct Graph {
    /// By stage: the stages whose outs it reads.
    reads: Vec<Vec<StageId>>,
    /// By stage: those, and the ones in its `after`; each once, in the playbook's order.
    needs: Vec<Vec<StageId>>,
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
        Self::ordered(reads, needs)
    }

    /// Kahn's algorithm; among stages that are ready the playbook's order decides.
    fn ordered(reads: Vec<Vec<StageId>>, needs: Vec<Vec<StageId>>) -> Result<Self, Cycle> {
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

    /// The stages that need this stage.
    pub fn feeds(&self, stage: StageId) -> &[StageId] {
        &self.feeds[stage.index()]
    }

    /// These stages and all they need, directly or not.
    pub fn upstream(&self, stages: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        Self::reach(&self.needs, stages)
    }

    /// These stages and all that need them, directly or not.
    pub fn downstream(&self, stages: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        Self::reach(&self.feeds, stages)
    }

    fn reach(edges: &[Vec<StageId>], from: impl IntoIterator<Item = StageId>) -> BTreeSet<StageId> {
        let mut reached: BTreeSet<StageId> = from.into_iter().collect();
        let mut open: Vec<StageId> = reached.iter().copied().collect();
        while let Some(stage) = open.pop() {
            for next in &edges[stage.index()] {
                if reached.insert(*next) {
                    open.push(*next);
                }
            }
        }
        reached
    }
}
