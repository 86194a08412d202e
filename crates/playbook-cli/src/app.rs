//! What every command works with: the playbook, the clock, how to talk.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use playbook_exec::clock::{Clock, FixedClock, SystemClock};
use playbook_exec::host;
use playbook_hash::Trust;
use playbook_hash::disk::StateDir;
use playbook_lock::run_lock::{Contention, Holder, RunLock};
use playbook_lock::{Neighbours, Overrides, Project, search_up_from};

use crate::args::{GlobalArgs, split_file};
use crate::error::CliError;
use crate::params::ParamArgs;
use crate::term;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

/// The program while it carries out one command.
pub(crate) struct App {
    file: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trust: Trust,
    pub(crate) verbosity: Verbosity,
}

impl App {
    pub(crate) fn new(args: &GlobalArgs) -> Result<Self, CliError> {
        term::set_color(args.color);
        let verbosity = match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        };
        let trust = if args.no_stat_cache {
            Trust::ReadEverything
        } else {
            Trust::Stat
        };
        Ok(Self {
            file: args.file.clone(),
            clock: clock()?,
            trust,
            verbosity,
        })
    }

    /// Opens the playbook: the one named by a positional, by `-f`, by the environment, or found here or above.
    pub(crate) fn project(&self, positional: Option<PathBuf>) -> Result<Project, CliError> {
        self.open(positional, Overrides::default())
    }

    /// Opens the playbook with other params: named as for [`App::project`].
    pub(crate) fn project_with(
        &self,
        positional: Option<PathBuf>,
        params: &ParamArgs,
    ) -> Result<Project, CliError> {
        self.open(positional, params.overrides()?)
    }

    fn open(&self, positional: Option<PathBuf>, overrides: Overrides) -> Result<Project, CliError> {
        let file = match positional {
            Some(file) => file,
            None => self.locate()?,
        };
        Ok(Project::open_with(&file, overrides)?)
    }

    /// Where the files of a playbook are that need not be readable: named as for [`App::project`].
    pub(crate) fn neighbours(&self, positional: Option<PathBuf>) -> Result<Neighbours, CliError> {
        let file = match positional {
            Some(file) => file,
            None => self.locate()?,
        };
        Ok(Neighbours::of(&file)?)
    }

    /// Takes the run lock of a playbook.
    pub(crate) fn take_run_lock(
        &self,
        state: &StateDir,
        contention: Contention<'_>,
    ) -> Result<RunLock, CliError> {
        state.create()?;
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: self.clock.now(),
        };
        Ok(RunLock::acquire(&state.run_lock(), &holder, contention)?)
    }

    /// Splits positionals into the playbook and the rest. Where `-f` names the playbook, all are the rest.
    pub(crate) fn split<'a>(&self, positionals: &'a [String]) -> (Option<PathBuf>, &'a [String]) {
        match self.file {
            Some(_) => (None, positionals),
            None => split_file(positionals),
        }
    }

    /// The playbook named by `-f` or by the environment, or found here or above.
    pub(crate) fn locate(&self) -> Result<PathBuf, CliError> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        if let Some(file) = std::env::var_os("PLAYBOOK_FILE").filter(|file| !file.is_empty()) {
            return Ok(file.into());
        }
        let here = working_directory()?;
        let found = search_up_from(&here)?;
        // One that is right here is named as a person would.
        Ok(found
            .strip_prefix(&here)
            .map(Path::to_owned)
            .unwrap_or(found))
    }
}

/// The directory the user stands in.
pub(crate) fn working_directory() -> Result<PathBuf, CliError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "only the command line knows a working directory"
    )]
    let here = std::env::current_dir();
    here.map_err(|error| CliError::usage(format!("cannot tell the working directory: {error}")))
}

/// The cores that a run uses: as many as were asked for, or all.
pub(crate) fn jobs(asked: Option<NonZeroUsize>) -> u32 {
    let cores = asked
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// The machine's clock; tests fix it.
fn clock() -> Result<Arc<dyn Clock>, CliError> {
    match std::env::var("PLAYBOOK_TEST_CLOCK") {
        Ok(text) => {
            let now: Result<Timestamp, _> = text.parse();
            let now =
                now.map_err(|error| CliError::usage(format!("PLAYBOOK_TEST_CLOCK: {error}")))?;
            Ok(Arc::new(FixedClock(now)))
        }
        Err(_) => Ok(Arc::new(SystemClock::new())),
    }
}
