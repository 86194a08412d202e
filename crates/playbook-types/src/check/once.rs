//! What is wrong with many stages that are written as one, told once.

use indexmap::IndexMap;

use crate::finding::{Finding, KeyPath, Mark, Severity};
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::StageName;

/// Findings that say the same of several stages written as one: at the same part of the same value, of the same weight.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Same {
    at: KeyPath,
    mark: Mark,
    severity: Severity,
    /// Of several such findings of one stage, which.
    nth: usize,
}

/// Leaves of each finding that is about several stages written as one the first, with how many it is about.
pub(super) fn told_once(playbook: &Playbook, found: &mut Vec<Finding>) {
    if found.iter().all(|finding| finding.instance.is_none()) {
        return;
    }
    let mut alike: IndexMap<Same, Vec<Finding>> = IndexMap::new();
    let mut seen: IndexMap<(KeyPath, Mark, Severity, StageName), usize> = IndexMap::new();
    let mut rest = Vec::new();
    for finding in found.drain(..) {
        let Some(instance) = finding.instance.clone() else {
            rest.push(finding);
            continue;
        };
        let Finding {
            at, mark, severity, ..
        } = &finding;
        let key = (at.clone(), mark.clone(), *severity, instance);
        let nth = seen.entry(key).or_insert(0);
        let same = Same {
            at: at.clone(),
            mark: mark.clone(),
            severity: *severity,
            nth: *nth,
        };
        *nth += 1;
        alike.entry(same).or_default().push(finding);
    }
    let mut counts: IndexMap<&StageName, usize> = IndexMap::new();
    for stage in playbook.stages.values() {
        *counts.entry(stage.written()).or_insert(0) += 1;
    }
    let total = |name: &StageName| {
        let written = playbook.stages.get(name).map(Stage::written);
        written.and_then(|name| counts.get(name)).copied()
    };
    *found = rest;
    found.extend(
        alike
            .into_values()
            .filter_map(|findings| together(findings, &total)),
    );
}

/// One finding for many.
fn together(
    findings: Vec<Finding>,
    total: &dyn Fn(&StageName) -> Option<usize>,
) -> Option<Finding> {
    let more = findings.len() - 1;
    let alike = findings
        .windows(2)
        .all(|two| two[0].message == two[1].message);
    let mut first = findings.into_iter().next()?;
    let name = first.instance.take()?;
    let of_all = alike && total(&name) == Some(more + 1);
    let told = first.message.contains(name.as_str());
    first.message = match (of_all, told, more) {
        (true, ..) | (_, true, 0) => first.message,
        (_, false, 0) => format!("{} (in '{name}')", first.message),
        (_, true, 1) => format!("{} (and so in one more)", first.message),
        (_, true, more) => format!("{} (and so in {more} more)", first.message),
        (_, false, more) => format!("{} (in '{name}' and {more} more)", first.message),
    };
    Some(first)
}
