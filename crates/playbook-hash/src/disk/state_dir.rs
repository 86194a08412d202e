//! The state directory: everything that may be deleted without losing more than time.

use std::path::{Path, PathBuf};

use crate::disk::error::DiskError;
use crate::disk::ops::{create_dirs, write_new};
use crate::disk::replace::remove_half_replaced_in;
use crate::disk::root::Root;

/// Its name in the root.
const NAME: &str = ".playbook";

/// `.playbook/` in the root, with a directory of its own for each playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    base: PathBuf,
    own: PathBuf,
}

impl StateDir {
    /// That of the playbook with this stem.
    pub fn new(root: &Root, stem: &str) -> Self {
        let base = root.as_path().join(NAME);
        let own = base.join(stem);
        Self { base, own }
    }

    /// Makes it, with a `.gitignore` that keeps all of it out of git.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn create(&self) -> Result<(), DiskError> {
        create_dirs(&self.own)?;
        let ignore = self.base.join(".gitignore");
        if ignore.exists() {
            return Ok(());
        }
        match write_new(&ignore, b"*\n") {
            // Another run was quicker.
            Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    /// Logs of attempts, one directory per run.
    pub fn logs_dir(&self) -> PathBuf {
        self.own.join("logs")
    }

    /// Files of the user's that stood where a stage made its outs.
    pub fn kept_dir(&self) -> PathBuf {
        self.own.join("kept")
    }

    /// What failed stages left, until they run next.
    pub fn failed_dir(&self) -> PathBuf {
        self.own.join("failed")
    }

    /// What is on record of the jobs of fan-outs, a file for each stage.
    pub fn fan_out_dir(&self) -> PathBuf {
        self.own.join("fanout")
    }

    /// Work directories of jobs, unless the playbook names another place.
    pub fn work_dir(&self) -> PathBuf {
        self.own.join("work")
    }

    /// What directories were when stages last read or made them.
    pub fn listings_dir(&self) -> PathBuf {
        self.own.join("listings")
    }

    /// The file behind the run lock.
    pub fn run_lock(&self) -> PathBuf {
        self.own.join("run.lock")
    }

    /// What the run under way has done, or a dead one had.
    pub fn journal(&self) -> PathBuf {
        self.own.join("journal")
    }

    /// The stat cache, which all playbooks of the root share.
    pub fn stat_cache(&self) -> PathBuf {
        self.base.join("stat-cache")
    }

    /// The playbook in a form that is quicker to read than its text.
    pub fn parsed(&self) -> PathBuf {
        self.own.join("parsed")
    }

    /// Entries of the lock in a form that is quicker to read.
    pub fn entries(&self) -> PathBuf {
        self.own.join("entries")
    }

    /// What the shell said of the environment it hands on.
    pub fn environments(&self) -> PathBuf {
        self.own.join("environments")
    }

    /// What the last run found that had nothing to do.
    pub fn settled(&self) -> PathBuf {
        self.own.join("settled")
    }

    /// Which outs of stages that are gone were named already.
    pub fn named_leftovers(&self) -> PathBuf {
        self.own.join("named-leftovers")
    }

    /// Which of the playbook's files were named to the user as ones to keep in git.
    pub fn named_for_git(&self) -> PathBuf {
        self.own.join("named-for-git")
    }

    /// Removes what runs that died left half written of what is only kept to save time. Another playbook's run that is
    /// writing the stat cache at this moment goes without; only a run does this, and only under its lock.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn remove_half_written(&self) -> Result<(), DiskError> {
        remove_half_replaced_in(&self.base, &[&self.stat_cache()])?;
        let own = [
            self.settled(),
            self.parsed(),
            self.entries(),
            self.environments(),
            self.named_for_git(),
            self.named_leftovers(),
        ];
        remove_half_replaced_in(&self.own, &own.each_ref().map(PathBuf::as_path))
    }

    /// The directory itself.
    pub fn as_path(&self) -> &Path {
        &self.own
    }
}
