//! What there is to tell of a stage, for programs.

use indexmap::IndexMap;
use playbook_types::digest::Digest;
use playbook_types::path::DataPath;
use serde::Serialize;

use crate::commands::work::debug::facts::{Data, Facts, Now};
use crate::render::history::{StageRow, stage_row};

#[derive(Serialize)]
struct Row<'a> {
    stage: &'a str,
    /// How its last run ended; null if it never ran.
    state: Option<&'a str>,
    /// What a command is given to, as its last argument.
    shell: &'a [&'static str],
    directory: String,
    /// Names with masked values.
    env: IndexMap<&'a str, &'static str>,
    /// One after the other, values from `env` masked.
    commands: &'a [String],
    deps: Vec<DataRow<'a>>,
    outs: Vec<DataRow<'a>>,
    last: Option<StageRow<'a>>,
    /// If it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobRow<'a>>,
}

#[derive(Serialize)]
struct JobRow<'a> {
    id: &'a str,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// Where what it left is, if it failed when it last ran.
    work_dir: Option<&'a str>,
    exit_code: Option<i32>,
}

#[derive(Serialize)]
struct DataRow<'a> {
    path: &'a str,
    /// `file`, `directory`, `other`; null if nothing stands there.
    kind: Option<&'static str>,
    bytes: Option<u64>,
    recorded: Option<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    made_by: Vec<&'a str>,
}

/// One object.
pub(super) fn json_line(facts: &Facts<'_>) -> String {
    let Facts {
        hand,
        state,
        deps,
        outs,
        last,
        left,
    } = facts;
    let row = Row {
        stage: hand.stage.name.as_str(),
        state: state.as_deref(),
        shell: &hand.shell,
        directory: hand.directory.display().to_string(),
        env: hand
            .resolved
            .env
            .keys()
            .map(|name| (name.as_str(), "***"))
            .collect(),
        commands: &hand.shown,
        deps: deps.iter().map(data_row).collect(),
        outs: outs.iter().map(data_row).collect(),
        last: last
            .as_ref()
            .map(|last| stage_row(Some(last.run.run.id), &last.stage, &last.log)),
        job: hand.job.as_ref().map(|job| JobRow {
            id: &job.id,
            inputs: job.inputs.iter().map(DataPath::as_str).collect(),
            outputs: job.outputs.iter().map(DataPath::as_str).collect(),
            work_dir: left.as_ref().map(|left| left.place.as_str()),
            exit_code: left
                .as_ref()
                .and_then(|left| left.exit_code.as_ref()?.parse().ok()),
        }),
    };
    // Keys are text and numbers finite.
    serde_json::to_string(&row).unwrap_or_default() + "\n"
}

fn data_row<'a>(data: &Data<'a>) -> DataRow<'a> {
    let (kind, bytes) = match data.now {
        Now::Missing => (None, None),
        Now::File(bytes) => (Some("file"), Some(bytes)),
        Now::Directory => (Some("directory"), None),
        Now::Other => (Some("other"), None),
    };
    DataRow {
        path: data.path.as_str(),
        kind,
        bytes,
        recorded: data.recorded,
        made_by: data.makers.iter().map(|maker| maker.as_str()).collect(),
    }
}
