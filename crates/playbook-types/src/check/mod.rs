//! What validation refuses and warns about, beyond the shape of single values.

mod cycles;
mod fanout;
mod paths;
mod places;
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
    fanout::check(playbook, &mut found);
    places::check(playbook, &mut found);
    let used = templates::check(playbook, &mut found);
    cycles::check(playbook, &mut found);
    if found.is_empty() {
        warnings::check(playbook, &used, &mut found);
        places::warn(playbook, &mut found);
    }
    found
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
