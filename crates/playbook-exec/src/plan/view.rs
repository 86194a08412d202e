//! What others may see of a plan: its graph, and its stages with everything in them resolved.

use std::path::PathBuf;

use playbook_lock::history::short_id;
use playbook_types::graph::{Graph, StageId};
use uuid::Uuid;

use crate::plan::build::Plan;
use crate::plan::resolve::Resolved;

impl Plan<'_> {
    /// Who needs whom, over all stages of the playbook.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where the logs of a run of this plan are.
    pub fn logs_dir(&self, run_id: Uuid) -> PathBuf {
        self.project.state_dir().logs_dir().join(short_id(run_id))
    }

    /// A stage's command and params as a run would have them; `None` if it is not part of this plan.
    pub fn resolved(&self, id: StageId) -> Option<&Resolved> {
        self.resolved.get(id.index())?.as_ref()
    }
}
