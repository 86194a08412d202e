//! Outs by their real paths: links can make two texts one file.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_types::model::stage::Out;
use playbook_types::name::StageName;

use crate::error::ExecError;
use crate::plan::build::Plan;

/// Refuses outs that are one file on disk, or that hold the root or the project's own files.
pub(crate) fn refuse_clashes(plan: &Plan<'_>) -> Result<(), ExecError> {
    let mut parents = Parents::default();
    let mut makers: IndexMap<PathBuf, (&StageName, PathBuf)> = IndexMap::new();
    let root = real(plan.root().as_path());
    let here = plan.stages.iter().flat_map(|id| {
        let stage = plan.stage(*id);
        let path = |out: &Out| (&stage.name, plan.root().resolve(&out.path));
        stage.outs.iter().map(path)
    });
    let standing = plan.standing.iter().flat_map(|standing| &standing.outs);
    let standing = standing.map(|(stage, path)| (stage, path.clone()));
    for (stage, out) in standing.chain(here) {
        let path = parents.real(&out);
        let shown = |out: &Path| {
            out.strip_prefix(plan.root_path())
                .unwrap_or(out)
                .display()
                .to_string()
        };
        if root.starts_with(&path)
            || path.starts_with(root.join(".playbook"))
            || path.starts_with(root.join(".git"))
        {
            let (stage, out) = (stage.to_string(), shown(&out));
            let what =
                "is, on this disk, the root directory, holds it, or lies in its .playbook or .git";
            return Err(ExecError::ForbiddenOut { stage, out, what });
        }
        if let Some((other, first)) = makers.insert(path, (stage, out.clone())) {
            let name = |stage: &StageName, out: &Path| {
                format!("the out {} of stage '{stage}'", shown(out))
            };
            return Err(ExecError::SameRealPath {
                first: name(other, &first),
                second: name(stage, &out),
            });
        }
    }
    Ok(())
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
