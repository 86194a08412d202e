//! Where the work directories of fan-out jobs are: they come and go while stages run.

use crate::check::paths::{holds_root, reserved};
use crate::finding::{Finding, KeyPath};
use crate::model::playbook::Playbook;
use crate::parse::SourceName;

/// Refuses a place that is not for them. The state directory is.
pub(super) fn check(playbook: &Playbook, source: &SourceName, found: &mut Vec<Finding>) {
    let Some(place) = &playbook.policy.work_dir else {
        return;
    };
    let mut refuse = |message: String| {
        let at = KeyPath::TOP.key("policy").key("work_dir");
        found.push(
            Finding::error(at, message)
                .hint("name a directory of its own, or leave it out: it is then in .playbook/"),
        );
    };
    if place.as_str().contains("{{") {
        refuse("templates are not supported in paths".to_owned());
        return;
    }
    if place.is_root() || holds_root(place) {
        refuse(format!(
            "'work_dir' cannot be {place}, which is or holds the root directory"
        ));
        return;
    }
    for (path, what) in reserved(source) {
        let inside = place.as_str().strip_prefix(&path);
        if path != ".playbook"
            && inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            refuse(format!("'work_dir' cannot be in {path}, {what}"));
        }
    }
    for stage in playbook.stages.values() {
        if let Some(out) = stage.outs.iter().find(|out| out.path.overlaps(place)) {
            let (name, path) = (stage.written(), &out.path);
            refuse(format!(
                "'work_dir' is {place}, and stage '{name}' makes {path}"
            ));
            return;
        }
    }
}

/// What comes and goes in a directory that a stage reads changes what it reads, unless it is ignored there.
pub(super) fn warn(playbook: &Playbook, found: &mut Vec<Finding>) {
    let Some(place) = &playbook.policy.work_dir else {
        return;
    };
    let mut all = playbook.stages.values().flat_map(|stage| {
        let deps = stage.deps.iter();
        deps.map(move |dep| (stage.written(), &dep.path))
    });
    if let Some((name, path)) = all.find(|(_, path)| path.overlaps(place)) {
        let at = KeyPath::TOP.key("policy").key("work_dir");
        let message = format!(
            "'work_dir' is {place}, and stage '{name}' reads {path}: it would see what comes and goes there"
        );
        found.push(
            Finding::warning(at, message)
                .hint("name a directory that no stage reads, or name this one in .playbookignore"),
        );
    }
}
