//! Work directories: scratch for a job while it runs, and afterwards what is left to look at.
//!
//! `ab/cdef…`, by the job's key, in the state directory or where `policy.work_dir` says: `command.sh`, `stdout`, `stderr`
//! and `exit_code`; in `scratch` whatever the job put where `{{ work_dir }}` told it to. Before there is one its job is on a
//! list, so that the stage's next run finds it whatever became of the job.

use std::path::{Path, PathBuf};

use playbook_hash::disk::{self, AppendFile, DiskError, Durability, Root, StateDir, replace};
use playbook_types::digest::Digest;
use playbook_types::model::policy::Policy;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;

use crate::plan::Plan;
use crate::stage::FailureCause;

/// The work directories of a stage's jobs.
#[derive(Debug)]
pub(crate) struct WorkDirs {
    base: PathBuf,
    /// As the playbook would name it.
    named: String,
    /// The list of those that failed jobs have left.
    list: PathBuf,
    /// The list of those that jobs of the stage's last run had for scratch. A job that was cut off may never run again
    /// under the same key, so what it had is found by this.
    scratches: PathBuf,
    /// Whether those of jobs that succeed stay.
    pub(crate) keep: bool,
}

/// What is left of a job to look at.
#[derive(Debug)]
pub(crate) struct Remains<'a> {
    pub(crate) command: &'a str,
    pub(crate) out: &'a Path,
    pub(crate) err: &'a Path,
    pub(crate) cause: Option<&'a FailureCause>,
}

impl WorkDirs {
    pub(crate) fn new(plan: &Plan<'_>, state: &StateDir, stage: &StageName) -> Self {
        let policy = plan.playbook_policy();
        let base = base(policy, plan.root(), state);
        let below = base.strip_prefix(plan.root().as_path());
        let named = match &policy.work_dir {
            Some(path) => path.to_string(),
            None => below.unwrap_or(&base).to_string_lossy().into_owned(),
        };
        Self {
            base,
            named,
            list: state.fan_out_dir().join(format!("{stage}.left")),
            scratches: state.fan_out_dir().join(format!("{stage}.scratch")),
            keep: !policy.clean_on_success,
        }
    }

    /// Where that of a job is.
    pub(crate) fn of(&self, key: &Digest) -> PathBuf {
        self.base.join(place(key))
    }

    /// What `{{ work_dir }}` stands for, relative to the root if it is below it.
    pub(crate) fn scratch_named(&self, key: &Digest) -> String {
        let place = format!("{}/{}/scratch", self.named, place(key));
        DataPath::parse(&place).map_or(place, |path| path.to_string())
    }

    /// Makes a job's scratch directory, empty.
    pub(crate) fn make_scratch(&self, key: &Digest) -> Result<(), DiskError> {
        let scratch = self.of(key).join("scratch");
        if !self.keep {
            note(&self.scratches, key)?;
        }
        disk::remove_tree(&scratch)?;
        disk::create_dirs(&scratch)
    }

    /// The job went well: its work directory goes.
    pub(crate) fn remove(&self, key: &Digest) -> Result<(), DiskError> {
        remove(&self.of(key))
    }

    /// Leaves what there is to look at. Gives the directory.
    pub(crate) fn leave(&self, key: &Digest, remains: &Remains<'_>) -> Result<PathBuf, DiskError> {
        let place = self.of(key);
        if remains.cause.is_some() {
            note(&self.list, key)?;
        }
        disk::create_dirs(&place)?;
        let command = format!("#!/bin/sh\n{}\n", remains.command);
        replace(
            &place.join("command.sh"),
            command.as_bytes(),
            Durability::Fast,
        )?;
        for (name, from) in [("stdout", remains.out), ("stderr", remains.err)] {
            let to = place.join(name);
            drop(disk::open_empty(&to)?);
            AppendFile::open(&to)?.append_file(from)?;
        }
        let code = match remains.cause {
            None => Some(0),
            // As a shell tells of a signal.
            Some(cause) => cause.exit_code().or_else(|| Some(128 + cause.signal()?)),
        };
        match code {
            Some(code) => {
                let code = format!("{code}\n");
                replace(&place.join("exit_code"), code.as_bytes(), Durability::Fast)?;
            }
            None => remove_if_there(&place.join("exit_code"))?,
        }
        Ok(place)
    }

    /// Removes what jobs of an earlier run have left, those that failed and those that were cut off: the stage is about to run.
    pub(crate) fn forget(&self) -> Result<(), DiskError> {
        for list in [&self.list, &self.scratches] {
            for key in listed(list) {
                self.remove(&key)?;
            }
            remove_if_there(list)?;
        }
        Ok(())
    }

    /// All jobs are done, and each has removed its scratch.
    pub(crate) fn all_done(&self) -> Result<(), DiskError> {
        remove_if_there(&self.scratches)
    }
}

/// Adds a job to a list, before there is anything of it.
fn note(list: &Path, key: &Digest) -> Result<(), DiskError> {
    if let Some(directory) = list.parent() {
        disk::create_dirs(directory)?;
    }
    AppendFile::open(list)?.append_whole(format!("{key}\n").as_bytes())
}

/// The directory that work directories are in.
pub(crate) fn base(policy: &Policy, root: &Root, state: &StateDir) -> PathBuf {
    match &policy.work_dir {
        Some(path) => root.resolve(path),
        None => state.work_dir(),
    }
}

/// The jobs on a list of those that left something. What cannot be read is on none.
pub(crate) fn listed(list: &Path) -> impl Iterator<Item = Digest> {
    let text = std::fs::read_to_string(list).unwrap_or_default();
    let keys: Vec<Digest> = text.lines().filter_map(|line| line.parse().ok()).collect();
    keys.into_iter()
}

/// Removes a work directory.
pub(crate) fn remove(place: &Path) -> Result<(), DiskError> {
    disk::remove_tree(place)?;
    // That of others may be in the same one.
    match place.parent().map(disk::remove_dir) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(error)) if is_in_use(&error) => Ok(()),
        Some(Err(error)) => Err(error),
    }
}

/// Where a job's is, below the directory that all are in.
pub(crate) fn place(key: &Digest) -> String {
    let hex = hex(key);
    let (front, rest) = hex.split_at(2);
    format!("{front}/{rest}")
}

/// The digits of a key.
pub(crate) fn hex(key: &Digest) -> String {
    key.to_string().trim_start_matches("blake3:").to_owned()
}

/// What people know a job by: the front of its key.
pub(crate) fn short(key: &Digest) -> String {
    hex(key).chars().take(8).collect()
}

fn is_in_use(error: &DiskError) -> bool {
    matches!(
        error.source.kind(),
        std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::NotFound
    )
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), DiskError> {
    match disk::remove_file(path) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
