//! What validation refuses and warns about, beyond the shape of single values.

mod cycles;
mod paths;
mod references;
mod templates;
mod warnings;

use crate::finding::{Finding, KeyPath};
use crate::model::playbook::Playbook;
use crate::name::StageName;
use crate::parse::SourceName;

/// Everything found in a playbook whose values were understood one by one. Warnings only when nothing
/// is wrong: a mistake often makes something else look unused.
pub fn check(playbook: &Playbook, source: &SourceName) -> Vec<Finding> {
    let mut found = Vec::new();
    paths::check(playbook, source, &mut found);
    references::check(playbook, &mut found);
    let used = templates::check(playbook, &mut found);
    cycles::check(playbook, &mut found);
    if found.is_empty() {
        warnings::check(playbook, &used, &mut found);
    }
    point_to_checks(playbook, &mut found);
    found
}

/// A stage that a check stands for is written where the check is.
fn point_to_checks(playbook: &Playbook, found: &mut [Finding]) {
    for (flight, nth, gate) in playbook.compliance.stages() {
        let front = stage_path(&gate.name);
        for finding in found.iter_mut() {
            if let Some(rest) = finding.at.steps().strip_prefix(front.steps()) {
                let check = KeyPath::TOP
                    .key("compliance")
                    .key(flight.field())
                    .index(nth);
                let steps = check.steps().iter().chain(rest).cloned();
                finding.at = KeyPath::from_steps(steps.collect());
            }
        }
    }
}

/// Where a stage stands.
fn stage_path(name: &StageName) -> KeyPath {
    KeyPath::TOP.key("stages").key(name.as_str())
}

/// Where one path of a stage's `deps` or `outs` stands: `field` is one of the two. The path may be
/// written as text or under `path`; the finding falls back to what is there.
fn data_path(name: &StageName, field: &str, index: usize) -> KeyPath {
    stage_path(name).key(field).index(index)
}
