//! The runs in an event log, newest first, read from its end: what is not asked for is not read.
//!
//! A run is where its `run_started` is: of two, the newer one is the one that stands further down. Lines of several runs
//! may be mixed, and of one id there may be several runs. What a crash tore and what a newer program wrote is passed over.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::record::event::{Event, EventKind, RunTotals};
use playbook_types::value::ParamValue;
use serde::Deserialize;
use uuid::Uuid;

use crate::history::lines::{Backward, Head, Line, head};
use crate::history::stages::{Gather, StageRuns};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything asked for was done.
    Completed,
    /// A stage failed.
    Failed,
    /// It was interrupted, and ended in order.
    Interrupted,
    /// Its end is not told: it is under way, or it died.
    Unfinished,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` if that is not told.
    pub ended: Option<Timestamp>,
    /// When it was last heard of.
    pub last_heard: Timestamp,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The playbook's name then.
    pub playbook: String,
    /// Program and version.
    pub generator: String,
    /// How many stages were in the run.
    pub selected: usize,
    /// Params set from outside.
    pub overrides: IndexMap<ParamKey, ParamValue>,
    /// What it came to: as told at its end, or else counted from its lines.
    pub totals: RunTotals,
    /// Where its lines are.
    extent: Range<u64>,
}

impl Run {
    /// The part of its id that names it where space is short, and its files in the state directory.
    pub fn short_id(&self) -> String {
        short_id(self.id)
    }

    /// Where its lines are in the log.
    pub(super) fn extent(&self) -> Range<u64> {
        self.extent.clone()
    }
}

/// The part of a run's id that names its files: the milliseconds it began at (RFC 9562, UUID version 7).
pub fn short_id(run_id: Uuid) -> String {
    run_id.to_string()[..13].to_owned()
}

/// What the log of an attempt at a stage is called, in the directory that the run has among the logs.
pub fn log_name(stage: &StageName, attempt: u32) -> String {
    format!("{stage}.{attempt}.log")
}

/// What was found for a run as a person names it.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundRun {
    /// This one.
    One(Box<Run>),
    /// None; these are the newest there are.
    None(Vec<Run>),
    /// Each of these could be meant, newest first.
    Several(Vec<Run>),
}

/// An event log, opened for reading. What is appended later is not seen, nor is that somebody replaces it.
#[derive(Debug)]
pub struct RunLog {
    /// None if there is no log.
    file: Option<File>,
    length: u64,
}

impl RunLog {
    /// Opens the log at `path`. One that does not exist has no runs.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    file: None,
                    length: 0,
                });
            }
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        Ok(Self {
            file: Some(file),
            length,
        })
    }

    /// The log itself, if there is one.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The last `limit` runs, or all, newest first. Only as much of the log is read as that takes.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn runs(&self, limit: Option<usize>) -> io::Result<Vec<Run>> {
        let limit = limit.unwrap_or(usize::MAX);
        let Some(file) = self.file.as_ref().filter(|_| limit > 0) else {
            return Ok(Vec::new());
        };
        let mut lines = Backward::new(file, self.length);
        let mut scan = Scan::default();
        while scan.found.len() < limit && lines.next(|line| scan.line(line))?.is_some() {}
        if scan.found.len() < limit {
            scan.without_start();
        }
        let mut runs = scan.found;
        for run in &mut runs {
            self.count(run)?;
        }
        Ok(runs)
    }

    /// Counts what a run came to whose end is not told.
    pub(super) fn count(&self, run: &mut Run) -> io::Result<()> {
        if run.outcome == RunOutcome::Unfinished {
            let heard = run.last_heard.duration_since(run.started).as_secs_f64();
            run.totals = self.stages(run)?.totals();
            run.totals.total_seconds = heard.max(0.0);
        }
        Ok(())
    }

    /// The run a person names: `last`, `@2` (the second to last), or what its id begins with.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn find(&self, name: &str) -> io::Result<FoundRun> {
        let back = match name {
            "last" => Some(1),
            _ => name.strip_prefix('@').and_then(|back| back.parse().ok()),
        };
        if let Some(back) = back.filter(|back| *back > 0) {
            let mut runs = self.runs(Some(back))?;
            return Ok(match runs.pop() {
                Some(run) if runs.len() + 1 == back => FoundRun::One(Box::new(run)),
                other => FoundRun::None(runs.into_iter().chain(other).collect()),
            });
        }
        let wanted = name.to_ascii_lowercase();
        let (mut matching, others): (Vec<Run>, Vec<Run>) =
            self.runs(None)?.into_iter().partition(|run| {
                let id = run.id.to_string();
                !wanted.is_empty()
                    && (id.starts_with(&wanted) || id.replace('-', "").starts_with(&wanted))
            });
        // Runs of one id can only be told apart by their place.
        let one_id = matching.iter().all(|run| run.id == matching[0].id);
        Ok(match matching.len() {
            0 => FoundRun::None(others),
            _ if one_id => FoundRun::One(Box::new(matching.swap_remove(0))),
            _ => FoundRun::Several(matching),
        })
    }

    /// What became of each stage of a run of this log.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn stages(&self, run: &Run) -> io::Result<StageRuns> {
        let mut gather = Gather::default();
        let Some(mut file) = self.file.as_ref() else {
            return Ok(gather.finish());
        };
        file.seek(SeekFrom::Start(run.extent.start))?;
        let length = run.extent.end - run.extent.start;
        let mut lines = BufReader::with_capacity(1 << 16, file.take(length));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let its = |head: Head<'_>| head.run_id == run.id && head.event != "run_started";
            if head(line.trim_ascii_end()).is_some_and(its) {
                gather.line(&line);
            }
            line.clear();
        }
        Ok(gather.finish())
    }
}

/// Runs as they come up, from the end of the log.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Those whose beginning was seen, newest first.
    pub(super) found: Vec<Run>,
    /// The others, each with its last lines.
    open: IndexMap<Uuid, Open>,
}

/// A run whose beginning is still to come.
#[derive(Debug)]
struct Open {
    /// Where its first line so far begins.
    from: u64,
    /// Where its last line ends.
    to: u64,
    first_heard: Option<Timestamp>,
    last_heard: Option<Timestamp>,
    end: Option<(RunOutcome, Timestamp, RunTotals)>,
}

/// What `run_started` says, of whatever version.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    playbook: String,
    generator: String,
    stages: usize,
    params: serde_json::Value,
}

impl Scan {
    pub(super) fn line(&mut self, Line { at, bytes }: Line<'_>) {
        let Some(Head { ts, run_id, event }) = head(bytes) else {
            return;
        };
        let ts: Option<Timestamp> = match &*event {
            "stage_cached" if self.open.contains_key(&run_id) => None,
            _ => ts.parse().ok(),
        };
        let open = self.open.entry(run_id).or_insert_with(|| Open {
            from: at,
            to: at + bytes.len() as u64,
            first_heard: None,
            last_heard: ts,
            end: None,
        });
        open.from = at;
        open.first_heard = ts.or(open.first_heard);
        match &*event {
            "run_completed" | "run_failed" | "run_interrupted" => open.end = ending(bytes),
            "run_started" => {
                let start: Start = serde_json::from_slice(bytes).unwrap_or_default();
                if let Some(open) = self.open.swap_remove(&run_id) {
                    self.found.extend(run(run_id, open, start));
                }
            }
            _ => {}
        }
    }

    /// The log is at its beginning: what is left are runs whose `run_started` is lost.
    pub(super) fn without_start(&mut self) {
        let mut left: Vec<(Uuid, Open)> = self.open.drain(..).collect();
        left.sort_by_key(|(_, open)| std::cmp::Reverse(open.from));
        let runs = left.into_iter();
        let runs = runs.filter_map(|(id, open)| run(id, open, Start::default()));
        self.found.extend(runs);
        self.found
            .sort_by_key(|run| std::cmp::Reverse(run.extent.start));
    }
}

fn run(id: Uuid, open: Open, start: Start) -> Option<Run> {
    let started = open.first_heard?;
    let (outcome, ended, totals) = match open.end {
        Some((outcome, ended, totals)) => (outcome, Some(ended), totals),
        None => (RunOutcome::Unfinished, None, RunTotals::default()),
    };
    Some(Run {
        id,
        started,
        ended,
        last_heard: open.last_heard.unwrap_or(started),
        outcome,
        playbook: start.playbook,
        generator: start.generator,
        selected: start.stages,
        overrides: serde_json::from_value(start.params).unwrap_or_default(),
        totals,
        extent: open.from..open.to,
    })
}

/// What the last line of a run says.
fn ending(line: &[u8]) -> Option<(RunOutcome, Timestamp, RunTotals)> {
    let event: Event = serde_json::from_slice(line).ok()?;
    match event.kind {
        EventKind::RunCompleted(totals) => Some((RunOutcome::Completed, event.ts, totals)),
        EventKind::RunFailed(totals) => Some((RunOutcome::Failed, event.ts, totals)),
        EventKind::RunInterrupted(totals) => Some((RunOutcome::Interrupted, event.ts, totals)),
        EventKind::RunStarted { .. }
        | EventKind::StageCached { .. }
        | EventKind::StageStarted { .. }
        | EventKind::StageRetry { .. }
        | EventKind::JobRetry { .. }
        | EventKind::StageCompleted { .. }
        | EventKind::StageFailed { .. }
        | EventKind::StageSkipped { .. }
        | EventKind::GatePassed { .. }
        | EventKind::GateFailed { .. } => None,
    }
}
