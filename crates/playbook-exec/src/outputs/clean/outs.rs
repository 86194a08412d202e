//! Outs that can be made again.

use std::fs;
use std::path::Path;

use playbook_hash::{DigestMemo, HashError, IgnoreRules, Trust};
use playbook_lock::{Project, Recorded};
use playbook_types::model::stage::{Out, Stage};
use playbook_types::record::lock::StageEntry;

use crate::outputs::clean::spare::{LeftOut, Only, Spare, SpareKind, exists, spare, wanted};
use crate::outputs::mounts::mount_below;

/// The outs that are there: those that are exactly what the lock records as made by their stages, and those that stay. All
/// of them are read.
///
/// # Errors
///
/// Ignore rules that cannot be read.
pub fn spare_outs(
    project: &Project,
    recorded: &Recorded,
    only: Only<'_>,
) -> Result<(Vec<Spare>, Vec<LeftOut>), HashError> {
    let rules = IgnoreRules::load(project.root().as_path())?;
    let memo = DigestMemo::new(Trust::ReadEverything);
    let (mut spares, mut left) = (Vec::new(), Vec::new());
    let stages = project.playbook().stages.values();
    for stage in stages.filter(|stage| wanted(only, &stage.name)) {
        let entry = recorded
            .lock()
            .and_then(|lock| lock.stages.get(&stage.name));
        for out in &stage.outs {
            let place = project.root().resolve(&out.path);
            if !exists(&place) {
                continue;
            }
            match why_left(stage, out, entry, (&place, &memo, &rules)) {
                Some(why) => left.push(LeftOut {
                    stage: stage.name.clone(),
                    path: out.path.clone(),
                    why,
                }),
                None => spares.push(spare(SpareKind::Out, place, Some(stage.name.clone()))),
            }
        }
    }
    Ok((spares, left))
}

/// Why an out is not to be removed, if that is so.
fn why_left(
    stage: &Stage,
    out: &Out,
    entry: Option<&StageEntry>,
    (place, memo, rules): (&Path, &DigestMemo, &IgnoreRules),
) -> Option<&'static str> {
    if stage.frozen {
        return Some("its stage is frozen: it would not be made again");
    }
    if out.persist {
        return Some("it is updated from run to run (persist)");
    }
    let Some(entry) = entry else {
        return Some("its stage is not in the lock");
    };
    if entry.adopted {
        return Some("it was adopted: its stage has not made it");
    }
    let made = entry.outs.iter().find(|made| made.path == out.path);
    let Some((made, hash)) = made.and_then(|made| Some((made, made.hash?))) else {
        return Some("the lock does not record it");
    };
    let link = fs::read_link(place).ok();
    let link = link.map(|link| link.to_string_lossy().into_owned());
    let same = memo
        .digest(place, rules)
        .is_ok_and(|found| found.digest == hash && found.ignored == made.ignored.unwrap_or(0));
    if !same || link != made.symlink {
        return Some("it is not what its stage made");
    }
    if link.is_none() && mount_below(place).is_some() {
        return Some("another file system is mounted in it");
    }
    None
}
