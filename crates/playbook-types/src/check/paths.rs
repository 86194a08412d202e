//! Deps and outs against each other and against what must not be touched.

use indexmap::IndexMap;

use crate::check::{about, data_path, stage_path, work_dirs};
use crate::finding::{Finding, KeyPath};
use crate::graph::PathIndex;
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::parse::SourceName;
use crate::path::DataPath;

/// One out: its stage's place and its own.
type OutId = (usize, usize);

pub(super) fn check(playbook: &Playbook, source: &SourceName, found: &mut Vec<Finding>) {
    let mut outs: PathIndex<OutId> = PathIndex::default();
    for (i, stage) in playbook.stages.values().enumerate() {
        for (k, out) in stage.outs.iter().enumerate() {
            // One that holds the root would overlap all others; it is refused as such.
            if !holds_root(&out.path) {
                outs.insert(&out.path, (i, k));
            }
        }
    }
    for (i, stage) in playbook.stages.values().enumerate() {
        let from = found.len();
        for (k, out) in stage.outs.iter().enumerate() {
            refuse_forbidden(stage, k, &out.path, source, found);
            refuse_params_files(playbook, stage, k, found);
            refuse_overlapping(playbook, &outs, (i, k), found);
        }
        refuse_reading_own(stage, found);
        refuse_repeated(stage, found);
        if let Some(wdir) = &stage.wdir {
            refuse_unreachable(stage, wdir, found);
        }
        about(stage, from, found);
    }
    case_twins(playbook, found);
    work_dirs::check(playbook, source, found);
}

/// Files of the project itself, which no stage may make.
pub(super) fn reserved(source: &SourceName) -> [(String, &'static str); 6] {
    let stem = source.stem();
    [
        (source.as_str().to_owned(), "the playbook itself"),
        (format!("{stem}.lock.yaml"), "the lock file"),
        (format!("{stem}.events.jsonl"), "the event log"),
        (".playbookignore".to_owned(), "the ignore rules"),
        (".playbook".to_owned(), "the state directory"),
        (".git".to_owned(), "git's own directory"),
    ]
}

fn refuse_forbidden(
    stage: &Stage,
    index: usize,
    out: &DataPath,
    source: &SourceName,
    found: &mut Vec<Finding>,
) {
    let mut refuse = |message: String| {
        let at = data_path(stage, "outs", index);
        found.push(
            Finding::error(at, message)
                .hint("an out is set aside before its stage runs; name just what the stage makes"),
        );
    };
    if out.is_root() {
        refuse("an out cannot be the root directory".to_owned());
        return;
    }
    if holds_root(out) {
        refuse(format!("the out {out} holds the root directory"));
        return;
    }
    if out.components().any(|part| part.starts_with(".playbook-")) {
        refuse(format!(
            "the out {out} uses a name that playbook keeps for itself (.playbook-…)"
        ));
        return;
    }
    for (path, what) in reserved(source) {
        if DataPath::parse(&path).is_ok_and(|path| path.holds(out) || out.holds(&path)) {
            let verb = if out.as_str() == path {
                "is"
            } else {
                "lies in"
            };
            refuse(format!("the out {out} {verb} {what}"));
        }
    }
}

/// A file with params is read before anything runs, and one that a stage sets aside would be gone by then.
fn refuse_params_files(playbook: &Playbook, stage: &Stage, index: usize, found: &mut Vec<Finding>) {
    let out = &stage.outs[index].path;
    for file in &playbook.params_files {
        if out.holds(file) && !holds_root(out) {
            let at = data_path(stage, "outs", index);
            let verb = if out == file { "is" } else { "holds" };
            found.push(
                Finding::error(at, format!("the out {out} {verb} the params file {file}"))
                    .hint("params are read before anything runs, so no stage can make them"),
            );
        }
    }
}

pub(super) fn holds_root(path: &DataPath) -> bool {
    // Whatever the root is, it lies below `/`.
    path.as_str() == "/" || DataPath::parse(".").is_ok_and(|root| path.holds(&root))
}

fn refuse_overlapping(
    playbook: &Playbook,
    outs: &PathIndex<OutId>,
    own: OutId,
    found: &mut Vec<Finding>,
) {
    let Some((name, stage)) = playbook.stages.get_index(own.0) else {
        return;
    };
    let path = &stage.outs[own.1].path;
    for other in outs.holding(path).into_iter().filter(|other| *other != own) {
        let Some((other_name, other_stage)) = playbook.stages.get_index(other.0) else {
            continue;
        };
        let other_path = &other_stage.outs[other.1].path;
        // Equal paths find each other; report them once, at the later one.
        if other_path == path && other > own {
            continue;
        }
        if other.0 == own.0 && other_path == path {
            let at = data_path(stage, "outs", own.1);
            let message = format!("stage '{name}' names the out {path} twice");
            found.push(Finding::error(at, message).hint("keep one of them"));
            continue;
        }
        let message = if other.0 == own.0 {
            format!("stage '{name}' names {path} and {other_path} as outs")
        } else if other_path == path {
            format!("{path} is made by stage '{other_name}' and by stage '{name}'")
        } else {
            format!(
                "{path}, made by stage '{name}', lies inside {other_path}, made by stage '{other_name}'"
            )
        };
        let at = data_path(stage, "outs", own.1);
        let siblings = own.0 != other.0 && stage.written() == other_stage.written();
        found.push(Finding::error(at, message).hint(if siblings {
            "put {{ key }}, or what it takes of {{ item }}, in the path, so that each makes one of its own"
        } else {
            "every path is made by one stage; give one of them another path"
        }));
        if siblings {
            return;
        }
    }
}

fn refuse_reading_own(stage: &Stage, found: &mut Vec<Finding>) {
    let mut outs = PathIndex::default();
    stage
        .outs
        .iter()
        .enumerate()
        .for_each(|(k, out)| outs.insert(&out.path, k));
    for (k, dep) in stage.deps.iter().enumerate() {
        let own = outs
            .holding(&dep.path)
            .into_iter()
            .chain(outs.below(&dep.path))
            .next();
        if let Some(out) = own.and_then(|k| stage.outs.get(k)) {
            let message = if out.path == dep.path {
                format!(
                    "stage '{}' reads {}, which it makes itself",
                    stage.name, dep.path
                )
            } else {
                format!(
                    "stage '{}' reads {}, which overlaps its own out {}",
                    stage.name, dep.path, out.path
                )
            };
            found.push(Finding::error(data_path(stage, "deps", k), message).hint(
                "to update an output in place, drop the dep and mark the out 'persist: true'",
            ));
        }
    }
}

fn refuse_repeated(stage: &Stage, found: &mut Vec<Finding>) {
    let mut seen = IndexMap::new();
    for (k, dep) in stage.deps.iter().enumerate() {
        if seen.insert(&dep.path, k).is_some() {
            let at = data_path(stage, "deps", k);
            let message = format!("stage '{}' names the dep {} twice", stage.name, dep.path);
            found.push(Finding::error(at, message).hint("keep one of them"));
        }
    }
}

/// From a working directory outside the root, the way back to a relative path is not known by text alone.
fn refuse_unreachable(stage: &Stage, wdir: &DataPath, found: &mut Vec<Finding>) {
    let outs = stage
        .outs
        .iter()
        .enumerate()
        .map(|(k, out)| ("outs", k, &out.path));
    let deps = stage
        .deps
        .iter()
        .enumerate()
        .map(|(k, dep)| ("deps", k, &dep.path));
    for (field, k, path) in deps.chain(outs) {
        if path.seen_from(wdir).is_none() {
            let message = format!(
                "{path} cannot be reached from the working directory {wdir} by a relative path"
            );
            found.push(
                Finding::error(data_path(stage, field, k), message)
                    .hint("write it as an absolute path"),
            );
        }
    }
    for out in stage.outs.iter().filter(|out| out.path.holds(wdir)) {
        let message = format!(
            "stage '{}' would run in {wdir}, inside its own out {}",
            stage.name, out.path
        );
        found.push(Finding::error(stage_path(stage).key("wdir"), message));
    }
}

/// On some file systems these are one file.
fn case_twins(playbook: &Playbook, found: &mut Vec<Finding>) {
    let mut seen: IndexMap<String, &DataPath> = IndexMap::new();
    for stage in playbook.stages.values() {
        let outs = stage
            .outs
            .iter()
            .enumerate()
            .map(|(k, out)| ("outs", k, &out.path));
        for (field, k, path) in outs {
            if let Some(twin) = seen
                .insert(path.as_str().to_lowercase(), path)
                .filter(|twin| *twin != path)
            {
                let at: KeyPath = data_path(stage, field, k);
                found.push(
                    Finding::warning(at, format!("{path} and {twin} differ only in case"))
                        .hint("on some file systems they are the same file")
                        .of(stage),
                );
            }
        }
    }
}
