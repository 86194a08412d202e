//! What others may see of a plan: its graph, and its stages with everything in them resolved.

use playbook_types::graph::{Graph, StageId};

use crate::plan::build::Plan;
use crate::plan::resolve::Resolved;

impl Plan<'_> {
    /// Who needs whom, over all stages of the playbook.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A stage's command and params as a run would have them; `None` if it is not part of this plan.
    pub fn resolved(&self, id: StageId) -> Option<&Resolved> {
        self.resolved.get(id.index())?.as_ref()
    }
}
