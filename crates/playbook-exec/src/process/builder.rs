//! The only place that starts processes.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use indexmap::IndexMap;
use playbook_types::model::policy::Environment;
use playbook_types::model::shell::ShellMode;
use playbook_types::name::EnvName;

use crate::process::direct::Direct;
use crate::process::group::{Group, Leader};
use crate::process::shell::shell_line;

/// The variable that a command and all its descendants have in their environment, unless they take it out: the
/// state directory of the playbook. It is the same in every run, so that an out that lists it stays the same.
pub(crate) const MARK: &str = "PLAYBOOK_STATE_DIR";

/// The variable beside it that names the stage.
pub(crate) const STAGE_MARK: &str = "PLAYBOOK_STAGE";

/// The variable that says which accelerators a program sees. CUDA looks at it, and so does what is made to be like CUDA.
pub(crate) const VISIBLE_DEVICES: &str = "CUDA_VISIBLE_DEVICES";

/// One command of a stage, ready to start.
#[derive(Debug)]
pub(crate) struct Builder<'a> {
    /// Which shell reads it.
    pub(crate) shell: ShellMode,
    /// Its text.
    pub(crate) text: &'a str,
    /// The directory it runs in.
    pub(crate) directory: PathBuf,
    /// The declared environment, on top of what it inherits.
    pub(crate) env: &'a IndexMap<EnvName, String>,
    /// What it inherits of the caller's.
    pub(crate) environment: Environment,
    /// Where its standard output goes.
    pub(crate) out: &'a File,
    /// Where its standard error goes.
    pub(crate) err: &'a File,
    /// The accelerators it may use, if it was given any.
    pub(crate) devices: Option<&'a str>,
    /// The stage.
    pub(crate) stage: &'a str,
    /// The state directory, by which its descendants are known wherever they go.
    pub(crate) state: &'a Path,
}

/// A command could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    /// Its working directory is not there.
    #[error("its working directory {path} {what}", path = path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// The shell is not there.
    #[error("cannot start '{program}': {source}")]
    Shell {
        /// The shell.
        program: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The command is longer than the system passes on (`execve(2)`: E2BIG).
    #[error(
        "its command is too long for this system ({bytes} bytes); let it read a list from a file instead"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The log could not be shared with it.
    #[error("cannot hand it its log: {0}")]
    Log(io::Error),
}

/// The program to start, if no shell has to.
#[derive(Debug)]
pub(crate) struct Prepared(Option<Command>);

impl Builder<'_> {
    /// Makes everything ready that takes time: without a shell if it needs none.
    pub(crate) fn prepare(&self, direct: &Direct) -> Prepared {
        Prepared(direct.prepare(self))
    }

    /// Starts the command in a process group of its own, with nothing to read.
    pub(crate) fn spawn(&self, prepared: Prepared) -> Result<Group, SpawnError> {
        let started = prepared.0.and_then(|mut command| command.spawn().ok());
        match started {
            // Waited for by its group, never through this handle.
            Some(child) => Ok(Group::new(child.id(), Leader::Program)),
            None => self.spawn_shell(),
        }
    }

    /// The same, in any case with its shell.
    pub(crate) fn spawn_shell(&self) -> Result<Group, SpawnError> {
        let out = self.out.try_clone().map_err(SpawnError::Log)?;
        let err = self.err.try_clone().map_err(SpawnError::Log)?;
        let mut command = self.shell_command(self.text);
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|source| self.explain(source))?;
        // Waited for by its group, never through this handle.
        Ok(Group::new(child.id(), Leader::Shell))
    }

    /// A command for the shell, as this one would be given to it; where its output goes is open.
    pub(super) fn shell_command(&self, text: &str) -> Command {
        let (program, flags) = shell_line(self.shell);
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one builder the others must use"
        )]
        let mut command = Command::new(program);
        command.args(flags).arg(text);
        inherit(&mut command, self.environment, &[]);
        command
            .current_dir(&self.directory)
            .env("PWD", &self.directory);
        command.envs(self.env.iter().map(|(name, value)| (name.as_str(), value)));
        command.env(MARK, self.state).env(STAGE_MARK, self.stage);
        command.envs(self.visible());
        command.stdin(Stdio::null()).process_group(0);
        command
    }

    /// The variable that tells it of its accelerators. One that the playbook declares is as declared.
    fn visible(&self) -> Option<(&'static str, &str)> {
        let declared = self.env.keys().any(|name| name.as_str() == VISIBLE_DEVICES);
        let devices = self.devices.filter(|_| !declared);
        devices.map(|devices| (VISIBLE_DEVICES, devices))
    }

    fn explain(&self, source: io::Error) -> SpawnError {
        if source.kind() == io::ErrorKind::ArgumentListTooLong {
            return SpawnError::TooLong {
                bytes: self.text.len(),
            };
        }
        let missing = matches!(
            source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        if missing && !self.directory.is_dir() {
            return SpawnError::NoDirectory {
                path: self.directory.clone(),
                what: if self.directory.exists() {
                    "is no directory"
                } else {
                    "does not exist"
                },
            };
        }
        let (program, _) = shell_line(self.shell);
        SpawnError::Shell { program, source }
    }
}

/// Leaves a command only these of the caller's variables.
fn inherit(command: &mut Command, environment: Environment, more: &[&str]) {
    if environment == Environment::Clean {
        let passed = Environment::PASSED.iter().chain(more);
        let set = passed.filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(set);
    }
}

/// Replaces this process by a shell for a person, with these variables set. It lacks the mark of descendants: nobody ends
/// it for being left over of a run.
pub(super) fn become_shell(
    program: &OsStr,
    directory: &Path,
    (environment, env): (Environment, &[(String, String)]),
    stage: &str,
) -> io::Error {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where processes are started"
    )]
    let mut command = Command::new(program);
    // Beside what its command has, it needs to know its terminal.
    inherit(&mut command, environment, &["TERM"]);
    command.current_dir(directory).env("PWD", directory);
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.env_remove(MARK).env(STAGE_MARK, stage).exec()
}
