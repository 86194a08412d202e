//! The whole story of each decision agrees with the decision, and telling it changes nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use playbook_exec::plan::{
    DataNow, Explained, ExplainedData, ExplainedParam, Fate, Foretold, Plan,
};
use playbook_hash::Trust;
use playbook_types::record::lock::EntryStatus;
use playbook_types::record::reason::InvalidationReason;

/// What is told of the stages of a plan. It panics where one answer contradicts another.
pub(crate) fn told(directory: &Path, plan: &Plan<'_>, trust: Trust) -> Vec<Foretold> {
    let before = stamps(directory);
    let foretold = plan.foretell(trust);
    let stories = plan.explain(trust);
    assert_eq!(stamps(directory), before, "looking changed something");
    for story in &stories {
        let told = foretold.iter().find(|told| told.stage == story.stage.name);
        let told = told.expect("what is explained is foretold");
        assert_eq!(format!("{:?}", told.fate), format!("{:?}", story.fate));
        agrees(story);
    }
    foretold
}

fn agrees(story: &Explained<'_>) {
    let name = &story.stage.name;
    let same = |all: &[ExplainedData<'_>]| all.iter().all(ExplainedData::is_same);
    match &story.fate {
        Fate::Hit(_) if !story.stage.frozen => {
            assert!(
                same(&story.deps) && same(&story.outs),
                "{name} is up to date: {story:?}"
            );
            assert!(
                story.params.iter().all(|param| !param.is_changed()),
                "{name}: {story:?}"
            );
        }
        Fate::Maybe(waits) => {
            let to_come = story.deps.iter().any(|dep| matches!(&dep.now, DataNow::ToCome(makers) if makers.iter().all(|maker| waits.contains(maker))));
            assert!(
                to_come || !story.stage.after.is_empty(),
                "{name} may run: {story:?}"
            );
        }
        Fate::Miss(reasons) => {
            reasons
                .as_slice()
                .iter()
                .for_each(|reason| holds(story, reason));
            let compared = story
                .entry
                .is_some_and(|entry| entry.status == EntryStatus::Completed);
            let by_contents = |reason: &InvalidationReason| {
                matches!(
                    reason,
                    InvalidationReason::DepChanged { .. } | InvalidationReason::CmdChanged { .. }
                )
            };
            if compared && reasons.as_slice().iter().any(by_contents) {
                all_are_named(story, reasons.as_slice());
            }
        }
        Fate::Hit(_) | Fate::Running { .. } | Fate::Fault(_) => {}
    }
}

/// What a reason says is what the story shows.
fn holds(story: &Explained<'_>, reason: &InvalidationReason) {
    let dep = |path| story.deps.iter().find(|dep| dep.path == path);
    let out = |path| story.outs.iter().find(|out| out.path == path);
    let told = |data: &ExplainedData<'_>, files: &Option<_>| {
        let diff = data
            .files
            .as_ref()
            .map(|diff| (diff.added.len(), diff.removed.len(), diff.changed.len()));
        let counts = files
            .as_ref()
            .map(|files: &playbook_types::record::reason::FileCounts| {
                [files.added, files.removed, files.changed]
                    .map(|count| usize::try_from(count).unwrap())
            });
        assert_eq!(
            counts,
            diff.map(|(added, removed, changed)| [added, removed, changed])
        );
        !data.is_same() && data.digest().is_some()
    };
    let holds = match reason {
        InvalidationReason::DepChanged { path, files, .. } => {
            dep(path).is_some_and(|dep| told(dep, files))
        }
        InvalidationReason::OutputModified { path, files, .. } => {
            out(path).is_some_and(|out| told(out, files))
        }
        InvalidationReason::OutputMissing { path } => {
            out(path).is_some_and(|out| matches!(out.now, DataNow::Missing))
        }
        InvalidationReason::DepAdded { path } => {
            dep(path).is_some_and(|dep| dep.recorded.is_none())
        }
        InvalidationReason::DepRemoved { path } => dep(path).is_some_and(|dep| !dep.declared),
        InvalidationReason::ParamsChanged { changes } => changes.iter().all(|change| {
            let whole = story
                .params
                .iter()
                .find(|param| *param.param == change.param);
            // Of a map, what changed in it.
            let around = |param: &&ExplainedParam<'_>| {
                let rest = change.param.as_str().strip_prefix(param.param.as_str());
                rest.is_some_and(|rest| rest.starts_with('.'))
            };
            match whole {
                Some(param) => param.is_changed() && param.old == change.old.as_ref(),
                None => story
                    .params
                    .iter()
                    .filter(around)
                    .any(ExplainedParam::is_changed),
            }
        }),
        InvalidationReason::NoLockFile => !story.has_lock,
        InvalidationReason::StageNotInLock => story.has_lock,
        _ => true,
    };
    assert!(holds, "{}: {reason} in {story:?}", story.stage.name);
}

/// Each dep that is seen to differ is named by a reason.
fn all_are_named(story: &Explained<'_>, reasons: &[InvalidationReason]) {
    let named = |dep: &ExplainedData<'_>| {
        reasons.iter().any(|reason| matches!(reason, InvalidationReason::DepChanged { path, .. } | InvalidationReason::DepAdded { path } | InvalidationReason::DepRemoved { path } if path == dep.path))
    };
    for dep in story.deps.iter().filter(|dep| dep.digest().is_some()) {
        assert!(
            dep.is_same() || named(dep),
            "{}: {} in {reasons:?}",
            story.stage.name,
            dep.path
        );
    }
}

/// When everything outside the state directory last changed in any way.
fn stamps(directory: &Path) -> BTreeMap<PathBuf, [i64; 4]> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".playbook") {
                continue;
            }
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                left.push(path.clone());
            }
            let stamp = [
                meta.ctime(),
                meta.ctime_nsec(),
                meta.mtime(),
                meta.mtime_nsec(),
            ];
            found.insert(path, stamp);
        }
    }
    found
}
