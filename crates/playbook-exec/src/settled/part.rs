//! A plan for the stages that have to be decided, while all others stand.

use std::path::Path;

use indexmap::IndexSet;
use playbook_hash::EvidenceItem;
use playbook_hash::disk::faults::{Point, pass};
use playbook_lock::{Base, Layout, Project};
use playbook_types::name::StageName;

use crate::settled::SettledStage;
use crate::settled::image::{Image, StageImage};
use crate::settled::look::Found;

/// Stages that have to be decided, because something they depend on or made has changed or may have.
#[derive(Debug)]
pub struct Unsettled<'f> {
    pub(super) found: &'f Found,
    pub(super) image: Image<'f>,
    /// The numbers of what changed, in the evidence.
    pub(super) moved: Vec<usize>,
    /// The numbers of the stages.
    pub(super) stages: Vec<usize>,
}

/// What is left to decide, and what stands.
#[derive(Debug)]
pub struct Part<'f> {
    pub(crate) base: Base,
    pub(crate) standing: Standing<'f>,
}

/// Stages that stand, in a plan that does not have them.
#[derive(Debug)]
pub(crate) struct Standing<'f> {
    /// What an earlier run found.
    pub(super) image: Image<'f>,
    /// The numbers of what changed since, in the evidence.
    pub(super) moved: Vec<usize>,
    /// The numbers of the stages that do not stand.
    pub(super) decided: Vec<usize>,
}

impl<'f> Unsettled<'f> {
    /// Opens the playbook with only these stages in it; `None` if it is not kept so.
    pub fn open(&self) -> Option<Project> {
        Project::open_part(
            &self.found.file,
            self.image.playbook_hash.into(),
            &self.image.sources,
            &self.stages,
        )
    }

    /// What a plan for these stages needs beside the project that [`open`](Self::open) gave. The caller holds the run
    /// lock; `None` if another run has been there since the stats were looked at.
    pub fn part(self, project: &Project) -> Option<Part<'f>> {
        self.found.still_stands().then_some(())?;
        let image = &self.image;
        let lengths = image.stages.iter().map(|stage| stage.lock_length);
        let layout = Layout::of_lengths(image.lock_head, lengths);
        let numbers = self.with_followed(project);
        let base = Base::read_part(project, image.lock_hash.into(), layout, &numbers)?;
        let standing = Standing {
            image: self.image,
            moved: self.moved,
            decided: self.stages,
        };
        pass(Point::PartPlanned);
        Some(Part { base, standing })
    }

    /// The numbers of these stages and of those that one of them is ordered after: when these last ended decides too.
    fn with_followed(&self, project: &Project) -> Vec<usize> {
        let mut numbers = self.stages.clone();
        let stages = project.playbook().stages.values();
        let followed: IndexSet<&str> = stages
            .flat_map(|stage| stage.after.iter().map(StageName::as_str))
            .collect();
        let all = self.image.stages.iter().enumerate();
        let all = all.filter(|(_, stage)| followed.contains(stage.name));
        numbers.extend(all.map(|(n, _)| n));
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl<'f> Standing<'f> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.image.stages.len() - self.decided.len()
    }

    /// In the order a run takes them.
    fn images(&self) -> impl Iterator<Item = &StageImage<'f>> {
        let order = self.image.order.iter();
        let standing = order.filter(|n| self.decided.binary_search(n).is_err());
        standing.map(|n| &self.image.stages[*n])
    }

    /// The stages, in the order a run takes them.
    pub(crate) fn stages(&self) -> impl Iterator<Item = SettledStage> {
        // Their names were checked when they were written down, and the bytes when they were read.
        self.images().filter_map(StageImage::settled)
    }

    /// How long each ran when it did, where that is known.
    pub(crate) fn seconds(&self) -> impl Iterator<Item = f64> {
        self.images().filter_map(|stage| stage.seconds)
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.images().map(|stage| stage.name)
    }

    /// Their outs, relative to the root if they are below it, each with the stage that makes it.
    pub(crate) fn outs(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.images().flat_map(|stage| {
            let paths = stage.outs.iter().map(|n| self.image.items[n].path());
            paths.map(|path| (stage.name, path))
        })
    }

    /// What vouches for something still, if nothing has changed it since.
    pub(super) fn item(&self, number: usize) -> Option<&EvidenceItem<'f>> {
        let stands = self.moved.binary_search(&number).is_err();
        self.image.items.get(number).filter(|_| stands)
    }
}
