//! Names that must stand for something.

use indexmap::IndexMap;

use crate::check::{Subject, about, data_path, stage_path};
use crate::finding::{Finding, KeyPath};
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::{StageName, TargetName};
use crate::suggest::nearest;

pub(super) fn check(subject: Subject<'_>, found: &mut Vec<Finding>) {
    let playbook = subject.playbook;
    let mut meant = IndexMap::new();
    for stage in playbook.stages.values() {
        let from = found.len();
        after(playbook, stage, &mut meant, found);
        targets(playbook, stage, found);
        if subject.params_known {
            params(playbook, stage, found);
        }
        about(stage, from, found);
    }
}

/// `meant` has what was probably meant by names that are none, because a thousand stages may have one mistake.
fn after<'p>(
    playbook: &'p Playbook,
    stage: &'p Stage,
    meant: &mut IndexMap<&'p StageName, Option<&'p str>>,
    found: &mut Vec<Finding>,
) {
    for (i, name) in stage.after.iter().enumerate() {
        let made_of = stage.made_of.as_ref();
        let place = made_of.and_then(|made_of| made_of.after.get(i).copied());
        let at = stage_path(stage).key("after").index(place.unwrap_or(i));
        if *name == stage.name {
            found.push(Finding::error(
                at,
                format!("stage '{name}' cannot run after itself"),
            ));
        } else if !playbook.stages.contains_key(name) {
            let suggestion = *meant.entry(name).or_insert_with(|| {
                let stages = playbook.stages.values();
                let names = stages.flat_map(|it| [it.name.as_str(), it.written().as_str()]);
                nearest(name.as_str(), names)
            });
            let finding = Finding::error(at, format!("there is no stage '{name}'"));
            let hint = "name a stage of this playbook, or take it out";
            found.push(finding.did_you_mean_or(suggestion, hint));
        }
    }
}

fn targets(playbook: &Playbook, stage: &Stage, found: &mut Vec<Finding>) {
    let mut known = |target: &TargetName, at: KeyPath| {
        if playbook.targets.contains_key(target) {
            return;
        }
        let names = playbook.targets.keys().map(TargetName::as_str);
        let finding = Finding::error(at, format!("there is no target '{target}'"));
        let hint = format!("define it: targets: {{{target}: {{…}}}}");
        found.push(finding.did_you_mean_or(nearest(target.as_str(), names), hint));
    };
    if let Some(target) = &stage.target {
        known(target, stage_path(stage).key("target"));
    }
    for (i, out) in stage.outs.iter().enumerate() {
        if let Some(target) = &out.remote {
            known(target, data_path(stage, "outs", i).key("remote"));
        }
    }
}

/// What to do where nothing has nearly that name.
pub(super) const UNDEFINED_PARAM: &str =
    "define it under 'params', or in a file that 'params_files' names";

fn params(playbook: &Playbook, stage: &Stage, found: &mut Vec<Finding>) {
    for (i, key) in stage.params.iter().enumerate() {
        if playbook.params.get(key).is_none() {
            let keys = playbook.params.keys();
            // Templates begin with it, and these do not.
            let bare = key.as_str().strip_prefix("params.");
            let bare = bare.filter(|bare| keys.iter().any(|key| key == bare));
            let suggestion =
                bare.or_else(|| nearest(key.as_str(), keys.iter().map(String::as_str)));
            let at = stage_path(stage).key("params").index(i);
            let finding = Finding::error(at, format!("there is no param '{key}'"));
            found.push(finding.did_you_mean_or(suggestion, UNDEFINED_PARAM));
        }
    }
}
