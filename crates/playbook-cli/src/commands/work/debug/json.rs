//! What there is to tell of a stage, for programs.

use indexmap::IndexMap;
use playbook_types::digest::Digest;
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
