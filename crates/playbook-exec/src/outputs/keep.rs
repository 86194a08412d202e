//! Where things go that are moved out of the way and not deleted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use playbook_hash::disk::{self, AppendFile, DiskError, Root, StateDir};
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

    /// The same beside the output of a job: of the nth of those that it makes, and of who runs it, of those that run at
    /// the same time.
    pub(super) fn job_aside(&self, stage: &StageName, lane: u32, nth: usize) -> String {
        format!("{}{stage}.job{lane}-{nth}", self.aside_prefix())
    }

    /// What the reserved names of this run begin with. Runs of two playbooks may begin in one millisecond and have
    /// stages of one name with outs side by side, so the playbook is in it, too.
    pub(crate) fn aside_prefix(&self) -> String {
        let playbook = self.state.as_path().file_name().unwrap_or_default();
        let digest = blake3::hash(playbook.as_encoded_bytes()).to_hex();
        format!(".playbook-aside-{}-{}-", self.run, &digest.as_str()[..6])
    }

    /// Where [`Places::keep`] has put what stood at an out, if it has and nothing else of that name was there.
    pub(super) fn kept_before(&self, stage: &StageName, path: &DataPath) -> Option<KeptFile> {
        let into = self.state.kept_dir().join(&self.run).join(stage.as_str());
        let at = into.join(below(path));
        at.symlink_metadata().ok()?;
        Some(self.kept(path, &at))
    }

    /// The state directory.
    pub(crate) fn state(&self) -> &StateDir {
        &self.state
    }

    /// The short name of the run.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// The path of the state directory.
    pub(crate) fn state_dir(&self) -> &Path {
        self.state.as_path()
    }

    /// Where the logs of this run are.
    pub(crate) fn logs_dir(&self) -> PathBuf {
        self.state.logs_dir().join(&self.run)
    }

    /// Moves the user's own files at `from`, which stood at the out `path`, to where they are kept.
    pub(crate) fn keep(
        &self,
        stage: &StageName,
        path: &DataPath,
        from: &Path,
    ) -> Result<KeptFile, DiskError> {
        let into = self.state.kept_dir().join(&self.run).join(stage.as_str());
        let at = self.put_away(&into, path, from, "kept")?;
        Ok(self.kept(path, &at))
    }

    fn kept(&self, path: &DataPath, at: &Path) -> KeptFile {
        KeptFile {
            path: path.clone(),
            kept: self.shown(at),
        }
    }

    /// Moves what a failed stage left at its out `path` to where it can be inspected.
    pub(super) fn keep_failed(
        &self,
        stage: &StageName,
        path: &DataPath,
        from: &Path,
    ) -> Result<KeptFile, DiskError> {
        let at = self.put_away(&self.failed_dir(stage), path, from, "failed")?;
        if at.parent() == from.parent() {
            self.remember_failed(stage, &at)?;
        }
        Ok(self.kept(path, &at))
    }

    /// What a failed run of the stage left is kept here until the stage runs next.
    fn failed_dir(&self, stage: &StageName) -> PathBuf {
        self.state.failed_dir().join(stage.as_str())
    }

    /// The list of what a failed run of the stage left in other places, each path with a NUL behind.
    fn failed_list(&self, stage: &StageName) -> PathBuf {
        self.state.failed_dir().join(format!("{stage}.elsewhere"))
    }

    fn remember_failed(&self, stage: &StageName, at: &Path) -> Result<(), DiskError> {
        disk::create_dirs(&self.state.failed_dir())?;
        let mut list = AppendFile::open(&self.failed_list(stage))?;
        list.append_whole(&[at.as_os_str().as_bytes(), b"\0"].concat())
    }

    /// Removes what an earlier failed run of the stage left: the stage is about to run.
    pub(super) fn forget_failed(&self, stage: &StageName) -> Result<(), DiskError> {
        let list = self.failed_list(stage);
        if let Ok(paths) = fs::read(&list) {
            for path in paths
                .split(|byte| *byte == 0)
                .filter(|path| !path.is_empty())
            {
                let path = Path::new(OsStr::from_bytes(path));
                // Whatever the list says, nothing goes that does not bear the reserved name.
                let name = path.file_name().unwrap_or_default().as_bytes();
                if name.starts_with(b".playbook-failed-") {
                    disk::remove_tree(path)?;
                }
            }
            disk::remove_file(&list)?;
        }
        disk::remove_tree(&self.failed_dir(stage))
    }

    /// Whether a directory is where nothing can be renamed to the state directory from.
    fn is_elsewhere(&self, directory: &Path) -> bool {
        !disk::on_one_mount(directory, self.state.as_path())
    }

    /// By rename only: where that would cross file systems, it stays in its own directory under a reserved name.
    fn put_away(
        &self,
        into: &Path,
        path: &DataPath,
        from: &Path,
        why: &str,
    ) -> Result<PathBuf, DiskError> {
        if from
            .parent()
            .is_some_and(|parent| self.is_elsewhere(parent))
        {
            let name = path.file_name().unwrap_or("out");
            let beside = free_name(from, &format!(".playbook-{why}-{}-{name}", self.run));
            disk::rename(from, &beside)?;
            return Ok(beside);
        }
        // Whatever was kept before stays.
        let wanted = into.join(below(path));
        let name = wanted
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let to = free_name(&wanted, &name);
        disk::create_dirs(to.parent().unwrap_or(into))?;
        move_data(from, &to)?;
        Ok(to)
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
