//! Outs by their real paths: links can make two texts one file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use indexmap::{IndexMap, IndexSet};
use playbook_types::graph::StageId;

use crate::error::ExecError;
use crate::plan::build::Plan;
use crate::settled::Standing;

/// Refuses outs of this plan that are one file on disk, or that hold the root or the project's own files. Two outs of
/// stages that stand were two files when they were made, and as their stats say they still are.
pub(crate) fn refuse_clashes(plan: &Plan<'_>) -> Result<(), ExecError> {
    let mut parents = Parents::default();
    let mut makers: IndexMap<PathBuf, (StageId, usize)> = IndexMap::new();
    let mut names: IndexSet<OsString> = IndexSet::new();
    let root = real(plan.root().as_path());
    let own = own_files(plan, &mut parents);
    let shown = |id: StageId, k: usize| {
        let stage = plan.stage(id);
        format!("the out {} of stage '{}'", stage.outs[k].path, stage.name)
    };
    for id in plan.stages.iter().copied() {
        for (k, out) in plan.stage(id).outs.iter().enumerate() {
            let path = parents.real(&plan.root().resolve(&out.path));
            if root.starts_with(&path)
                || path.starts_with(root.join(".playbook"))
                || path.starts_with(root.join(".git"))
            {
                let (stage, out) = (plan.stage(id).name.to_string(), out.path.to_string());
                let what = "is, on this disk, the root directory, holds it, or lies in its .playbook or .git";
                return Err(ExecError::ForbiddenOut { stage, out, what });
            }
            if own.iter().any(|own| own.starts_with(&path)) {
                let (stage, out) = (plan.stage(id).name.to_string(), out.path.to_string());
                let what = "is or holds, on this disk, the playbook, its lock, its event log, its ignore rules or a params file";
                return Err(ExecError::ForbiddenOut { stage, out, what });
            }
            names.extend(path.file_name().map(ToOwned::to_owned));
            if let Some((other, i)) = makers.insert(path, (id, k)) {
                let (first, second) = (shown(other, i), shown(id, k));
                return Err(ExecError::SameRealPath { first, second });
            }
        }
    }
    for (stage, out) in plan.standing.iter().flat_map(Standing::outs) {
        // Links in front of a name do not change it.
        if !out.file_name().is_some_and(|name| names.contains(name)) {
            continue;
        }
        let path = parents.real(&plan.root_path().join(out));
        if let Some((id, k)) = makers.get(&path) {
            let first = format!("the out {} of stage '{stage}'", out.display());
            let second = shown(*id, *k);
            return Err(ExecError::SameRealPath { first, second });
        }
    }
    Ok(())
}

/// The files that a playbook lives by, where they really are and where they are seen.
fn own_files(plan: &Plan<'_>, parents: &mut Parents) -> Vec<PathBuf> {
    let project = plan.project();
    let ignore = plan.root_path().join(".playbookignore");
    let beside = [
        project.file().to_owned(),
        project.lock_path(),
        project.events_path(),
        ignore,
    ];
    let params = project.playbook().params_files.iter();
    let params = params.map(|file| plan.root().resolve(file));
    let all = beside.into_iter().chain(params);
    all.flat_map(|path| [real(&path), parents.real(&path)])
        .collect()
}

/// Real paths of directories, each asked for once.
#[derive(Default)]
struct Parents(IndexMap<PathBuf, PathBuf>);

impl Parents {
    /// The path with the links in its directory resolved; its own name stays.
    fn real(&mut self, path: &Path) -> PathBuf {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return path.to_owned();
        };
        let parent = self
            .0
            .entry(parent.to_owned())
            .or_insert_with(|| real(parent));
        parent.join(name)
    }
}

/// The real path of what exists of a path, and the rest as it is.
fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        (Err(_), ..) => path.to_owned(),
    }
}
