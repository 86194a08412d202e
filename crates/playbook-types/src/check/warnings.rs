//! What is probably not what was meant.

use std::collections::BTreeSet;

use crate::check::{Subject, stage_path};
use crate::finding::{Finding, KeyPath, Mark};
use crate::graph::{Graph, PathIndex, StageId};
use crate::model::fanout::Strategy;
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::ParamKey;
use crate::template::{Reference, Template};
use crate::value::ParamValue;

pub(super) fn check(subject: Subject<'_>, used: &BTreeSet<ParamKey>, found: &mut Vec<Finding>) {
    // Files with params may hold those of other playbooks as well.
    for (name, value) in subject.own_params.iter() {
        unused(
            &KeyPath::TOP.key("params").key(name),
            name,
            value,
            used,
            found,
        );
    }
    for stage in subject.playbook.stages.values() {
        jobs_that_are_all_the_same(stage, found);
        let meant = stage.frozen || !stage.deterministic || stage.flight.is_some();
        if !meant && nothing_to_decide_by(stage) {
            let message = format!(
                "stage '{}' has no outs and nothing to decide by: it always runs",
                stage.name
            );
            let finding = Finding::warning(stage_path(stage), message).mark(Mark::Key);
            let finding = finding.of(stage);
            found.push(finding.hint("give it deps, outs, params or 'after'; if it is to run each time, say so: 'deterministic: false'"));
        }
    }
    unguarded(subject.playbook, found);
}

/// Stages that read what a gate checks, and do not wait for it: most likely they were meant to.
fn unguarded(playbook: &Playbook, found: &mut Vec<Finding>) {
    if !playbook.stages.values().any(|stage| stage.gate) {
        return;
    }
    let Ok(graph) = Graph::build(playbook) else {
        return;
    };
    let mut read: PathIndex<StageId> = PathIndex::default();
    for (i, stage) in playbook.stages.values().enumerate() {
        for dep in stage.deps.iter().filter(|_| !stage.gate) {
            read.insert(&dep.path, StageId::new(i));
        }
    }
    for (i, gate) in playbook.stages.values().enumerate() {
        let checked = gate.deps.iter().filter(|_| gate.gate);
        let readers: BTreeSet<StageId> = checked
            .flat_map(|dep| {
                let holding = read.holding(&dep.path);
                holding.into_iter().chain(read.below(&dep.path))
            })
            .collect();
        if readers.is_empty() {
            continue;
        }
        let own = [StageId::new(i)];
        let (above, below) = (graph.upstream(own), graph.downstream(own));
        let unguarded = readers
            .iter()
            .filter(|reader| !above.contains(reader) && !below.contains(reader));
        let mut names = unguarded.filter_map(|id| playbook.stages.get_index(id.index()));
        let Some((first, _)) = names.next() else {
            continue;
        };
        let gate_name = &gate.name;
        let message = match names.count() {
            0 => format!(
                "'{first}' reads what the gate '{gate_name}' checks, and does not wait for it"
            ),
            others => format!(
                "'{first}' and {others} more read what the gate '{gate_name}' checks, and do not wait for it"
            ),
        };
        found.push(
            Finding::warning(stage_path(gate).key("gate"), message).hint(format!(
                "name the gate in 'after: [{gate_name}]', or read its report; else a stage may run although the gate fails"
            ))
            .of(gate),
        );
    }
}

/// A command that is the same in every job is not what was meant.
fn jobs_that_are_all_the_same(stage: &Stage, found: &mut Vec<Finding>) {
    let Some(parallel) = &stage.parallel else {
        return;
    };
    let mut templates = Vec::new();
    for text in stage.cmd.items() {
        // What is malformed is told of where templates are checked.
        let Ok(template) = Template::parse_with(text, stage.wildcards()) else {
            return;
        };
        templates.push(template);
    }
    let mut all = templates.iter().flat_map(Template::references);
    if !all.any(|placeholder| placeholder.reference.names_input()) {
        let names = match parallel.strategy {
            Strategy::Chunked { .. } => "{{ inputs }} and {{ outputs }}",
            Strategy::PerFile => "{{ input }} and {{ output }}",
        };
        let message = format!(
            "every job of stage '{}' would run the same command",
            stage.name
        );
        found.push(
            Finding::warning(stage_path(stage).key("cmd"), message)
                .hint(format!("name what a job reads and makes: {names}")),
        );
    }
}

fn nothing_to_decide_by(stage: &Stage) -> bool {
    let declared = stage.outs.is_empty()
        && stage.deps.is_empty()
        && stage.params.is_empty()
        && stage.after.is_empty();
    declared && !stage.cmd.items().iter().any(|text| uses_params(text))
}

fn uses_params(text: &str) -> bool {
    Template::parse(text).is_ok_and(|template| {
        template
            .references()
            .any(|placeholder| matches!(placeholder.reference, Reference::Param(_)))
    })
}

/// A leaf nobody reaches, by its own key or by that of a map around it.
fn unused(
    at: &KeyPath,
    key: &str,
    value: &ParamValue,
    used: &BTreeSet<ParamKey>,
    found: &mut Vec<Finding>,
) {
    if used.contains(key) {
        return;
    }
    match value {
        ParamValue::Map(map) if !map.is_empty() => {
            for (name, value) in map {
                unused(&at.key(name), &format!("{key}.{name}"), value, used, found);
            }
        }
        _ => found.push(
            Finding::warning(at.clone(), format!("no stage uses the param '{key}'"))
                .mark(Mark::Key)
                .hint(format!("use it as {{{{ params.{key} }}}} in a 'cmd', name it in a stage's 'params', or remove it")),
        ),
    }
}
