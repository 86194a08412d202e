//! Where every stage stands, and the one function that changes it.

use std::collections::BTreeSet;

use playbook_types::graph::StageId;
use playbook_types::record::state::{IllegalStep, StageState};

use crate::plan::Plan;

/// Where every stage of a plan stands, and what follows from that.
#[derive(Debug)]
pub(super) struct States {
    by_stage: Vec<StageState>,
    /// By stage: how many of the stages it needs are not done.
    open_needs: Vec<usize>,
    /// Stages whose needs are met and which nobody has begun.
    ready: BTreeSet<StageId>,
    /// Stages that are not in a final state.
    unfinished: usize,
}

impl States {
    pub(super) fn new(plan: &Plan<'_>) -> Self {
        let open = |id: StageId| {
            plan.graph
                .needs(id)
                .iter()
                .filter(|need| plan.stages.contains(need))
                .count()
        };
        let open_needs: Vec<usize> = (0..plan.graph.len())
            .map(|i| open(StageId::new(i)))
            .collect();
        let ready = plan
            .stages
            .iter()
            .copied()
            .filter(|id| open_needs[id.index()] == 0)
            .collect();
        Self {
            by_stage: vec![StageState::Pending; plan.graph.len()],
            open_needs,
            ready,
            unfinished: plan.stages.len(),
        }
    }

    /// Every change of state goes through here; whatever is counted or queued is updated here and nowhere else.
    pub(super) fn set(
        &mut self,
        plan: &Plan<'_>,
        id: StageId,
        to: StageState,
    ) -> Result<(), IllegalStep> {
        let state = &mut self.by_stage[id.index()];
        *state = state.advance(to)?;
        self.ready.remove(&id);
        if to.is_final() {
            self.unfinished -= 1;
        }
        if to.is_success() {
            for fed in plan
                .graph
                .feeds(id)
                .iter()
                .filter(|fed| plan.stages.contains(fed))
            {
                self.open_needs[fed.index()] -= 1;
                if self.open_needs[fed.index()] == 0 && self.of(*fed) == StageState::Pending {
                    self.ready.insert(*fed);
                }
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, id: StageId) -> StageState {
        self.by_stage[id.index()]
    }

    /// The stages that can be decided now, in the playbook's order.
    pub(super) fn ready(&self) -> Vec<StageId> {
        self.ready.iter().copied().collect()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn all_final(&self) -> bool {
        self.unfinished == 0
    }

    /// Stages of the plan that are not in a final state.
    pub(super) fn unfinished(&self, plan: &Plan<'_>) -> Vec<StageId> {
        plan.order().filter(|id| !self.of(*id).is_final()).collect()
    }
}
