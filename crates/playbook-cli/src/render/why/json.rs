//! The story as one JSON object. Its fields are documented in `docs/why.md`.

use std::path::PathBuf;

use jiff::Timestamp;
use playbook_exec::plan::{DataNow, ExplainedData, Maker};
use playbook_types::digest::Digest;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::lock::EntryStatus;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::record::usage::Usage;
use playbook_types::value::ParamValue;
use serde::Serialize;
use uuid::Uuid;

use crate::render::foretold::{self, row_of};
use crate::render::why::{Story, command};

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    decision: foretold::Row<'a>,
    command: Command<'a>,
    params: Vec<Param<'a>>,
    deps: Vec<Data<'a>>,
    outs: Vec<Data<'a>>,
    env: Pair<Option<Digest>>,
    shell: Pair<Option<&'static str>>,
    wdir: Pair<Option<&'a str>>,
    last_run: Option<LastRun<'a>>,
}

#[derive(Serialize)]
struct Command<'a> {
    same: bool,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

#[derive(Serialize)]
struct Param<'a> {
    #[serde(rename = "param")]
    key: &'a ParamKey,
    same: bool,
    old: Option<&'a ParamValue>,
    new: Option<&'a ParamValue>,
}

#[derive(Serialize)]
struct Data<'a> {
    path: &'a str,
    same: bool,
    declared: bool,
    old: Option<Digest>,
    new: Option<Digest>,
    missing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to_be_made_by: Vec<&'a StageName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    made_by: Vec<MadeBy<'a>>,
}

/// Files below the directory. Bytes of a name that are not text are shown as `\u{fffd}`.
#[derive(Serialize)]
struct Files {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

#[derive(Serialize)]
struct MadeBy<'a> {
    stage: &'a StageName,
    /// When, if what it made is not what was read before.
    made_anew: Option<Timestamp>,
}

#[derive(Serialize)]
struct Pair<T> {
    old: T,
    new: T,
}

#[derive(Serialize)]
struct LastRun<'a> {
    run_id: Option<Uuid>,
    reasons: Option<&'a [InvalidationReason]>,
    status: &'a EntryStatus,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    adopted: bool,
}

/// The story as a line.
pub(crate) fn json_line(story: &Story<'_>) -> String {
    let line = serde_json::to_string(&line(story)).unwrap_or_default();
    line + "\n"
}

fn line<'a>(story: &'a Story<'_>) -> Line<'a> {
    let explained = &story.explained;
    let (entry, resolved) = (explained.entry, explained.resolved);
    let params = explained.params.iter().map(|param| Param {
        key: param.param,
        same: !param.is_changed(),
        old: param.old,
        new: param.new,
    });
    Line {
        decision: row_of(&explained.stage.name, &explained.fate),
        command: Command {
            same: command::compared(story) == command::Compared::Same,
            old: story.run.as_ref().map(|run| run.command.as_str()),
            new: resolved.map(|resolved| resolved.shown.as_str()),
        },
        params: params.collect(),
        deps: explained.deps.iter().map(data).collect(),
        outs: explained.outs.iter().map(data).collect(),
        env: Pair {
            old: entry.and_then(|entry| entry.env_hash),
            new: resolved.and_then(|resolved| resolved.env_hash),
        },
        shell: Pair {
            old: entry.map(|entry| entry.shell.word()),
            new: Some(explained.stage.shell.word()),
        },
        wdir: Pair {
            old: entry
                .and_then(|entry| entry.wdir.as_ref())
                .map(DataPath::as_str),
            new: explained.stage.wdir.as_ref().map(DataPath::as_str),
        },
        last_run: entry.map(|entry| LastRun {
            run_id: story.run.as_ref().map(|run| run.id),
            reasons: story.run.as_ref().map(|run| run.reasons.as_slice()),
            status: &entry.status,
            started_at: entry.started_at,
            completed_at: entry.completed_at,
            duration_seconds: entry.duration_seconds,
            usage: story.run.as_ref().and_then(|run| run.usage),
            adopted: entry.adopted,
        }),
    }
}

fn data<'a>(data: &'a ExplainedData<'_>) -> Data<'a> {
    let names = |paths: &[PathBuf]| {
        let names = paths.iter().map(|path| path.to_string_lossy().into_owned());
        names.collect::<Vec<String>>()
    };
    let (to_be_made_by, error) = match &data.now {
        DataNow::ToCome(makers) => (makers.iter().collect(), None),
        DataNow::Unreadable(error) => (Vec::new(), Some(error.as_str())),
        DataNow::Found(_) | DataNow::Missing => (Vec::new(), None),
    };
    Data {
        path: data.path.as_str(),
        same: data.is_same(),
        declared: data.declared,
        old: data.recorded.and_then(|recorded| recorded.hash),
        new: data.digest(),
        missing: matches!(data.now, DataNow::Missing),
        error,
        files: data.files.as_ref().map(|files| Files {
            added: names(&files.added),
            removed: names(&files.removed),
            changed: names(&files.changed),
        }),
        to_be_made_by,
        made_by: data
            .makers
            .iter()
            .map(|Maker { stage, made_anew }| MadeBy {
                stage,
                made_anew: *made_anew,
            })
            .collect(),
    }
}
