//! The scheduler's hands: deciding what is ready, starting what fits.

use jiff::Timestamp;
use playbook_types::graph::StageId;
use playbook_types::name::StageName;
use playbook_types::record::event::EventKind;
use playbook_types::record::state::StageState;

use crate::error::ExecError;
use crate::schedule::engine::Engine;
use crate::schedule::run::Task;
use crate::stage::Job;

impl Engine<'_> {
    /// Has every stage decided whose needs are met.
    pub(super) fn decide_ready(&mut self) -> Result<(), ExecError> {
        for id in self.states.ready() {
            self.set(id, StageState::Hashing)?;
            self.deciding += 1;
            let after = self
                .shared
                .plan
                .stage(id)
                .after
                .iter()
                .map(|name| self.ended(name))
                .collect();
            (self.shared.soon)(Task::Decide(id, after));
        }
        Ok(())
    }

    /// When a stage last ended.
    fn ended(&self, stage: &StageName) -> Option<Timestamp> {
        self.record
            .entry(stage)
            .and_then(|entry| entry.completed_at)
    }

    /// Starts stages in the playbook's order while there is room. One that is still being decided holds
    /// back those behind it: its turn would otherwise depend on the speed of the disk.
    pub(super) fn start_waiting(&mut self) -> Result<(), ExecError> {
        while let Some((id, _)) = self.waiting.first_key_value() {
            let id = *id;
            let stage = self.shared.plan.stage(id);
            if self.states.first_hashing() != Some(id) || !self.capacity.take(stage) {
                return Ok(());
            }
            self.start(id)?;
        }
        Ok(())
    }

    fn start(&mut self, id: StageId) -> Result<(), ExecError> {
        let Some((reasons, fingerprint)) = self.waiting.remove(&id) else {
            return Ok(());
        };
        let plan = self.shared.plan;
        let stage = plan.stage(id);
        let log = self.logs.of(&stage.name, 1)?;
        let after = self.followed(id);
        self.set(id, StageState::Running)?;
        self.report.tell(EventKind::StageStarted {
            stage: stage.name.clone(),
            target: stage
                .target
                .as_ref()
                .map_or_else(|| "local".to_owned(), ToString::to_string),
            attempt: 1,
            cache_key: Some(fingerprint.cache_key()),
            command: plan.resolved[id.index()]
                .as_ref()
                .map(|resolved| resolved.shown.clone())
                .unwrap_or_default(),
            cache_miss_reason: reasons.sentence(),
            reasons: reasons.as_slice().to_vec(),
        });
        if let Some(timeout) = stage.resources.timeout {
            self.deadlines.start(self.shared.running, id, timeout);
        }
        let given = self.workers.give(Job {
            id,
            fingerprint,
            log,
            after,
        });
        given.map_err(|source| ExecError::System {
            what: "start a thread for a stage",
            source,
        })
    }
}
