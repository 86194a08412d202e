//! What a run found, kept so that the next one need not work it out again.
//!
//! Whether a stage is up to date depends on the playbook, the lock, the data and this program, and on nothing else. So
//! a run that comes to its end writes down the stats that vouch for the data of each stage
//! ([`playbook_hash::Evidence`]), and the digests of the playbook and the lock (`image`). The next run of the whole
//! playbook looks at the stats ([`Found::look`]). Where all of them hold there is nothing to do, and neither is YAML read nor
//! anything decided. Where some do not, the stages that read or made these files, and those below them, are
//! decided as ever, on a plan that has only them in it ([`Unsettled::open`]); all others stand.
//!
//! A stat may save reading, never change an answer. Whatever it cannot vouch for is looked at as ever: a file or
//! directory that is too young, one on a network. And everything is, if what was written down is
//! damaged, of another program or another start of the machine, or gone.

mod image;
mod keep;
mod look;
mod part;

pub use look::{Found, Look};
pub use part::{Part, Unsettled};

pub(crate) use keep::remember;
pub(crate) use part::Standing;

use std::time::Duration;

use indexmap::IndexMap;
use playbook_lock::GENERATOR;
use playbook_types::digest::Digest;
use playbook_types::finding::Findings;
use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind, RunTotals};
use uuid::Uuid;

use crate::clock::Clock;
use crate::settled::image::Image;

/// A playbook in which every stage is up to date.
#[derive(Debug)]
pub struct Settled<'f> {
    /// What is worth a warning in it.
    pub warnings: Findings,
    image: Image<'f>,
}

/// A stage that is up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledStage {
    /// Its name.
    pub name: StageName,
    /// The key of its entry.
    pub cache_key: Option<Digest>,
    /// How long it ran when it did.
    pub seconds: Option<f64>,
}

impl SettledStage {
    /// What a run says of it.
    pub(crate) fn cached(&self) -> EventKind {
        EventKind::StageCached {
            stage: self.name.clone(),
            cache_key: self.cache_key,
            reason: HitKind::Hit,
        }
    }
}

impl Settled<'_> {
    /// The events of a run that finds this, and takes so long to.
    pub fn events(&self, run_id: Uuid, clock: &dyn Clock, took: Duration) -> Vec<Event> {
        let event = |kind| Event {
            ts: clock.now(),
            run_id,
            kind,
        };
        let started = EventKind::RunStarted {
            playbook: self.image.name.to_owned(),
            generator: GENERATOR.to_owned(),
            stages: self.image.stages.len(),
            params: IndexMap::new(),
        };
        // Their names were checked when they were written down, and the bytes when they were read.
        let stages = self.image.order.iter();
        let stages = stages.filter_map(|n| self.image.stages[*n].settled());
        let stages: Vec<SettledStage> = stages.collect();
        let cached = stages.iter().map(SettledStage::cached);
        let completed = EventKind::RunCompleted(RunTotals {
            stages_cached: stages.len(),
            total_seconds: took.as_secs_f64(),
            saved_seconds: stages.iter().filter_map(|stage| stage.seconds).sum(),
            ..RunTotals::default()
        });
        let all = std::iter::once(started).chain(cached).chain([completed]);
        all.map(event).collect()
    }
}
