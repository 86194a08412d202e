//! Stages that need each other.

use crate::check::stage_path;
use crate::finding::{Finding, Mark};
use crate::graph::Graph;
use crate::model::playbook::Playbook;

pub(super) fn check(playbook: &Playbook, found: &mut Vec<Finding>) {
    let Err(cycle) = Graph::build(playbook) else {
        return;
    };
    let names: Vec<&str> = cycle
        .0
        .iter()
        .chain(cycle.0.first())
        .filter_map(|stage| playbook.stages.get_index(stage.index()))
        .map(|(name, _)| name.as_str())
        .collect();
    let Some((_, first)) = cycle
        .0
        .first()
        .and_then(|stage| playbook.stages.get_index(stage.index()))
    else {
        return;
    };
    let message = format!("these stages need each other: {}", names.join(" → "));
    found.push(
        Finding::error(stage_path(first), message)
            .mark(Mark::Key)
            .hint("each arrow is an out that the next stage reads, or an 'after'; one of them must go")
            .of(first),
    );
}
