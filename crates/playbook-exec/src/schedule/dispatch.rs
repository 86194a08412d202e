//! The scheduler's hands: deciding what is ready, starting what fits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::EventKind;
use playbook_types::record::state::StageState;

use crate::error::ExecError;
use crate::fanout::Told;
use crate::schedule::capacity::{Demand, Grant};
use crate::schedule::engine::Engine;
use crate::schedule::run::{Message, Task};
use crate::schedule::timing::Try;
use crate::schedule::workers::Work;
use crate::stage::Job;

/// So many stages, each with so many files, are decided without calling others.
pub(super) const FEW: usize = 8;

/// A file of this many bytes is digested in less time than a thread takes to wake up.
const SMALL: u64 = 16 * 1024;

/// A place in the order in which stages start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// Of one that is tried again.
    Again(StageId),
    /// Of a fan-out that left its room to others.
    Jobs(StageId),
    /// Of one that has not begun.
    First(StageId),
}

impl Engine<'_> {
    /// Has every stage decided whose needs are met: a few small ones here and now, because sending them to another
    /// thread and back takes longer; others on rayon's threads.
    pub(super) fn decide_ready(&mut self) -> Result<(), ExecError> {
        let ready = self.states.ready();
        let few = ready.len() <= FEW;
        for id in ready {
            self.set(id, StageState::Hashing)?;
            let after = self.shared.plan.stage(id).after.iter();
            let after: Vec<_> = after.map(|name| self.ended(name)).collect();
            if few && self.is_small(id) {
                let decided = (self.shared.now)(id, &after);
                self.decided(id, decided)?;
            } else {
                self.deciding.insert(id);
                (self.shared.soon)(Task::Decide(id, after));
            }
        }
        Ok(())
    }

    /// Whether all that is read to decide a stage are a few small files.
    fn is_small(&self, id: StageId) -> bool {
        let plan = self.shared.plan;
        let stage = plan.stage(id);
        let deps = stage.deps.iter().map(|dep| &dep.path);
        let all = deps.chain(stage.outs.iter().map(|out| &out.path));
        let small = |path: &DataPath| {
            std::fs::metadata(plan.root().resolve(path))
                .map_or(true, |meta| meta.is_file() && meta.len() <= SMALL)
        };
        stage.deps.len() + stage.outs.len() <= FEW && all.into_iter().all(small)
    }

    /// When a stage last ended.
    fn ended(&self, stage: &StageName) -> Option<Timestamp> {
        self.record
            .entry(stage)
            .and_then(|entry| entry.completed_at)
    }

    /// Starts stages while there is room: those that are to be tried again, then the others in the playbook's order
    /// ([`Turns`](crate::schedule::capacity::Turns)). One that is still being decided holds back those behind it: its turn would
    /// otherwise depend on the speed of the disk.
    pub(super) fn start_waiting(&mut self) -> Result<(), ExecError> {
        for id in self.retries.due(self.shared.running.awake()) {
            self.wait_for_turn(Turn::Again(id));
        }
        self.wait_for_owed();
        let before = self.deciding.first().map(|id| Turn::First(*id));
        while let Some((turn, grant)) = self.turns.next(&mut self.capacity, before) {
            let (id, next) = match turn {
                Turn::Again(id) => {
                    self.shared.running.again(id.into());
                    (id, self.retries.take(id))
                }
                Turn::Jobs(id) => {
                    // It may have found room by itself.
                    if self.fans.is_owed(id) {
                        self.start_lane(id, grant)?;
                    } else {
                        self.capacity.give_back(grant);
                    }
                    continue;
                }
                Turn::First(id) => (id, self.first_try(id)),
            };
            match next {
                Some(next) => self.begin(id, next, grant)?,
                None => self.capacity.give_back(grant),
            }
            self.fans.owe();
            self.wait_for_owed();
        }
        // Whoever waits now waits for room, and jobs hold some.
        self.fans.make_room(self.turns.is_held_up(before));
        Ok(())
    }

    /// Fan-outs without a lane whose turn it is before other stages begin.
    fn wait_for_owed(&mut self) {
        for id in self.fans.owed(self.shared.running.awake()) {
            self.wait_for_turn(Turn::Jobs(id));
        }
    }

    /// Fills the room that other stages leave with jobs of the fan-outs under way.
    pub(super) fn start_jobs(&mut self) -> Result<(), ExecError> {
        if self.stopping {
            // Whoever it is for never starts.
            self.capacity.unreserve();
        }
        let mut refused = BTreeSet::new();
        while !self.capacity.is_full() {
            let now = self.shared.running.awake();
            let Some(id) = self.fans.next(now, &refused) else {
                break;
            };
            let demand = self.demand(id);
            match self.capacity.take_ahead(&demand) {
                Some(grant) => self.start_lane(id, grant)?,
                None => {
                    refused.insert(id);
                }
            }
        }
        Ok(())
    }

    /// One more lane of a fan-out.
    fn start_lane(&mut self, id: StageId, grant: Grant) -> Result<(), ExecError> {
        if let Some((fan, lane)) = self.fans.enter(id) {
            return self.give(Work::Jobs(fan, lane, grant));
        }
        // It has come to its end meanwhile.
        self.capacity.give_back(grant);
        Ok(())
    }

    /// News of a fan-out.
    pub(super) fn told(&mut self, told: Told) -> Result<(), ExecError> {
        match told {
            Told::Split(fan) => {
                let id = fan.job.id;
                let parallel = self.shared.plan.stage(id).parallel.as_ref();
                let most = parallel.and_then(|parallel| parallel.max_workers);
                if self.fatal.is_some() {
                    fan.progress.stop();
                }
                self.fans.begin(id, fan, most);
                Ok(())
            }
            Told::Started(who, timeout) => {
                self.deadlines.start(self.shared.running, who, timeout);
                Ok(())
            }
            Told::Ended(who) => {
                self.deadlines.ended(who);
                Ok(())
            }
            Told::Retry(retry) => {
                self.report.tell(*retry);
                Ok(())
            }
            Told::Left(id, lane, grant) => {
                self.workers.finished();
                self.capacity.give_back(grant);
                self.fans.left(id, lane);
                Ok(())
            }
            Told::Finished(finished) => {
                self.fans.ended(finished.0.id);
                self.settle(Message::Finished(finished))
            }
        }
    }

    fn give(&mut self, work: Work) -> Result<(), ExecError> {
        self.workers.give(work).map_err(|source| ExecError::System {
            what: "start a thread for a stage",
            source,
        })
    }

    /// A stage can start as soon as its turn has come.
    pub(super) fn wait_for_turn(&mut self, turn: Turn) {
        let (Turn::Again(id) | Turn::Jobs(id) | Turn::First(id)) = turn;
        let demand = self.demand(id);
        self.turns.wait(turn, demand);
    }

    fn demand(&self, id: StageId) -> Demand {
        let plan = self.shared.plan;
        Demand::of(plan.stage(id), plan.playbook())
    }

    fn first_try(&mut self, id: StageId) -> Option<Try> {
        let (reasons, fingerprint) = self.waiting.remove(&id)?;
        Some(Try {
            reasons,
            fingerprint,
            attempt: 1,
        })
    }

    /// Gives a stage to a worker.
    fn begin(&mut self, id: StageId, tried: Try, grant: Grant) -> Result<(), ExecError> {
        let plan = self.shared.plan;
        let stage = plan.stage(id);
        let splits = stage.parallel.is_some();
        // Each job of a fan-out has its own tries and its own time.
        if stage.retry.is_some() && !splits {
            self.retries.started(id, tried.clone());
        }
        let Try {
            reasons,
            fingerprint,
            attempt,
        } = tried;
        let log = self.logs.of(&stage.name, attempt)?;
        let after = self.followed(id);
        // A gate's reports stand whatever it said, so those of its last try are no longer what the plan's lock knows.
        let known = self.record.entry(&stage.name);
        let known = known.filter(|_| stage.gate && attempt > 1);
        let known = known.cloned().map(Box::new);
        self.set(id, StageState::Running)?;
        let started = EventKind::StageStarted {
            stage: stage.name.clone(),
            target: stage
                .target
                .as_ref()
                .map_or_else(|| "local".to_owned(), ToString::to_string),
            attempt,
            cache_key: Some(fingerprint.cache_key()),
            command: plan.resolved[id.index()]
                .as_ref()
                .map(|resolved| resolved.shown.clone())
                .unwrap_or_default(),
            cache_miss_reason: reasons.sentence(),
            reasons: reasons.as_slice().to_vec(),
        };
        if let Some(timeout) = stage.resources.timeout.filter(|_| !splits) {
            self.deadlines
                .start(self.shared.running, id.into(), timeout);
        }
        let job = Job {
            id,
            reasons,
            fingerprint,
            attempt,
            log,
            after,
            known,
            devices: grant.visible_devices().map(str::to_owned),
        };
        // A stage is found again by the event with which it began, which is not after what its worker notes.
        let began = self.shared.runtime.clock.now();
        self.give(if splits {
            Work::Split(job, grant)
        } else {
            Work::Stage(job, grant)
        })?;
        // Its worker need not wait for the telling.
        self.report.tell_of(began, started);
        Ok(())
    }
}
