//! What is shared, how much of each there is, and how much a stage takes.

use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::model::target::{Target, TargetKind};
use playbook_types::units::ByteSize;

/// What stages share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Processor cores.
    Cores,
    /// Bytes of memory.
    Memory,
    /// Accelerators.
    Gpus,
    /// Bytes of disk.
    Disk,
}

impl Resource {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Cores, Self::Memory, Self::Gpus, Self::Disk];
}

/// So much of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Amounts([u64; Resource::ALL.len()]);

impl Amounts {
    /// Nothing of any.
    pub(crate) const NONE: Self = Self([0; Resource::ALL.len()]);
    /// More of each than anything asks for.
    pub(crate) const UNLIMITED: Self = Self([u64::MAX; Resource::ALL.len()]);

    /// How much of this one.
    pub(crate) const fn get(self, resource: Resource) -> u64 {
        self.0[resource as usize]
    }

    /// The same, but with so much of this one.
    pub(crate) const fn with(mut self, resource: Resource, amount: u64) -> Self {
        self.0[resource as usize] = amount;
        self
    }

    /// Whether there is no more of any than there.
    pub(crate) fn fits(self, there: Self) -> bool {
        self.0.iter().zip(there.0).all(|(asked, has)| *asked <= has)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    /// The smaller amount of each.
    pub(crate) fn at_most(self, other: Self) -> Self {
        self.each(other, u64::min)
    }

    fn each(mut self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine = with(*mine, other);
        }
        self
    }
}

/// What a stage takes while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Demand {
    /// Of `--jobs` and of this machine.
    pub(super) here: Amounts,
    /// Of a target: its place among the playbook's.
    pub(super) target: Option<(usize, Amounts)>,
}

impl Demand {
    /// What a stage of this playbook asks for.
    pub(crate) fn of(stage: &Stage, playbook: &Playbook) -> Self {
        let asked = asked(stage);
        let target = stage.target.as_ref();
        let target = target.and_then(|name| playbook.targets.get_full(name));
        let elsewhere = target.is_some_and(|(_, _, target)| !is_here(target));
        Self {
            // Of another machine only the cores count here: they are jobs, too.
            here: if elsewhere {
                Self::cores(asked.get(Resource::Cores)).here
            } else {
                asked
            },
            target: target.map(|(place, _, _)| (place, asked)),
        }
    }

    /// So many cores of `--jobs`, and nothing else.
    pub(crate) fn cores(cores: u64) -> Self {
        Self {
            here: Amounts::NONE.with(Resource::Cores, cores),
            target: None,
        }
    }
}

/// What a stage asks for.
pub(crate) fn asked(stage: &Stage) -> Amounts {
    let resources = &stage.resources;
    let bytes = |size: Option<ByteSize>| size.map_or(0, ByteSize::bytes);
    Amounts::NONE
        .with(Resource::Cores, resources.cores.unwrap_or(1).into())
        .with(Resource::Memory, bytes(resources.memory))
        .with(Resource::Gpus, resources.gpu.unwrap_or(0).into())
        .with(Resource::Disk, bytes(resources.disk))
}

/// What a target is said to have. What is not said has no limit of its own.
pub(crate) fn declared(target: &Target) -> Amounts {
    let mut has = Amounts::UNLIMITED;
    if let Some(cores) = target.cores {
        has = has.with(Resource::Cores, cores.into());
    }
    if let Some(memory) = target.memory {
        has = has.with(Resource::Memory, memory.bytes());
    }
    if let Some(gpus) = target.gpus {
        has = has.with(Resource::Gpus, gpus.into());
    }
    has
}

/// Whether a target is this machine.
pub(crate) fn is_here(target: &Target) -> bool {
    target.kind == TargetKind::Local
}
