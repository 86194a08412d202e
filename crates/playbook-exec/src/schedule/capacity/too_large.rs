//! Stages that ask for more than this machine has: refused before anything runs.

use playbook_hash::Trust;
use playbook_types::finding::KeyPath;
use playbook_types::graph::StageId;
use playbook_types::units::ByteSize;

use crate::error::{ExecError, TooLarge};
use crate::plan::{Foretold, Plan};
use crate::process::VISIBLE_DEVICES;
use crate::schedule::capacity::amounts::is_here;
use crate::schedule::capacity::machine::Machine;

impl Plan<'_> {
    /// Refuses stages that may run and ask for more than this machine has. What a target is said to have is believed, and what
    /// cannot be found out is no limit. `foretold` is what a run would do.
    ///
    /// # Errors
    ///
    /// All that is asked for and is not there.
    pub fn refuse_too_large(&self, foretold: &[Foretold]) -> Result<(), ExecError> {
        self.refuse_what_exceeds(&Machine::of(self), || {
            foretold
                .iter()
                .filter(|stage| !stage.fate.is_hit())
                .map(|stage| stage.id)
                .collect()
        })
    }

    /// The same before a run, where that is seldom known.
    pub(crate) fn refuse_on(&self, machine: &Machine, trust: Trust) -> Result<(), ExecError> {
        self.refuse_what_exceeds(machine, || {
            let foretold = self.foretell(trust);
            foretold
                .iter()
                .filter(|stage| !stage.fate.is_hit())
                .map(|stage| stage.id)
                .collect()
        })
    }

    fn refuse_what_exceeds(
        &self,
        machine: &Machine,
        may_run: impl FnOnce() -> Vec<StageId>,
    ) -> Result<(), ExecError> {
        let exceed = |id: StageId| (id, self.exceeding(id, machine));
        let found: Vec<_> = self
            .stages
            .iter()
            .copied()
            .map(exceed)
            .filter(|(_, found)| !found.is_empty())
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        // What stands need not fit on a machine that only looks.
        let may_run = may_run();
        let found = found.into_iter().filter(|(id, _)| may_run.contains(id));
        let found: Vec<TooLarge> = found.flat_map(|(_, found)| found).collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(ExecError::TooLarge { found })
    }

    fn exceeding(&self, id: StageId, machine: &Machine) -> Vec<TooLarge> {
        let stage = self.stage(id);
        let target = stage.target.as_ref();
        let target = target.and_then(|name| self.playbook().targets.get(name));
        if target.is_some_and(|target| !is_here(target)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        let at = KeyPath::TOP
            .key("stages")
            .key(stage.name.as_str())
            .key("resources");
        let mut note = |field: &str, asked: String, has: String| {
            let (stage, at) = (stage.name.clone(), at.key(field));
            found.push(TooLarge {
                stage,
                at,
                asked,
                has,
            });
        };
        let resources = &stage.resources;
        let said = target.and_then(|target| target.memory);
        if let (Some(asked), Some(memory), None) = (resources.memory, &machine.memory, said)
            && asked > memory.size
        {
            let (asked, has) = apart(asked, memory.size);
            let has = match &memory.group {
                Some(group) => format!(
                    "the control group of this process allows {has} ({})",
                    group.display()
                ),
                None => format!("this machine has {has}"),
            };
            note("memory_gb", format!("{asked} of memory"), has);
        }
        let devices = &machine.devices;
        let there = devices.names.len() as u64;
        if let Some(asked) = resources.gpu.filter(|asked| u64::from(*asked) > there) {
            let count = if there == 0 {
                "none".to_owned()
            } else {
                there.to_string()
            };
            let has = if devices.told {
                format!("{VISIBLE_DEVICES} names {count}")
            } else {
                format!("this machine shows {count} (/dev/nvidia0 and so on)")
            };
            let s = if asked == 1 { "" } else { "s" };
            note("gpu", format!("{asked} accelerator{s}"), has);
        }
        if let (Some(asked), Some(free)) = (resources.disk, machine.disk)
            && asked > free
        {
            let (asked, free) = apart(asked, free);
            note(
                "disk_gb",
                format!("{asked} of disk"),
                format!("{free} are free where the playbook is"),
            );
        }
        found
    }
}

/// Two different amounts as texts that differ.
fn apart(asked: ByteSize, has: ByteSize) -> (String, String) {
    let texts = (asked.to_string(), has.to_string());
    if texts.0 != texts.1 {
        return texts;
    }
    let exact = |size: ByteSize| format!("{} bytes", size.bytes());
    (exact(asked), exact(has))
}
