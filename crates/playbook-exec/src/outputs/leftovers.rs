//! What stages that are gone from the playbook made, and what still lies there.

use playbook_types::graph::PathIndex;
use playbook_types::model::stage::Stage;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;

use crate::plan::Plan;

/// An out that no stage makes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The stage that made it.
    pub stage: StageName,
    /// Where it is.
    pub path: DataPath,
}

/// The outs of stages that are on record and no longer in the playbook, as far as something is there and no other stage
/// reads or makes it; in a playbook that has stages for files or items.
pub fn leftovers(plan: &Plan<'_>) -> Vec<Leftover> {
    let playbook = plan.playbook();
    // With other params for one run, or with some of its stages, a playbook does not say what is gone.
    if plan.standing.is_some() || !plan.project.is_as_written() {
        return Vec::new();
    }
    // Of a stage that somebody took out of the playbook they know; of one whose file is gone they may not.
    let several = playbook.stages.values().any(Stage::is_instance);
    if !several && playbook.expanded.without_stages.is_empty() {
        return Vec::new();
    }
    let recorded = plan.lock().into_iter().flat_map(|lock| &lock.stages);
    let mut gone = recorded
        .filter(|(name, _)| !playbook.stages.contains_key(*name))
        .peekable();
    if gone.peek().is_none() {
        return Vec::new();
    }
    let mut in_use: PathIndex<()> = PathIndex::default();
    for stage in playbook.stages.values() {
        let deps = stage.deps.iter().map(|dep| &dep.path);
        for path in deps.chain(stage.outs.iter().map(|out| &out.path)) {
            in_use.insert(path, ());
        }
    }
    let unused = |path: &DataPath| in_use.holding(path).is_empty() && in_use.below(path).is_empty();
    let there = |path: &DataPath| plan.root().resolve(path).symlink_metadata().is_ok();
    gone.flat_map(|(name, entry)| entry.outs.iter().map(move |out| (name, &out.path)))
        .filter(|(_, path)| unused(path) && there(path))
        .map(|(stage, path)| Leftover {
            stage: stage.clone(),
            path: path.clone(),
        })
        .collect()
}
