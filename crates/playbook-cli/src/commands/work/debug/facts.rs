//! What there is to tell of a stage.

use std::fs;
use std::path::Path;

use playbook_exec::{ByHand, tail};
use playbook_hash::disk::Root;
use playbook_lock::history::{RunLog, StageRun};
use playbook_lock::{LockError, Project, Recorded};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, StageEntry};

use crate::app::App;
use crate::commands::look::list::state;
use crate::error::CliError;
use crate::render::history::{Alive, ShownRun, StageLog, failed_try};

/// Everything that is told.
pub(super) struct Facts<'p> {
    pub(super) hand: ByHand<'p>,
    /// How its last run ended, in one word; `None` if it never ran.
    pub(super) state: Option<String>,
    pub(super) deps: Vec<Data<'p>>,
    pub(super) outs: Vec<Data<'p>>,
    pub(super) last: Option<Last>,
    /// What a failed job left, if it is about one.
    pub(super) left: Option<Left>,
}

/// What the last run of a job left because it failed.
pub(super) struct Left {
    /// Its work directory.
    pub(super) place: String,
    pub(super) exit_code: Option<String>,
    /// The ends of what it printed.
    pub(super) stdout: Vec<String>,
    pub(super) stderr: Vec<String>,
}

/// A path, what stands there and what is on record of it.
pub(super) struct Data<'p> {
    pub(super) path: &'p DataPath,
    pub(super) now: Now,
    pub(super) recorded: Option<Digest>,
    pub(super) makers: Vec<&'p StageName>,
}

/// What stands at a path. Its contents are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    Missing,
    File(u64),
    Directory,
    /// A socket, a device, or what cannot be looked at.
    Other,
}

/// The last run that tried it.
pub(super) struct Last {
    pub(super) run: ShownRun,
    pub(super) stage: StageRun,
    pub(super) log: StageLog,
    /// The end of what it printed.
    pub(super) tail: Vec<String>,
    /// What was kept, and whether it is still there.
    pub(super) kept: Vec<(DataPath, String, bool)>,
    /// The tries before the last, in words.
    pub(super) tries: Vec<(String, String)>,
}

/// Lines of the log that are shown.
pub(super) const TAIL_LINES: usize = 10;

impl<'p> Facts<'p> {
    pub(super) fn gather(
        app: &App,
        project: &Project,
        recorded: &Recorded,
        hand: ByHand<'p>,
    ) -> Result<Self, CliError> {
        let name = &hand.stage.name;
        let entry = recorded.lock().and_then(|lock| lock.stages.get(name));
        let root = project.root();
        let deps = hand.deps.iter().map(|(path, makers)| Data {
            path,
            now: now(root, path),
            recorded: recorded_as(entry.map(|entry| &entry.deps), path),
            makers: makers.clone(),
        });
        let outs = hand.stage.outs.iter().map(|out| Data {
            path: &out.path,
            now: now(root, &out.path),
            recorded: recorded_as(entry.map(|entry| &entry.outs), &out.path),
            makers: Vec::new(),
        });
        Ok(Self {
            state: entry.map(|entry: &StageEntry| state(recorded, name, &entry.status)),
            deps: deps.collect(),
            outs: outs.collect(),
            last: last(app, project, name)?,
            left: hand.job.as_ref().and_then(|job| left(root, &job.work_dir)),
            hand,
        })
    }
}

fn left(root: &Root, place: &Path) -> Option<Left> {
    place.is_dir().then(|| {
        let printed = |name: &str| tail(&place.join(name), TAIL_LINES).unwrap_or_default();
        let code = fs::read_to_string(place.join("exit_code")).ok();
        Left {
            place: place
                .strip_prefix(root.as_path())
                .unwrap_or(place)
                .display()
                .to_string(),
            exit_code: code.map(|code| code.trim().to_owned()),
            stdout: printed("stdout"),
            stderr: printed("stderr"),
        }
    })
}

fn recorded_as(data: Option<&Vec<DataEntry>>, path: &DataPath) -> Option<Digest> {
    data?.iter().find(|data| data.path == *path)?.hash
}

fn now(root: &Root, path: &DataPath) -> Now {
    match fs::metadata(root.resolve(path)) {
        Ok(meta) if meta.is_file() => Now::File(meta.len()),
        Ok(meta) if meta.is_dir() => Now::Directory,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Now::Missing,
        Ok(_) | Err(_) => Now::Other,
    }
}

fn last(app: &App, project: &Project, name: &StageName) -> Result<Option<Last>, CliError> {
    let alive = Alive::look(project.state_dir());
    let path = project.events_path();
    let unreadable = |source| LockError::EventsUnreadable {
        path: project.events_path(),
        source,
    };
    let events = RunLog::open(&path).map_err(unreadable)?;
    let Some((run, stage)) = events.last_tried(name, None).map_err(unreadable)? else {
        return Ok(None);
    };
    let root = project.root().as_path();
    let log = StageLog::find(root, &project.state_dir(), &run, &stage);
    let tail = match &log {
        StageLog::There { path, .. } => tail(path, TAIL_LINES).unwrap_or_default(),
        StageLog::NeverBegan | StageLog::Silent | StageLog::Gone(_) => Vec::new(),
    };
    let kept = stage.kept.iter().map(|kept| {
        let there = root.join(&kept.kept).symlink_metadata().is_ok();
        (kept.path.clone(), kept.kept.clone(), there)
    });
    Ok(Some(Last {
        kept: kept.collect(),
        tries: stage
            .failed_tries
            .iter()
            .map(|tried| failed_try(root, tried))
            .collect(),
        run: ShownRun::new(run, &alive, app.clock.now()),
        stage,
        log,
        tail,
    }))
}
