//! Which stages a command is about: `train`, `train@*`, `+train`, `train+`, `out/model.bin`, `state:failed`.

use std::collections::BTreeSet;

use globset::GlobBuilder;
use playbook_types::graph::{Graph, StageId};
use playbook_types::model::playbook::Playbook;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{EntryStatus, LockFile};
use playbook_types::suggest::nearest;

use crate::error::ExecError;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// As written; none is everything.
    pub selectors: Vec<String>,
    /// Without what they need.
    pub only: bool,
}

/// The stages of a selection.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    /// Those that were named.
    pub named: BTreeSet<StageId>,
    /// Those, and all they need unless that was ruled out.
    pub stages: BTreeSet<StageId>,
    /// `state:stale` was among the selectors: what would run is meant as well as those that were named, and of the stages, which
    /// then are all, only these and what they need stay.
    pub stale: bool,
}

/// Finds the stages of a selection.
///
/// # Errors
///
/// A selector that names nothing. One by state with no match is no error: it selects nothing.
pub(super) fn select(
    playbook: &Playbook,
    graph: &Graph,
    lock: Option<&LockFile>,
    asked: &Selection,
) -> Result<Selected, ExecError> {
    let all = || (0..graph.len()).map(StageId::new).collect::<BTreeSet<_>>();
    if asked.selectors.is_empty() {
        return Ok(Selected {
            named: all(),
            stages: all(),
            stale: false,
        });
    }
    let mut named = BTreeSet::new();
    let mut stale = false;
    for selector in &asked.selectors {
        match selector.strip_prefix("state:") {
            Some("failed") => named.extend(failed(playbook, lock)),
            Some("stale") => stale = true,
            Some(_) => {
                return Err(nothing(
                    selector,
                    "the states are 'state:failed' and 'state:stale'",
                    None,
                ));
            }
            None => named.extend(by_name(playbook, graph, selector)?),
        }
    }
    let stages = if stale {
        all()
    } else if asked.only {
        named.clone()
    } else {
        graph.upstream(named.iter().copied())
    };
    Ok(Selected {
        named,
        stages,
        stale,
    })
}

fn nothing(selector: &str, what: &str, suggestion: Option<&str>) -> ExecError {
    ExecError::Selection {
        selector: selector.to_owned(),
        what: what.to_owned(),
        suggestion: suggestion.map(str::to_owned),
    }
}

fn by_name(
    playbook: &Playbook,
    graph: &Graph,
    selector: &str,
) -> Result<BTreeSet<StageId>, ExecError> {
    let (above, rest) = selector
        .strip_prefix('+')
        .map_or((false, selector), |rest| (true, rest));
    let (below, name) = rest
        .strip_suffix('+')
        .map_or((false, rest), |rest| (true, rest));
    let mut found = plain(playbook, name);
    if found.is_empty() {
        if playbook
            .expanded
            .without_stages
            .iter()
            .any(|it| it.as_str() == name)
        {
            // It was told why there is none of it.
            return Ok(found);
        }
        let stages = playbook.stages.values();
        let names = stages.flat_map(|stage| [stage.name.as_str(), stage.written().as_str()]);
        let outs = playbook
            .stages
            .values()
            .flat_map(|stage| &stage.outs)
            .map(|out| out.path.as_str());
        let without = playbook.expanded.without_stages.iter();
        let names = names.chain(without.map(StageName::as_str));
        let suggestion = nearest(name, names.chain(outs));
        let extension = std::path::Path::new(name).extension();
        let is_yaml = extension.is_some_and(|ext| ext == "yaml" || ext == "yml");
        let what = if is_yaml {
            "there is no such playbook file, and no stage makes this path"
        } else {
            "no stage has this name and none makes this path"
        };
        return Err(nothing(selector, what, suggestion));
    }
    if below {
        found = graph.downstream(found);
    }
    if above {
        found = graph.upstream(found);
    }
    Ok(found)
}

/// A stage's name, the name of stages that are written as one, a glob over names, or the path of an out.
fn plain(playbook: &Playbook, name: &str) -> BTreeSet<StageId> {
    if let Some(index) = playbook.stages.get_index_of(name) {
        return BTreeSet::from([StageId::new(index)]);
    }
    let written = playbook.stages.values().enumerate();
    let written = written.filter(|(_, stage)| stage.written().as_str() == name);
    let written: BTreeSet<StageId> = written.map(|(i, _)| StageId::new(i)).collect();
    if !written.is_empty() {
        return written;
    }
    let by_glob = GlobBuilder::new(name)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher());
    if let (true, Ok(glob)) = (name.contains(['*', '?', '[']), by_glob) {
        let names = playbook.stages.keys().enumerate();
        return names
            .filter(|(_, name)| glob.is_match(name.as_str()))
            .map(|(i, _)| StageId::new(i))
            .collect();
    }
    let Ok(path) = DataPath::parse(name) else {
        return BTreeSet::new();
    };
    let makes = |stage: &&playbook_types::model::stage::Stage| {
        stage.outs.iter().any(|out| out.path.holds(&path))
    };
    playbook
        .stages
        .values()
        .enumerate()
        .filter(|(_, stage)| makes(stage))
        .map(|(i, _)| StageId::new(i))
        .collect()
}

fn failed(playbook: &Playbook, lock: Option<&LockFile>) -> Vec<StageId> {
    let Some(lock) = lock else { return Vec::new() };
    let is_failed = |name: &StageName| {
        lock.stages
            .get(name)
            .is_some_and(|entry| matches!(entry.status, EntryStatus::Failed | EntryStatus::Running))
    };
    playbook
        .stages
        .keys()
        .enumerate()
        .filter(|(_, name)| is_failed(name))
        .map(|(i, _)| StageId::new(i))
        .collect()
}
