//! `playbook log`

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use playbook_lock::history::{
    Compacted, FoundRun, Run, RunLog, RunOutcome, StageRun, compact, under_way,
};
use playbook_lock::run_lock::Contention;
use playbook_lock::{LockError, Neighbours};
use playbook_types::suggest::nearest;
use serde::Serialize;
use uuid::Uuid;

use crate::app::{App, Verbosity};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::history::{
    ShowError, ShownRun, StageLog, minute, older, output_heading, run_json, run_text, show_bytes,
    shown_run_json, stage_json, stage_text, table,
};
use crate::term;

/// So many runs are shown unless more are asked for.
const FEW: usize = 20;

/// Show past runs, and what their stages printed
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    show: Option<LogCommand>,
    /// The playbook; and -N as short for --limit N
    #[arg(value_name = "PLAYBOOK", allow_negative_numbers = true)]
    playbook: Vec<String>,
    /// Show the last N runs [default: 20]
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Show all runs
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print one JSON object per run
    #[arg(long)]
    json: bool,
    /// Make the event log shorter: keep the last runs, drop the others and the logs of their stages
    #[arg(long, requires = "keep", conflicts_with_all = ["limit", "all"])]
    compact: bool,
    /// With --compact: how many runs to keep
    #[arg(long, value_name = "N", requires = "compact")]
    keep: Option<NonZeroUsize>,
}

const AFTER_HELP: &str =
    "Newest first. Runs in which no command was started are not in the event log.";

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Show the stages of one run, or one of them with what it printed
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The playbook, if it ends in .yaml or .yml, then the run: the beginning of its id, 'last' or @N (@2 is the one
    /// before the last); RUN/STAGE for one stage [default: last]
    #[arg(value_name = "RUN[/STAGE]")]
    run: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print only what the stage printed, byte for byte, even to a terminal
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// `playbook log`
pub(crate) fn cmd_log(app: &App, args: &LogArgs) -> Result<Outcome, CliError> {
    match (&args.show, args.keep.filter(|_| args.compact)) {
        (Some(LogCommand::Show(show)), _) => cmd_show(app, show),
        (None, Some(keep)) => cmd_compact(app, args, keep.get()),
        (None, None) => cmd_list(app, args),
    }
}

fn cmd_list(app: &App, args: &LogArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    let limit = limit(args, rest)?;
    let past = Past::open(app, file)?;
    // One more, to know whether there are more.
    let mut runs = past.runs(limit.map(|limit| limit.saturating_add(1)))?;
    let more = limit.is_some_and(|limit| runs.len() > limit);
    runs.truncate(limit.unwrap_or(usize::MAX));
    let shown = past.shown(runs);
    term::out(&if args.json {
        shown.iter().map(run_json).collect()
    } else {
        table(&shown)
    })?;
    if !args.json && app.verbosity > Verbosity::Quiet {
        if shown.is_empty() {
            term::say("no runs yet; 'playbook run' runs what has to run\n");
        } else if more {
            term::say("there are older ones: 'playbook log --all' shows them\n");
        }
    }
    Ok(Outcome::Done)
}

/// How many runs to show: `-n 5`, or `-5` among the positionals.
fn limit(args: &LogArgs, rest: &[String]) -> Result<Option<usize>, CliError> {
    let mut limit = args.limit.map(NonZeroUsize::get);
    for word in rest {
        let number = word.strip_prefix('-').and_then(|word| word.parse().ok());
        match number.filter(|number: &usize| *number > 0) {
            Some(number) => limit = Some(number),
            None if word.starts_with('-') => {
                return Err(CliError::usage(format!("'{word}' is no number of runs")));
            }
            None => {
                return Err(CliError::usage(format!("'{word}' is not a playbook file"))
                    .hint(format!("'playbook log show {word}' shows one run")));
            }
        }
    }
    Ok(limit.or((!args.all).then_some(FEW)))
}

fn cmd_show(app: &App, args: &ShowArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.run);
    if let Some(extra) = rest.get(1) {
        return Err(
            CliError::usage(format!("one run at a time: '{extra}' is too many"))
                .hint("a stage of a run is named RUN/STAGE"),
        );
    }
    let wanted = rest.first().map_or("last", String::as_str);
    let (wanted, stage) = match wanted.split_once('/') {
        Some((run, stage)) => (run, Some(stage)),
        None => (wanted, None),
    };
    if args.raw && stage.is_none() {
        return Err(
            CliError::usage("--raw is for what one stage printed").hint(format!(
                "name the stage: playbook log show --raw {wanted}/STAGE"
            )),
        );
    }
    let past = Past::open(app, file)?;
    let run = past.find(wanted)?;
    let told = past
        .log
        .stages(&run)
        .map_err(|error| past.unreadable(error))?;
    if let Some(name) = stage {
        let stage = past.stage(&run, &told.stages, name)?;
        return past.show_stage(&run, stage, args);
    }
    let logs: Vec<StageLog> = told
        .stages
        .iter()
        .map(|stage| past.stage_log(&run, stage))
        .collect();
    let shown = past.shown_one(run);
    term::out(&if args.json {
        shown_run_json(&shown, &told, &logs)
    } else {
        run_text(&shown, &told)
    })?;
    Ok(Outcome::Done)
}

/// The event log of a playbook, and what is needed to make sense of it.
struct Past<'a> {
    app: &'a App,
    neighbours: Neighbours,
    log: RunLog,
}

impl<'a> Past<'a> {
    fn open(app: &'a App, file: Option<PathBuf>) -> Result<Self, CliError> {
        let neighbours = app.neighbours(file)?;
        let path = neighbours.events_path();
        let log =
            RunLog::open(&path).map_err(|source| LockError::EventsUnreadable { path, source })?;
        Ok(Self {
            app,
            neighbours,
            log,
        })
    }

    fn unreadable(&self, source: std::io::Error) -> CliError {
        let path = self.neighbours.events_path();
        LockError::EventsUnreadable { path, source }.into()
    }

    fn runs(&self, limit: Option<usize>) -> Result<Vec<Run>, CliError> {
        self.log.runs(limit).map_err(|error| self.unreadable(error))
    }

    /// Runs with how they ended.
    fn shown(&self, runs: Vec<Run>) -> Vec<ShownRun> {
        runs.into_iter().map(|run| self.shown_one(run)).collect()
    }

    fn shown_one(&self, run: Run) -> ShownRun {
        let state = self.neighbours.state_dir();
        // Where that cannot be told, what has no end counts as dead.
        let alive = match run.outcome {
            RunOutcome::Unfinished => under_way(&state).ok().flatten(),
            RunOutcome::Completed | RunOutcome::Failed | RunOutcome::Interrupted => None,
        };
        ShownRun::new(run, alive, self.app.clock.now())
    }

    fn find(&self, wanted: &str) -> Result<Run, CliError> {
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
        let of_stage = match runs.first() {
            Some(last) => self
                .log
                .stages(last)
                .map_err(|error| self.unreadable(error))?
                .stages
                .iter()
                .any(|stage| stage.stage.as_str() == wanted),
            None => false,
        };
        Ok(if of_stage {
            error.hint(format!(
                "it is the name of a stage: 'playbook log show last/{wanted}'"
            ))
        } else {
            error.hint(format!("the last ones are {}", older(runs)))
        })
    }

    fn stage<'s>(
        &self,
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

    fn stage_log(&self, run: &Run, stage: &StageRun) -> StageLog {
        let root = self.neighbours.root().as_path();
        StageLog::find(root, &self.neighbours.state_dir(), run, stage)
    }

    fn show_stage(
        &self,
        run: &Run,
        stage: &StageRun,
        args: &ShowArgs,
    ) -> Result<Outcome, CliError> {
        let log = self.stage_log(run, stage);
        let shown = self.shown_one(run.clone());
        if args.json {
            term::out(&stage_json(run.id, stage, &log))?;
            return Ok(Outcome::Done);
        }
        if !args.raw {
            let root = self.neighbours.root().as_path();
            term::out(&stage_text(root, &shown, stage, &log))?;
        }
        match &log {
            StageLog::There { path, bytes, .. } if *bytes > 0 => {
                if !args.raw {
                    term::out(&output_heading())?;
                }
                match show_bytes(path, args.raw) {
                    Ok(()) => {}
                    Err(ShowError::Log(error)) => return Err(CliError::unreadable(path, &error)),
                    Err(ShowError::Out(error)) => return Err(error.into()),
                }
            }
            StageLog::Gone(shown) if args.raw => {
                return Err(CliError::usage(format!("{shown} is gone"))
                    .hint("logs are in the state directory, which may be cleared at any time"));
            }
            StageLog::There { .. }
            | StageLog::Gone(_)
            | StageLog::Silent
            | StageLog::NeverBegan => {}
        }
        Ok(Outcome::Done)
    }
}

/// What was dropped, as JSON.
#[derive(Serialize)]
struct CompactedRow {
    kept: usize,
    dropped: Vec<Uuid>,
    bytes_before: u64,
    bytes_after: u64,
    logs_removed: usize,
}

fn cmd_compact(app: &App, args: &LogArgs, keep: usize) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::usage(format!("'{extra}' is not a playbook file")));
    }
    let neighbours = app.neighbours(file)?;
    let state = neighbours.state_dir();
    let held = match app.take_run_lock(&state, Contention::Fail) {
        Err(error) if error.outcome() == Outcome::Held => {
            return Err(error.hint_instead("wait until it is over: it is writing its events"));
        }
        other => other?,
    };
    let compacted = compact(&held, &neighbours.events_path(), &state, keep)?;
    if args.json {
        let Compacted {
            kept,
            dropped,
            bytes_before,
            bytes_after,
            logs_removed,
        } = compacted;
        let row = CompactedRow {
            kept,
            dropped: dropped.iter().map(|run| run.id).collect(),
            bytes_before,
            bytes_after,
            logs_removed,
        };
        let line =
            serde_json::to_string(&row).map_err(|error| CliError::usage(error.to_string()))?;
        term::out(&(line + "\n"))?;
    } else if app.verbosity > Verbosity::Quiet {
        term::say(&told(&compacted));
    }
    Ok(Outcome::Done)
}

fn told(compacted: &Compacted) -> String {
    let Compacted {
        kept,
        dropped,
        bytes_before,
        bytes_after,
        logs_removed,
    } = compacted;
    let (Some(newest), Some(oldest)) = (dropped.first(), dropped.last()) else {
        return format!("nothing to drop: the event log has {}\n", runs(*kept));
    };
    let span = if dropped.len() == 1 {
        format!("of {}", minute(newest.started))
    } else {
        format!(
            "from {} to {}",
            minute(oldest.started),
            minute(newest.started)
        )
    };
    let logs = match logs_removed {
        0 => String::new(),
        1 if dropped.len() == 1 => " and its logs".to_owned(),
        1 => ", and the logs of 1 of them".to_owned(),
        count => format!(", and the logs of {count} of them"),
    };
    format!(
        "dropped {} {span}{logs}; the event log has {} ({} → {} bytes)\n",
        runs(dropped.len()),
        runs(*kept),
        bytes_before,
        bytes_after
    )
}

fn runs(count: usize) -> String {
    match count {
        0 => "no runs".to_owned(),
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    }
}
