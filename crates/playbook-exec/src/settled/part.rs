//! A plan for the stages that have to be decided, while all others stand.

use std::path::PathBuf;

use blake3::Hash;
use playbook_hash::disk::faults::{Point, pass};
use playbook_lock::{Base, Layout, Project};
use playbook_types::name::StageName;

use crate::settled::SettledStage;
use crate::settled::image::{Image, StageImage};

/// Stages that have to be decided, because something they depend on or made has changed or may have.
#[derive(Debug)]
pub struct Unsettled {
    file: PathBuf,
    bytes: Vec<u8>,
    /// The numbers of what changed, in the evidence.
    moved: Vec<usize>,
    /// The numbers of the stages.
    stages: Vec<usize>,
}

/// What is left to decide, and what stands.
#[derive(Debug)]
pub struct Part {
    pub(crate) base: Base,
    pub(crate) standing: Standing,
}

/// Stages that stand, in a plan that does not have them.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What an earlier run found.
    pub(super) bytes: Vec<u8>,
    /// The numbers of what changed since, in the evidence.
    pub(super) moved: Vec<usize>,
    /// The numbers of the stages that do not stand.
    pub(super) decided: Vec<usize>,
    /// In the order a run takes them.
    pub(crate) stages: Vec<SettledStage>,
    /// Their outs, each with the stage that makes it.
    pub(crate) outs: Vec<(StageName, PathBuf)>,
}

impl Unsettled {
    pub(super) fn new(
        file: PathBuf,
        bytes: Vec<u8>,
        moved: Vec<usize>,
        stages: Vec<usize>,
    ) -> Self {
        Self {
            file,
            bytes,
            moved,
            stages,
        }
    }

    /// Opens the playbook with only these stages in it; `None` if it is not the one that was looked at.
    pub fn open(&self) -> Option<Project> {
        let image = Image::read(&self.bytes)?;
        Project::open_part(&self.file, image.playbook_hash.into(), &self.stages)
    }

    /// What a plan for these stages needs beside the project that [`open`](Self::open) gave. The caller holds the run
    /// lock; `None` if another run has been there since the stats were looked at.
    pub fn part(self, project: &Project) -> Option<Part> {
        let state = project.state_dir();
        let undisturbed = state.journal().symlink_metadata().is_err();
        let same = std::fs::read(state.settled()).is_ok_and(|bytes| bytes == self.bytes);
        let image = Image::read(&self.bytes).filter(|_| undisturbed && same)?;
        let lengths = image.stages.iter().map(|stage| stage.lock_length);
        let layout = Layout::of_lengths(image.lock_head, lengths);
        let numbers = self.with_followed(project, &image);
        let lock_hash: Hash = image.lock_hash.into();
        let base = Base::read_part(&project.lock_path(), lock_hash, layout, &numbers)?;
        let mut decided = vec![false; image.stages.len()];
        for n in &self.stages {
            decided[*n] = true;
        }
        let standing = image.order.iter().filter(|n| !decided[**n]);
        let standing: Vec<&StageImage<'_>> = standing.map(|n| &image.stages[*n]).collect();
        let stages = standing.iter().map(|stage| stage.settled());
        let stages: Vec<SettledStage> = stages.collect::<Option<_>>()?;
        let mut outs = Vec::new();
        for (stage, settled) in standing.iter().zip(&stages) {
            let paths = stage.outs.iter().map(|n| image.items[n].path());
            outs.extend(
                paths.map(|path| (settled.name.clone(), project.root().as_path().join(path))),
            );
        }
        drop(image);
        let standing = Standing {
            bytes: self.bytes,
            moved: self.moved,
            decided: self.stages,
            stages,
            outs,
        };
        pass(Point::PartPlanned);
        Some(Part { base, standing })
    }

    /// The numbers of these stages and of those that one of them is ordered after: when these last ended decides too.
    fn with_followed(&self, project: &Project, image: &Image<'_>) -> Vec<usize> {
        let mut numbers = self.stages.clone();
        for name in project
            .playbook()
            .stages
            .values()
            .flat_map(|stage| &stage.after)
        {
            numbers.extend(
                image
                    .stages
                    .iter()
                    .position(|stage| stage.name == name.as_str()),
            );
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}
