//! How much may run at once.

use std::collections::BTreeMap;

use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::name::TargetName;

/// Cores in use, of this run's jobs and of each target with a limit of its own.
#[derive(Debug, Clone)]
pub(super) struct Capacity {
    jobs: u32,
    used: u32,
    targets: BTreeMap<TargetName, Limit>,
}

#[derive(Debug, Clone)]
struct Limit {
    cores: u32,
    used: u32,
}

impl Capacity {
    pub(super) fn new(jobs: u32, playbook: &Playbook) -> Self {
        let limited = playbook
            .targets
            .iter()
            .filter_map(|(name, target)| Some((name.clone(), target.cores?)));
        let targets = limited
            .map(|(name, cores)| (name, Limit { cores, used: 0 }))
            .collect();
        Self {
            jobs: jobs.max(1),
            used: 0,
            targets,
        }
    }

    /// The cores a stage takes: what it asks for, but never more than there are, so that a stage larger
    /// than the machine runs alone.
    fn of_jobs(&self, stage: &Stage) -> u32 {
        cores(stage).min(self.jobs)
    }

    /// Takes the stage's cores if they are free.
    pub(super) fn take(&mut self, stage: &Stage) -> bool {
        let asked = self.of_jobs(stage);
        if self.used + asked > self.jobs {
            return false;
        }
        if let Some(limit) = stage
            .target
            .as_ref()
            .and_then(|name| self.targets.get_mut(name))
        {
            if limit.used + cores(stage) > limit.cores {
                return false;
            }
            limit.used += cores(stage);
        }
        self.used += asked;
        true
    }

    /// Gives them back.
    pub(super) fn give_back(&mut self, stage: &Stage) {
        self.used = self.used.saturating_sub(self.of_jobs(stage));
        if let Some(limit) = stage
            .target
            .as_ref()
            .and_then(|name| self.targets.get_mut(name))
        {
            limit.used = limit.used.saturating_sub(cores(stage));
        }
    }
}

fn cores(stage: &Stage) -> u32 {
    stage.resources.cores.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_types::name::StageName;

    fn stage(cores: Option<u32>) -> Stage {
        let mut stage = Stage::named(StageName::parse("s").unwrap());
        stage.resources.cores = cores;
        stage
    }

    #[test]
    fn cores_are_counted_and_a_large_stage_runs_alone() {
        let mut capacity = Capacity::new(4, &Playbook::default());
        assert!(capacity.take(&stage(Some(3))));
        assert!(capacity.take(&stage(None)));
        assert!(!capacity.take(&stage(None)));
        capacity.give_back(&stage(Some(3)));
        assert!(!capacity.take(&stage(Some(64))), "one core is still taken");
        capacity.give_back(&stage(None));
        assert!(capacity.take(&stage(Some(64))));
        assert!(!capacity.take(&stage(None)));
    }
}
