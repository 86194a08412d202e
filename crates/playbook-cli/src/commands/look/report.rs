//! `playbook report`: a page about a run.

use std::path::{Path, PathBuf};

use clap::Args;
use playbook_exec::plan::{PlanOptions, plan};
use playbook_lock::history::{FoundRun, Run, RunLog};
use playbook_lock::{LockError, Project, Recorded};
use serde::de::IgnoredAny;

use crate::app::App;
use crate::commands::look::{dag, output};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::graph::Picture;
use crate::render::harmless::harmless;
use crate::render::report::{Sources, gather, page};
use crate::render::units::to_the_second;
use crate::term;

/// How many runs an error names.
const SOME: usize = 5;

/// How an event log says that a run began.
const START: &[u8] = b"\"run_started\"";

/// Write a page about a run
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The playbook, if it ends in .yaml or .yml, then the run: last, @2 for the second to last, or what its id begins with [default: last]
    #[arg(value_name = "RUN")]
    run: Vec<String>,
    /// Write it to this file; - is standard output [default: NAME.report.html beside the playbook NAME.yaml]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `playbook report`
pub(crate) fn cmd_report(app: &App, args: &ReportArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.run);
    let name = match rest {
        [] => "last",
        [name] => name,
        [_, extra, ..] => {
            let message = format!(
                "a report is about one run, and '{}' is one more",
                harmless(extra)
            );
            return Err(CliError::usage(message));
        }
    };
    let project = app.project(file)?;
    let log =
        RunLog::open(&project.events_path()).map_err(|source| unreadable(&project, source))?;
    let run = found(
        &project,
        name,
        log.find(name)
            .map_err(|source| unreadable(&project, source))?,
    )?;
    let stages = log
        .stages(&run)
        .map_err(|source| unreadable(&project, source))?;
    let text = written(app, &project, run, stages)?;
    let beside = default_file(&project);
    let output = args.output.as_deref().unwrap_or(&beside);
    if output == Path::new("-") {
        output::refuse_terminal("a page", "playbook report -o report.html")?;
        term::out(&text)?;
        return Ok(Outcome::Done);
    }
    output::write(app, &project, output, &text)?;
    Ok(Outcome::Done)
}

fn written(
    app: &App,
    project: &Project,
    run: Run,
    stages: playbook_lock::history::StageRuns,
) -> Result<String, CliError> {
    let plan = plan(project, &PlanOptions::default())?;
    let playbook = project.playbook();
    let about = (playbook.name.as_str(), playbook.description.as_deref());
    let report = gather(Sources {
        goes_on: goes_on(plan.recorded(), &run),
        torn: stages.unknown + torn_lines(&project.events_path(), &run),
        stages: stages.stages,
        run,
        lock: plan.lock(),
        root: project.root().as_path(),
        picture: Picture::of_plan(&plan, about, &[]),
        as_of: dag::as_of(app),
    });
    Ok(page(&report))
}

/// The process of the run, if that run is the one that holds the playbook now.
fn goes_on(recorded: &Recorded, run: &Run) -> Option<String> {
    let unfinished = recorded.unfinished.as_ref()?;
    unfinished.holder.as_ref()?;
    (unfinished.header.run_id == run.id).then(|| format!("pid {}", unfinished.header.pid))
}

fn found(project: &Project, name: &str, found: FoundRun) -> Result<Run, CliError> {
    let log = format!("{}.events.jsonl", project.name().stem());
    match found {
        FoundRun::One(run) => Ok(*run),
        FoundRun::None(others) if others.is_empty() => {
            let message = "there are no runs yet";
            Err(CliError::usage(message).hint(
                "'playbook run' runs what has to run; a run that has nothing to do is not recorded",
            ))
        }
        FoundRun::None(others) => {
            let message = format!("there is no run '{}' in {log}", harmless(name));
            Err(CliError::usage(message).hint(format!(
                "the last runs are {}; 'playbook log' shows more",
                listed(&others)
            )))
        }
        FoundRun::Several(runs) => {
            let message = format!(
                "the ids of {} runs begin with '{}'",
                runs.len(),
                harmless(name)
            );
            Err(CliError::usage(message).hint(format!("name more of it: {}", listed(&runs))))
        }
    }
}

fn listed(runs: &[Run]) -> String {
    let told = runs
        .iter()
        .take(SOME)
        .map(|run| format!("{} ({})", run.id, to_the_second(run.started)));
    told.collect::<Vec<_>>().join(", ")
}

fn unreadable(project: &Project, source: std::io::Error) -> CliError {
    let path = project.events_path();
    LockError::Unreadable { path, source }.into()
}

/// How many lines a crash tore while the run wrote, or just after: they do not tell whose they were, but stand among
/// the run's own. A log that cannot be read has been complained of before.
fn torn_lines(log: &Path, run: &Run) -> usize {
    let log = std::fs::read(log).unwrap_or_default();
    let id = run.id.to_string();
    let whose = |line: &[u8]| std::str::from_utf8(line).is_ok_and(|line| line.contains(&id));
    let is_torn = |line: &&[u8]| {
        !line.is_empty()
            && line.last() != Some(&b'}')
            && serde_json::from_slice::<IgnoredAny>(line).is_err()
    };
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    let starts = |line: &[u8]| whose(line) && line.windows(START.len()).any(|part| part == START);
    let Some(first) = lines.iter().rposition(|line| starts(line)) else {
        return 0;
    };
    let last = lines.iter().rposition(|line| whose(line)).unwrap_or(first);
    let within = lines[first..=last].iter().filter(|line| is_torn(line));
    let behind = lines[last + 1..].iter().take_while(|line| is_torn(line));
    within.count() + behind.count()
}

/// `etl.report.html` beside `etl.yaml`.
fn default_file(project: &Project) -> PathBuf {
    let name = format!("{}.report.html", project.name().stem());
    match project.file().parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.join(name),
        _ => name.into(),
    }
}
