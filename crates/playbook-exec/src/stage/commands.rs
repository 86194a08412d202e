//! Running a list of commands: that of a stage, or that of one job of a fan-out.

use std::fs::File;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_hash::disk::DiskError;
use playbook_hash::disk::faults::{Point, pass};
use playbook_lock::journal::JournalRecord;
use playbook_types::model::policy::Environment;
use playbook_types::model::stage::Stage;
use playbook_types::name::EnvName;

use crate::process::{Builder, Ended, Group, Leader, SpawnError, identity, retelling};
use crate::schedule::Runner;
use crate::stage::attempt::Attempt;
use crate::stage::cause::FailureCause;

/// Commands that run one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commands<'c> {
    /// Whose they are.
    pub(crate) stage: &'c Stage,
    /// By which they can be ended.
    pub(crate) who: Runner,
    /// If they are a job's: who runs it, of those that run at the same time.
    pub(crate) lane: Option<u32>,
    /// Their texts.
    pub(crate) texts: &'c [String],
    /// The declared environment.
    pub(crate) env: &'c IndexMap<EnvName, String>,
    /// What they inherit of the caller's.
    pub(crate) environment: Environment,
    /// The accelerators they may use, if they were given any.
    pub(crate) devices: Option<&'c str>,
    /// Where their standard output goes.
    pub(crate) out: (&'c File, &'c Path),
    /// Where their standard error goes.
    pub(crate) err: (&'c File, &'c Path),
}

impl Attempt<'_> {
    /// Runs them; the first that fails ends it.
    pub(crate) fn run(&self, commands: &Commands<'_>) -> Result<(), FailureCause> {
        let directory = self.directory(commands.stage);
        let logs = [commands.out.1, commands.err.1];
        self.running
            .begin(commands.who, &commands.stage.name, &logs);
        let mut texts = commands.texts.iter();
        let ended = texts.try_for_each(|text| self.command(commands, text, &directory));
        self.running.ended(commands.who);
        ended
    }

    /// Where a stage's commands run.
    fn directory(&self, stage: &Stage) -> PathBuf {
        match &stage.wdir {
            Some(wdir) => self.places.resolve(wdir),
            None => self.plan.root().as_path().to_owned(),
        }
    }

    fn command(
        &self,
        commands: &Commands<'_>,
        text: &str,
        directory: &Path,
    ) -> Result<(), FailureCause> {
        let who = commands.who;
        let builder = Builder {
            shell: commands.stage.shell,
            text,
            directory: directory.to_owned(),
            env: commands.env,
            environment: commands.environment,
            out: commands.out.0,
            err: commands.err.0,
            state: self.places.state_dir(),
            devices: commands.devices,
            stage: commands.stage.name.as_str(),
        };
        if self.running.is_ending(who) {
            // Making ready empties the files that the command would write to.
            return Err(FailureCause::Interrupted);
        }
        let prepared = builder.prepare(self.direct);
        let (ended, leader) = self.lead(commands, || builder.spawn(prepared))?;
        let ended = match (ended, leader) {
            (Ended::Signalled(signal), Leader::Program) if !self.running.is_ending(who) => {
                // How a shell tells of it, and with what status, is for a shell to say.
                let text = &retelling(signal);
                let builder = Builder { text, ..builder };
                let (told, _) = self.lead(commands, || builder.spawn_shell())?;
                if told == Ended::Exited(0) {
                    ended
                } else {
                    told
                }
            }
            _ => ended,
        };
        match ended {
            Ended::Exited(0) if !self.running.is_ending(who) => Ok(()),
            Ended::Exited(0) => Err(FailureCause::Interrupted),
            Ended::Exited(code) => Err(FailureCause::Exit(code)),
            Ended::Signalled(number) => Err(FailureCause::Signal { number }),
        }
    }

    /// Starts a process group and waits for its end.
    fn lead(
        &self,
        commands: &Commands<'_>,
        start: impl FnOnce() -> Result<Group, SpawnError>,
    ) -> Result<(Ended, Leader), FailureCause> {
        // A run that is ending starts nothing more, not even the next command of a list.
        let group = self
            .running
            .enter(commands.who, start)
            .ok_or(FailureCause::Interrupted)?;
        let group = group.map_err(FailureCause::spawn)?;
        let leader = group.led_by();
        pass(Point::Started);
        let noted = self.note(commands, &group);
        let waited = match &noted {
            Ok(()) => group.wait_for_leader(),
            // Nobody could end it if this process died: it is ended now.
            Err(_) => Ok(()),
        };
        pass(Point::LeaderEnded);
        // From here on the group's id may be used again, so no signal may be sent to it.
        self.running.leave(commands.who);
        waited.map_err(FailureCause::wait)?;
        let (ended, used) = group.end().map_err(FailureCause::wait)?;
        self.running.add(commands.who, used);
        noted.map_err(FailureCause::log)?;
        Ok((ended, leader))
    }

    /// Notes in the journal which group to end if this process dies.
    fn note(&self, commands: &Commands<'_>, group: &Group) -> Result<(), DiskError> {
        let leader = identity::process(group.id());
        let stage = commands.stage.name.clone();
        let id = group.id().as_raw_nonzero().get();
        let session = leader.map(|leader| leader.session);
        let leader_started = leader.map(|leader| leader.started);
        self.journal.append(&match commands.lane {
            None => JournalRecord::Group {
                stage,
                id,
                session,
                leader_started,
            },
            Some(lane) => JournalRecord::JobGroup {
                stage,
                lane,
                id,
                session,
                leader_started,
            },
        })?;
        pass(Point::GroupNoted);
        Ok(())
    }
}
