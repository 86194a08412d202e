//! Where things go that are moved out of the way and not deleted.

use std::path::{Path, PathBuf};

use playbook_hash::disk::{self, DiskError, Root, StateDir};
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::KeptFile;

use crate::outputs::moving::move_data;

/// The places of one run.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: Root,
    state: StateDir,
    run: String,
}

impl Places {
    pub(crate) fn new(root: &Root, state: &StateDir, run: &str) -> Self {
        Self {
            root: root.clone(),
            state: state.clone(),
            run: run.to_owned(),
        }
    }

    /// The path on disk.
    pub(crate) fn resolve(&self, path: &DataPath) -> PathBuf {
        self.root.resolve(path)
    }

    /// The reserved name beside an out under which its old contents wait while the stage runs: of this
    /// run, this stage and its nth out, so that no two of them meet. It fits into 255 bytes.
    pub(super) fn aside(&self, stage: &StageName, nth: usize) -> String {
        format!("{}{stage}-{nth}", self.aside_prefix())
    }

    /// What the reserved names of this run begin with.
    pub(crate) fn aside_prefix(&self) -> String {
        format!(".playbook-aside-{}-", self.run)
    }

    /// The state directory.
    pub(crate) fn state_dir(&self) -> &Path {
        self.state.as_path()
    }

    /// Where the logs of this run are.
    pub(crate) fn logs_dir(&self) -> PathBuf {
        self.state.logs_dir().join(&self.run)
    }

    /// Moves the user's own files at `from`, which stood at the out `path`, to where they are kept.
    pub(super) fn keep(
        &self,
        stage: &StageName,
        path: &DataPath,
        from: &Path,
    ) -> Result<KeptFile, DiskError> {
        let into = self.state.kept_dir().join(&self.run).join(stage.as_str());
        self.put_away(&into, path, from, "kept")
    }

    /// Moves what a failed stage left at its out `path` to where it can be inspected.
    pub(super) fn keep_failed(
        &self,
        stage: &StageName,
        path: &DataPath,
        from: &Path,
    ) -> Result<KeptFile, DiskError> {
        self.put_away(&self.failed_dir(stage), path, from, "failed")
    }

    /// What a failed run of the stage left is kept here until the stage runs next.
    pub(super) fn failed_dir(&self, stage: &StageName) -> PathBuf {
        self.state.failed_dir().join(stage.as_str())
    }

    /// By rename only: where that would cross file systems, it stays in its own directory under a reserved name.
    fn put_away(
        &self,
        into: &Path,
        path: &DataPath,
        from: &Path,
        why: &str,
    ) -> Result<KeptFile, DiskError> {
        // Whatever was kept before stays.
        let wanted = into.join(below(path));
        let name = wanted
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let to = free_name(&wanted, &name);
        let parent = to.parent().unwrap_or(into);
        let moved = disk::create_dirs(parent).and_then(|()| move_data(from, &to));
        let to = match moved {
            Ok(()) => to,
            Err(error) if error.is_cross_device() => {
                let name = path.file_name().unwrap_or("out");
                let beside = free_name(from, &format!(".playbook-{why}-{}-{name}", self.run));
                disk::rename(from, &beside)?;
                beside
            }
            Err(error) => return Err(error),
        };
        Ok(KeptFile {
            path: path.clone(),
            kept: self.shown(&to),
        })
    }

    /// A path as a message shows it: relative to the root if it lies below it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root.as_path())
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// A path that stays below whatever it is joined to.
fn below(path: &DataPath) -> PathBuf {
    path.components()
        .map(|part| if part == ".." { "_up" } else { part })
        .collect()
}

/// A name beside `from` that nothing stands at; names longer than a file system takes are cut.
fn free_name(from: &Path, name: &str) -> PathBuf {
    let mut end = name.len().min(200);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let base = from.with_file_name(&name[..end]);
    let numbered = (1..).map(|n: u32| from.with_file_name(format!("{}-{n}", &name[..end])));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or(base)
}
