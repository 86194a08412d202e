//! Names that must stand for something.

use indexmap::IndexMap;

use crate::check::{Subject, about, data_path, stage_path};
use crate::finding::Finding;
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
            found.push(
                Finding::error(at, format!("there is no stage '{name}'")).did_you_mean(suggestion),
            );
        }
    }
}

fn targets(playbook: &Playbook, stage: &Stage, found: &mut Vec<Finding>) {
    let unknown = |target: &TargetName| {
        let names = playbook.targets.keys().map(TargetName::as_str);
        (!playbook.targets.contains_key(target))
            .then(|| nearest(target.as_str(), names).map(str::to_owned))
    };
    if let Some(target) = &stage.target
        && let Some(suggestion) = unknown(target)
    {
        let at = stage_path(stage).key("target");
        found.push(
            Finding::error(at, format!("there is no target '{target}'"))
                .did_you_mean(suggestion.as_deref()),
        );
    }
    for (i, out) in stage.outs.iter().enumerate() {
        if let Some(target) = &out.remote
            && let Some(suggestion) = unknown(target)
        {
            let at = data_path(stage, "outs", i).key("remote");
            found.push(
                Finding::error(at, format!("there is no target '{target}'"))
                    .did_you_mean(suggestion.as_deref()),
            );
        }
    }
}

fn params(playbook: &Playbook, stage: &Stage, found: &mut Vec<Finding>) {
    for (i, key) in stage.params.iter().enumerate() {
        if playbook.params.get(key).is_none() {
            let keys = playbook.params.keys();
            let suggestion = nearest(key.as_str(), keys.iter().map(String::as_str));
            let at = stage_path(stage).key("params").index(i);
            found.push(
                Finding::error(at, format!("there is no param '{key}'")).did_you_mean(suggestion),
            );
        }
    }
}
