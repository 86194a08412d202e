//! The event log of a playbook, and the names by which a person speaks of what is in it.

use std::path::{Path, PathBuf};

use playbook_lock::history::{FoundRun, Run, RunLog, StageRun, StageRuns};
use playbook_lock::{LockError, Neighbours};
use playbook_types::suggest::nearest;

use crate::app::App;
use crate::error::CliError;
use crate::render::history::{Alive, ShownRun, StageLog, minute, older};

/// The event log of a playbook, and what is needed to make sense of it.
pub(super) struct Past<'a> {
    app: &'a App,
    neighbours: Neighbours,
    log: RunLog,
    alive: Alive,
}

impl<'a> Past<'a> {
    pub(super) fn open(app: &'a App, file: Option<PathBuf>) -> Result<Self, CliError> {
        let neighbours = app.neighbours(file)?;
        let alive = Alive::look(neighbours.state_dir());
        let path = neighbours.events_path();
        let log =
            RunLog::open(&path).map_err(|source| LockError::EventsUnreadable { path, source })?;
        Ok(Self {
            app,
            neighbours,
            log,
            alive,
        })
    }

    pub(super) fn unreadable(&self, source: std::io::Error) -> CliError {
        let path = self.neighbours.events_path();
        LockError::EventsUnreadable { path, source }.into()
    }

    pub(super) fn runs(&self, limit: Option<usize>) -> Result<Vec<Run>, CliError> {
        self.log.runs(limit).map_err(|error| self.unreadable(error))
    }

    /// Runs with how they ended.
    pub(super) fn shown(&self, runs: Vec<Run>) -> Vec<ShownRun> {
        runs.into_iter().map(|run| self.shown_one(run)).collect()
    }

    pub(super) fn shown_one(&self, run: Run) -> ShownRun {
        ShownRun::new(run, &self.alive, self.app.clock.now())
    }

    /// What became of each stage of a run.
    pub(super) fn stages(&self, run: &Run) -> Result<StageRuns, CliError> {
        self.log.stages(run).map_err(|error| self.unreadable(error))
    }

    /// The directory paths are relative to.
    pub(super) fn root(&self) -> &Path {
        self.neighbours.root().as_path()
    }

    pub(super) fn find(&self, wanted: &str) -> Result<Run, CliError> {
        let found = self
            .log
            .find(wanted)
            .map_err(|error| self.unreadable(error))?;
        match found {
            FoundRun::One(run) => Ok(*run),
            FoundRun::Several(runs) => Err(CliError::usage(format!(
                "'{wanted}' may be any of {} runs",
                runs.len()
            ))
            .hint(format!("give more of the id: {}", older(&runs)))),
            FoundRun::None(runs) if runs.is_empty() => {
                Err(CliError::usage("there are no runs yet")
                    .hint("'playbook run' runs what has to run"))
            }
            FoundRun::None(runs) => Err(self.no_such_run(wanted, &runs)?),
        }
    }

    fn no_such_run(&self, wanted: &str, runs: &[Run]) -> Result<CliError, CliError> {
        let error = CliError::usage(format!("there is no run '{wanted}' in the event log"));
        let last = runs.first().map(|last| self.stages(last)).transpose()?;
        let mut of_last = last.iter().flat_map(|last| &last.stages);
        let of_stage = of_last.any(|stage| stage.stage.as_str() == wanted);
        Ok(if of_stage {
            error.hint(format!(
                "it is the name of a stage: 'playbook log show last/{wanted}'"
            ))
        } else {
            error.hint(format!("the last ones are {}", older(runs)))
        })
    }

    pub(super) fn stage_log(&self, run: &Run, stage: &StageRun) -> StageLog {
        StageLog::find(self.root(), &self.neighbours.state_dir(), run, stage)
    }

    /// For a stage that did not run in this run: the last one before in which it did.
    pub(super) fn where_it_ran(&self, run: &Run, stage: &StageRun) -> Result<String, CliError> {
        let name = &stage.stage;
        let earlier = self
            .log
            .last_tried(name, Some(run))
            .map_err(|error| self.unreadable(error))?;
        Ok(match earlier {
            Some((earlier, _)) => {
                let short = earlier.short_id();
                format!(
                    "it did not run in this one, and before that last on {} ('playbook log show {short}/{name}')\n",
                    minute(earlier.started)
                )
            }
            None => "it did not run in this one, nor in an earlier one that is in the event log\n"
                .to_owned(),
        })
    }
}

/// The stage of this name among those of a run.
pub(super) fn named<'s>(
    run: &Run,
    stages: &'s [StageRun],
    name: &str,
) -> Result<&'s StageRun, CliError> {
    if let Some(stage) = stages.iter().find(|stage| stage.stage.as_str() == name) {
        return Ok(stage);
    }
    let short = run.short_id();
    let error = CliError::usage(format!("run {short} has no stage '{name}'"));
    let names = stages.iter().map(|stage| stage.stage.as_str());
    Err(match nearest(name, names) {
        Some(meant) => error.hint(format!("did you mean '{meant}'?")),
        None => error.hint(format!("'playbook log show {short}' shows its stages")),
    })
}
