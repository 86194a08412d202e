//! What validation refuses and warns about, beyond the shape of single values.

mod cycles;
mod fanout;
mod item_variables;
mod once;
mod paths;
mod places;
mod references;
mod templates;
mod warnings;
mod work_dirs;

use std::collections::BTreeSet;

use crate::expand::place_of_dep;
use crate::finding::{Finding, KeyPath};
use crate::model::params::Params;
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::ParamKey;
use crate::parse::SourceName;

/// A playbook whose values were understood one by one.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'p> {
    /// It, with the params it will run with.
    pub playbook: &'p Playbook,
    /// Its file name.
    pub source: &'p SourceName,
    /// The params that stand in the playbook itself.
    pub own_params: &'p Params,
    /// Whether these are all params: no params file is unread or broken.
    pub params_known: bool,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Warnings only when nothing is wrong: a mistake often makes something else look unused.
    pub found: Vec<Finding>,
    /// The params that stages use.
    pub used: BTreeSet<ParamKey>,
}

/// Everything that is found only by looking at the playbook as a whole.
pub fn check(subject: Subject<'_>) -> Checked {
    let playbook = subject.playbook;
    let mut found = Vec::new();
    paths::check(playbook, subject.source, &mut found);
    references::check(subject, &mut found);
    fanout::check(playbook, &mut found);
    places::check(playbook, &mut found);
    let used = templates::check(subject, &mut found);
    cycles::check(playbook, &mut found);
    if found.is_empty() {
        warnings::check(subject, &used, &mut found);
        places::warn(playbook, &mut found);
        work_dirs::warn(playbook, &mut found);
        item_variables::warn(playbook, &mut found);
    }
    once::told_once(playbook, &mut found);
    point_to_checks(playbook, &mut found);
    Checked { found, used }
}

/// A stage that a check stands for is written where the check is.
fn point_to_checks(playbook: &Playbook, found: &mut [Finding]) {
    for (flight, nth, gate) in playbook.compliance.stages() {
        let front = stage_path(&gate);
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
fn stage_path(stage: &Stage) -> KeyPath {
    KeyPath::TOP.key("stages").key(stage.written().as_str())
}

/// Says of what was found from there on that it is about this stage.
fn about(stage: &Stage, from: usize, found: &mut [Finding]) {
    if stage.is_instance() {
        for finding in found.iter_mut().skip(from) {
            finding.instance = Some(stage.name.clone());
        }
    }
}

/// Where one path of a stage's `deps` or `outs` stands: `field` is one of the two. The path may be
/// written as text or under `path`; the finding falls back to what is there.
fn data_path(stage: &Stage, field: &str, index: usize) -> KeyPath {
    let written = match field {
        "deps" => place_of_dep(stage, index),
        _ => index,
    };
    stage_path(stage).key(field).index(written)
}
