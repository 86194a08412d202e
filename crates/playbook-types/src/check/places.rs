//! Where stages run: what a target cannot have, and what a stage asks of one that it has not.

use crate::check::stage_path;
use crate::finding::{Finding, KeyPath};
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::model::target::{Files, Target, TargetKind};
use crate::name::TargetName;

/// What is wrong.
pub(super) fn check(playbook: &Playbook, found: &mut Vec<Finding>) {
    for (name, target) in &playbook.targets {
        if target.kind == TargetKind::Local && target.workdir.is_some() {
            let message = format!(
                "target '{name}' is this machine, where the playbook's own directory is the root: it cannot have a 'workdir'"
            );
            let finding = Finding::error(target_path(name).key("workdir"), message);
            found.push(finding.hint("'wdir' in a stage says in which directory its commands run"));
        }
    }
    for stage in playbook.stages.values() {
        let named = stage.target.as_ref();
        if let Some((name, target)) = named.and_then(|name| playbook.targets.get_key_value(name)) {
            too_much(stage, (name, target), found);
        }
    }
}

/// What has no effect.
pub(super) fn warn(playbook: &Playbook, found: &mut Vec<Finding>) {
    let local = playbook.targets.iter();
    for (name, target) in local.filter(|(_, target)| target.kind == TargetKind::Local) {
        let mut idle = |given: bool, field: &str| {
            if given {
                let message =
                    format!("'{field}' means nothing for target '{name}', which is this machine");
                found.push(Finding::warning(target_path(name).key(field), message));
            }
        };
        idle(target.ssh_user.is_some(), "ssh_user");
        idle(target.files == Files::Sync, "files");
    }
}

/// A stage that asks for more than its target is said to have could never start.
fn too_much(stage: &Stage, (name, target): (&TargetName, &Target), found: &mut Vec<Finding>) {
    let resources = &stage.resources;
    let at = stage_path(stage).key("resources");
    let mut note = |field: (&str, &str), much: bool, asked: String, has: String| {
        if much {
            let (asks, declared) = field;
            let message = format!(
                "stage '{}' asks for {asked}, and target '{name}' has {has}",
                stage.name
            );
            let finding = Finding::error(at.key(asks), message).of(stage);
            found.push(finding.hint(format!(
                "ask for less, or correct {}",
                target_path(name).key(declared)
            )));
        }
    };
    let count =
        |number: u32, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    if let (Some(asked), Some(has)) = (resources.cores, target.cores) {
        let fields = ("cores", "cores");
        note(fields, asked > has, count(asked, "core"), has.to_string());
    }
    if let (Some(asked), Some(has)) = (resources.memory, target.memory) {
        let fields = ("memory_gb", "memory_gb");
        let asks = format!("{asked} of memory");
        note(fields, asked > has, asks, has.to_string());
    }
    if let (Some(asked), Some(has)) = (resources.gpu, target.gpus) {
        let fields = ("gpu", "gpus");
        let asks = count(asked, "accelerator");
        note(fields, asked > has, asks, has.to_string());
    }
}

fn target_path(name: &TargetName) -> KeyPath {
    KeyPath::TOP.key("targets").key(name.as_str())
}
