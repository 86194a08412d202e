//! The playbook as a value.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::model::compliance::Compliance;
use crate::model::params::Params;
use crate::model::policy::Policy;
use crate::model::spread::Expanded;
use crate::model::stage::Stage;
use crate::model::target::Target;
use crate::name::{EnvName, StageName, TargetName};
use crate::path::DataPath;

/// A whole playbook. As written until [`expand`](crate::expand) has made of every stage those it stands for; nothing
/// is rendered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Playbook {
    /// What it is called; the lock and the log repeat it.
    pub name: String,
    /// Free text for people.
    pub description: Option<String>,
    /// Its params.
    pub params: Params,
    /// Files with further params; the playbook's own win.
    pub params_files: Vec<DataPath>,
    /// Environment for every stage.
    pub env: IndexMap<EnvName, String>,
    /// Places where stages can run.
    pub targets: IndexMap<TargetName, Target>,
    /// What holds for a whole run.
    pub policy: Policy,
    /// The stages, in the order they were written.
    pub stages: IndexMap<StageName, Stage>,
    /// Checks before and after the pipeline. The stages have them already.
    pub compliance: Compliance,
    /// What became of what is written.
    #[serde(default, skip_serializing_if = "Expanded::is_default")]
    pub expanded: Expanded,
}

impl Playbook {
    /// The environment declared for a stage: the playbook's, then its target's, then its own; the later wins.
    pub fn declared_env(&self, stage: &Stage) -> IndexMap<EnvName, String> {
        let target = stage.target.as_ref();
        let target = target.and_then(|name| self.targets.get(name));
        let further = target.into_iter().flat_map(|target| &target.env);
        let further = further.chain(&stage.env);
        let mut env = self.env.clone();
        env.extend(further.map(|(name, value)| (name.clone(), value.clone())));
        env
    }
}
