//! A stage as a person would run it by hand: the commands as they are given to the shell, where, and with what.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use playbook_types::graph::StageId;
use playbook_types::model::stage::Stage;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;

use crate::fanout::JobByHand;
use crate::plan::{Plan, Resolved, shown_commands};
use crate::process::builder::become_shell;
use crate::process::shell::shell_line;

/// A stage and everything its commands are started with.
#[derive(Debug)]
pub struct ByHand<'p> {
    /// As the playbook has it.
    pub stage: &'p Stage,
    /// Its commands and its environment.
    pub resolved: Cow<'p, Resolved>,
    /// Its commands with values from the environment masked.
    pub shown: Vec<String>,
    /// Where they run.
    pub directory: PathBuf,
    /// The program that is given each of them as its last argument, and the arguments before it.
    pub shell: Vec<&'static str>,
    /// One of its jobs, if it is about that one.
    pub job: Option<JobByHand>,
    /// What it reads, each with the stages that make it.
    pub deps: Vec<(&'p DataPath, Vec<&'p StageName>)>,
}

impl Plan<'_> {
    /// The stages that were asked for, as a person would run them, in the playbook's order.
    pub fn by_hand(&self) -> impl Iterator<Item = ByHand<'_>> {
        let named = self.named.intersection(&self.stages);
        named.filter_map(|id| self.one_by_hand(*id))
    }

    fn one_by_hand(&self, id: StageId) -> Option<ByHand<'_>> {
        let stage = self.stage(id);
        let (program, arguments) = shell_line(stage.shell);
        let makers = |path: &DataPath| -> Vec<&StageName> {
            let makers = self.graph.reads(id).iter().map(|maker| self.stage(*maker));
            makers
                .filter(|maker| maker.outs.iter().any(|out| out.path.overlaps(path)))
                .map(|maker| &maker.name)
                .collect()
        };
        Some(ByHand {
            stage,
            resolved: Cow::Borrowed(self.resolved[id.index()].as_ref()?),
            job: None,
            shown: shown_commands(self.playbook(), stage),
            directory: match &stage.wdir {
                Some(wdir) => self.root().resolve(wdir),
                None => self.root().as_path().to_owned(),
            },
            shell: std::iter::once(program)
                .chain(arguments.iter().copied())
                .collect(),
            deps: stage
                .deps
                .iter()
                .map(|dep| (&dep.path, makers(&dep.path)))
                .collect(),
        })
    }
}

impl ByHand<'_> {
    /// The same for one of its jobs.
    #[must_use]
    pub fn of_job(mut self, job: JobByHand) -> Self {
        self.resolved.to_mut().commands.clone_from(&job.commands);
        self.shown.clone_from(&job.shown);
        self.job = Some(job);
        self
    }

    /// The names of the variables that hold the commands in the shell of [`ByHand::become_shell`].
    pub fn variables(&self) -> Vec<String> {
        match self.resolved.commands.len() {
            1 => vec!["PLAYBOOK_COMMAND".to_owned()],
            count => (1..=count)
                .map(|nth| format!("PLAYBOOK_COMMAND_{nth}"))
                .collect(),
        }
    }

    /// Replaces this process by a shell in the stage's directory, with its environment and its commands in variables.
    /// Comes back only with the reason why that cannot be.
    pub fn become_shell(&self, program: &OsStr) -> io::Error {
        let declared = self.resolved.env.iter();
        let declared = declared.map(|(name, value)| (name.to_string(), value.clone()));
        let commands = self.resolved.commands.iter().cloned();
        let commands = self.variables().into_iter().zip(commands);
        let env: Vec<(String, String)> = declared.chain(commands).collect();
        let env = (self.resolved.environment, &*env);
        become_shell(program, &self.directory, env, self.stage.name.as_str())
    }
}
