//! The scheduler's hands: deciding what is ready, starting what fits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::EventKind;
use playbook_types::record::state::StageState;

use crate::error::ExecError;
use crate::schedule::engine::Engine;
use crate::schedule::run::Task;
use crate::schedule::timing::Try;
use crate::schedule::workers::Work;
use crate::stage::Job;

/// So many stages, each with so many files, are decided without calling others.
pub(super) const FEW: usize = 8;

/// A file of this many bytes is digested in less time than a thread takes to wake up.
const SMALL: u64 = 16 * 1024;

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
                self.deciding += 1;
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

    /// Starts stages in the playbook's order while there is room. One that is still being decided holds
    /// back those behind it: its turn would otherwise depend on the speed of the disk.
    ///
    /// Those that are to be tried again come first.
    pub(super) fn start_waiting(&mut self) -> Result<(), ExecError> {
        self.retry_lacks_room = false;
        self.turns.nobody_waits();
        while let Some(id) = self.retries.due(self.shared.running.awake()) {
            if !self.capacity.take(self.shared.plan.stage(id)) {
                self.retry_lacks_room = true;
                self.make_room_for(id);
                return Ok(());
            }
            if let Some(next) = self.retries.take(id) {
                self.shared.running.again(id.into());
                self.begin(id, next)?;
                self.turns.owe();
            }
        }
        loop {
            let owed = self.turns.owed(self.shared.running.awake());
            if let Some(id) = owed {
                if self.start_lane(id)? {
                    continue;
                }
                self.make_room_for(id);
                return Ok(());
            }
            let Some((id, _)) = self.waiting.first_key_value() else {
                return Ok(());
            };
            let id = *id;
            if self.states.first_hashing() != Some(id) {
                return Ok(());
            }
            if !self.capacity.take(self.shared.plan.stage(id)) {
                self.make_room_for(id);
                return Ok(());
            }
            self.start(id)?;
            self.turns.owe();
        }
    }

    /// Fills the room that other stages leave with jobs of the fan-outs under way.
    pub(super) fn start_jobs(&mut self) -> Result<(), ExecError> {
        let mut refused = BTreeSet::new();
        while !self.room_is_wanted {
            let now = self.shared.running.awake();
            let Some(id) = self.turns.next(now, &refused) else {
                break;
            };
            if !self.start_lane(id)? {
                refused.insert(id);
            }
        }
        self.room_is_wanted = false;
        Ok(())
    }

    /// One more lane of a fan-out, if there is room.
    fn start_lane(&mut self, id: StageId) -> Result<bool, ExecError> {
        if !self.capacity.take(self.shared.plan.stage(id)) {
            return Ok(false);
        }
        if let Some((fan, lane)) = self.turns.enter(id) {
            self.give(Work::Jobs(fan, lane))?;
        }
        Ok(true)
    }

    /// Has jobs of fan-outs leave room for a stage, if there is enough of it in their hands.
    fn make_room_for(&mut self, id: StageId) {
        let mut freed = self.capacity.clone();
        for lane in self.turns.lanes() {
            freed.give_back(self.shared.plan.stage(lane));
        }
        if freed.take(self.shared.plan.stage(id)) {
            self.room_is_wanted = true;
            self.turns.ask_for_room();
        }
    }

    fn give(&mut self, work: Work) -> Result<(), ExecError> {
        self.workers.give(work).map_err(|source| ExecError::System {
            what: "start a thread for a stage",
            source,
        })
    }

    fn start(&mut self, id: StageId) -> Result<(), ExecError> {
        let Some((reasons, fingerprint)) = self.waiting.remove(&id) else {
            return Ok(());
        };
        let first = Try {
            reasons,
            fingerprint,
            attempt: 1,
        };
        self.begin(id, first)
    }

    /// Gives a stage to a worker. Its cores are taken.
    fn begin(&mut self, id: StageId, tried: Try) -> Result<(), ExecError> {
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
        self.set(id, StageState::Running)?;
        self.report.tell(EventKind::StageStarted {
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
        });
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
        };
        self.give(if splits {
            Work::Split(job)
        } else {
            Work::Stage(job)
        })
    }
}
