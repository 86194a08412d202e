//! The graph as JSON: one object on one line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use playbook_exec::JobsOnRecord;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::reason::InvalidationReason;
use playbook_types::value::ParamValue;
use serde::Serialize;

use crate::render::graph::{Node, Picture, State};

/// All of it. Fields are only ever added.
#[derive(Serialize)]
struct Graph<'a> {
    schema: &'static str,
    playbook: &'a str,
    description: Option<&'a str>,
    nodes: Vec<Row<'a>>,
    edges: Vec<Edge<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    stage: &'a str,
    description: Option<&'a str>,
    gate: bool,
    /// As in `status --json`; null without states.
    decision: Option<&'static str>,
    /// The word of `status`: finer than the decision.
    state: Option<&'static str>,
    reasons: &'a [InvalidationReason],
    waits_for: &'a [StageName],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    command: &'a str,
    deps: &'a [DataPath],
    outs: &'a [DataPath],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    types: &'a BTreeMap<DataPath, String>,
    params: &'a BTreeMap<ParamKey, ParamValue>,
    last_started_at: Option<Timestamp>,
    last_duration_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<JobsOnRecord>,
}

#[derive(Serialize)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    via: &'a [DataPath],
    after: bool,
}

/// The picture as JSON.
pub(crate) fn json(picture: &Picture) -> String {
    let name = |at: usize| picture.nodes[at].stage.as_str();

    let graph = Graph {
        schema: "1.0",
        playbook: &picture.playbook,
        description: picture.description.as_deref(),
        nodes: picture.nodes.iter().map(row).collect(),
        edges: picture
            .arrows
            .iter()
            .map(|arrow| Edge {
                from: name(arrow.from),
                to: name(arrow.to),
                via: &arrow.via,
                after: arrow.after,
            })
            .collect(),
    };
    serde_json::to_string(&graph).unwrap_or_default() + "\n"
}

fn row(node: &Node) -> Row<'_> {
    let state = (node.state != State::Unknown).then(|| node.state.word());
    Row {
        stage: node.stage.as_str(),
        description: node.description.as_deref(),
        gate: node.gate,
        decision: decision(node.state),
        state,
        reasons: &node.reasons,
        waits_for: &node.waits_for,
        error: (node.state == State::Fault).then(|| node.why.first().map_or("", String::as_str)),
        command: &node.command,
        deps: &node.deps,
        outs: &node.outs,
        types: &node.types,
        params: &node.params,
        last_started_at: node.started,
        last_duration_seconds: node.seconds,
        jobs: node.jobs,
    }
}

/// What a run would decide; the states of a past run are not decisions.
fn decision(state: State) -> Option<&'static str> {
    match state {
        State::Cached | State::Frozen => Some("hit"),
        State::Run | State::Now | State::Fault => Some("miss"),
        State::Maybe => Some("maybe"),
        State::Failed
        | State::Interrupted
        | State::Skipped
        | State::Done
        | State::NotReached
        | State::Unknown => None,
    }
}
