//! Whose turn it is: the scheduler's view of the fan-outs under way.
//!
//! A fan-out has lanes, each of which takes the room of one of its jobs and runs job after job. Lanes fill whatever room
//! other stages leave. When a stage waits for room, a lane leaves after its job; so nobody waits longer than a job takes.
//! One that has no lane left is served before the next stage begins, so that it goes on, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use playbook_types::graph::StageId;

use crate::fanout::FanOut;

/// The fan-outs under way.
#[derive(Debug, Default)]
pub(crate) struct Fans {
    active: BTreeMap<StageId, Active>,
}

#[derive(Debug)]
struct Active {
    fan: Arc<FanOut>,
    /// The most jobs at once.
    most: usize,
    lanes: BTreeSet<u32>,
    /// Another stage has begun since it had to leave.
    owed: bool,
}

impl Active {
    /// Whether one more lane would have something to do.
    fn wants(&self, now: Instant) -> bool {
        let most = self.most.min(self.fan.progress.lanes_for(now));
        self.lanes.len() < most
    }
}

impl Fans {
    /// A stage's input is split; its first lane runs.
    pub(crate) fn begin(&mut self, id: StageId, fan: Arc<FanOut>, most: Option<u32>) {
        let active = Active {
            fan,
            most: most.map_or(usize::MAX, |most| most as usize),
            lanes: BTreeSet::from([0]),
            owed: false,
        };
        self.active.insert(id, active);
    }

    /// The stage is at its end.
    pub(crate) fn ended(&mut self, id: StageId) {
        self.active.remove(&id);
    }

    /// A lane has left.
    pub(crate) fn left(&mut self, id: StageId, lane: u32) {
        if let Some(active) = self.active.get_mut(&id) {
            active.lanes.remove(&lane);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Fan-outs that have no lane, and whose turn comes before that of stages that have not begun.
    pub(crate) fn owed(&self, now: Instant) -> Vec<StageId> {
        let owed = |active: &Active| active.owed && active.lanes.is_empty() && active.wants(now);
        let all = self.active.iter();
        let owed = all.filter(|(_, active)| owed(active));
        owed.map(|(id, _)| *id).collect()
    }

    /// Whether it still is that fan-out's turn.
    pub(crate) fn is_owed(&self, id: StageId) -> bool {
        let active = self.active.get(&id);
        active.is_some_and(|active| active.owed && active.lanes.is_empty())
    }

    /// The fan-out that gets the next free room: of those that have use for it, the one with the fewest lanes.
    pub(crate) fn next(&self, now: Instant, refused: &BTreeSet<StageId>) -> Option<StageId> {
        let wanting = self
            .active
            .iter()
            .filter(|(id, active)| !refused.contains(id) && active.wants(now));
        let first = wanting.min_by_key(|(_, active)| active.lanes.len());
        first.map(|(id, _)| *id)
    }

    /// A lane of it begins; its number is the lowest that is free.
    pub(crate) fn enter(&mut self, id: StageId) -> Option<(Arc<FanOut>, u32)> {
        let active = self.active.get_mut(&id)?;
        let lane = (0..u32::MAX).find(|lane| !active.lanes.contains(lane))?;
        active.lanes.insert(lane);
        active.owed = false;
        Some((Arc::clone(&active.fan), lane))
    }

    /// Something else has begun.
    pub(crate) fn owe(&mut self) {
        for active in self.active.values_mut() {
            active.owed |= active.lanes.is_empty();
        }
    }

    /// If somebody waits for room, one lane is asked to leave, of the fan-out that has the most.
    pub(crate) fn make_room(&self, wanted: bool) {
        let most = self
            .active
            .iter()
            .max_by_key(|(_, active)| active.lanes.len());
        let most = most.filter(|_| wanted).map(|(id, _)| *id);
        for (id, active) in &self.active {
            active
                .fan
                .progress
                .ask_for_room(u32::from(most == Some(*id)));
        }
    }

    /// When the next job is tried again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let all = self.active.values();
        // While all its lanes are at work, one of them will look when it is done.
        let idle = all.filter(|active| active.lanes.len() < active.most);
        idle.filter_map(|active| active.fan.progress.next_due())
            .min()
    }

    /// No job begins any more.
    pub(crate) fn stop(&self) {
        for active in self.active.values() {
            active.fan.progress.stop();
        }
    }
}
