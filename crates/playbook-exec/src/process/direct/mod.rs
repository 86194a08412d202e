//! Simple commands, started without a shell.
//!
//! For `cksum a b > out` a shell is started, opens `out`, looks `cksum` up, starts it, and hands on how it ended; that
//! costs more than most such programs do. Here the same is done without it. No command may be able to tell, so only what
//! is beyond doubt is taken, and everything else goes to the shell, as it always may:
//!
//! - one line of plain words, of words in quotes within which nothing has a meaning, and of `<`, `>` and `>>`
//!   ([`words`]); no word of the shell's own in front;
//! - files that are opened are regular ones, and programs are found where the shell would find them ([`program`]).
//!   Whatever goes wrong on the way is not reported: the shell is given the command after all, and says it in its words;
//! - what the shell hands on as the environment is not guessed: once a few commands have wanted the same one, the shell
//!   is asked ([`environment`]), and what it said is kept for later runs ([`kept`]);
//! - `/bin/sh` is a dash or a bash: others may have programs of their own built in, or read files first;
//! - when the program is ended by a signal, a shell might say so in the log and exit with a status of its own. It is
//!   asked then: [`retelling`] is a command that ends by the same signal.
//!
//! What is left is what a shell may do either way. The program leads its process group itself, as it does in a shell that
//! gives its process to the last command; `setsid`, which looks at that, is left to the shell. A timeout's SIGTERM
//! reaches nobody but the program, which has the whole grace to end.

mod environment;
mod kept;
mod program;
#[cfg(test)]
mod tests;
mod words;

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use playbook_hash::disk::DiskError;
use playbook_types::model::shell::ShellMode;

use crate::process::builder::{Builder, STAGE_MARK};
use crate::process::direct::environment::{Environment, Environments};
use crate::process::direct::program::{find, opened};
use crate::process::direct::words::{Simple, parse};

/// What is known about starting commands without a shell, for one run.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    shell: OnceLock<Shell>,
    environments: Environments,
}

/// What `/bin/sh` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Dash,
    /// It gives its process to a command without redirections. Beside others it stays, counts itself in `SHLVL`, and
    /// names the command when a signal has ended it: those are left to it.
    Bash,
    /// One whose ways are not known here.
    Other,
}

impl Direct {
    /// With what shells said in earlier runs, which is kept in this file.
    pub(crate) fn kept_at(file: PathBuf) -> Self {
        Self {
            environments: Environments::kept_at(file),
            ..Self::default()
        }
    }

    /// Keeps what the shell said in this run.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub(crate) fn save(&self) -> Result<(), DiskError> {
        self.environments.save()
    }

    /// Makes the program of a simple command ready to start, its files open. Nothing where the shell has to do it.
    pub(crate) fn prepare(&self, builder: &Builder<'_>) -> Option<Command> {
        // What needs accelerators is worth a shell, and has an environment of its own.
        let plain = matches!(builder.shell, ShellMode::Sh | ShellMode::Raw);
        if !plain || builder.devices.is_some() {
            return None;
        }
        let simple = parse(builder.text)?;
        match self.shell() {
            Shell::Dash => {}
            Shell::Bash if simple.redirections.is_empty() => {}
            Shell::Bash | Shell::Other => return None,
        }
        let environment = self.environments.of(builder)?;
        prepare(builder, &simple, &environment)
    }

    fn shell(&self) -> Shell {
        *self.shell.get_or_init(|| {
            let real = Path::new("/bin/sh").canonicalize().unwrap_or_default();
            match real.file_name().and_then(|name| name.to_str()) {
                Some("dash") if cfg!(target_os = "linux") => Shell::Dash,
                Some("bash") if cfg!(target_os = "linux") => Shell::Bash,
                _ => Shell::Other,
            }
        })
    }
}

fn prepare(builder: &Builder<'_>, simple: &Simple, environment: &Environment) -> Option<Command> {
    let [name, arguments @ ..] = &simple.words[..] else {
        return None;
    };
    // As in a shell, files first: a program that is not there has made its out.
    let files = opened(&simple.redirections, &builder.directory)?;
    let program = find(name, &environment.path, &builder.directory)?;
    let given = |file: &File| file.try_clone().map(Stdio::from).ok();
    let or = |file: Option<File>| {
        file.map_or_else(|| given(builder.out), |file| Some(Stdio::from(file)))
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the second builder: of programs that need no shell"
    )]
    let mut command = Command::new(&program);
    command
        .arg0(name)
        .args(arguments)
        .current_dir(&builder.directory)
        .env_clear()
        .envs(environment.vars.iter().map(|(name, value)| (name, value)))
        .env(STAGE_MARK, builder.stage)
        .stdin(files.input.map_or_else(Stdio::null, Stdio::from))
        .stdout(or(files.output)?)
        .stderr(given(builder.err)?)
        .process_group(0);
    if environment.names_program {
        command.env("_", &program);
    }
    Some(command)
}

/// A command that the shell has to run, and that ends as a program did that was ended by this signal. It leaves no core.
pub(crate) fn retelling(signal: i32) -> String {
    format!("/bin/sh -c 'ulimit -c 0; kill -{signal} $$'")
}
