//! The stages of a playbook, put together from what drafts turned out to be.

use indexmap::{IndexMap, IndexSet};

use crate::expand::after::Afters;
use crate::expand::draft::{Draft, stage_at, text_finding};
use crate::expand::matches::{Instance, describe};
use crate::expand::naming::fit;
use crate::expand::pattern::Part;
use crate::expand::text::{filled, path_parts};
use crate::finding::{Finding, KeyPath, Mark, Severity};
use crate::graph::PathIndex;
use crate::model::playbook::Playbook;
use crate::model::spread::{MadeOf, Spread};
use crate::model::stage::{Dep, Out, Stage};
use crate::name::StageName;

/// Puts the stages into the playbook, in the order in which they are written.
pub(super) fn assemble(
    playbook: &mut Playbook,
    written: &IndexMap<StageName, Stage>,
    (drafts, instances): (&[Draft<'_>], Vec<Vec<Instance>>),
    found: &mut Vec<Finding>,
) {
    for (draft, instances) in drafts.iter().zip(instances) {
        for instance in instances {
            let stage = match concrete(draft, instance) {
                Ok(stage) => stage,
                Err(finding) => {
                    found.push(*finding);
                    continue;
                }
            };
            match playbook.stages.get(&stage.name) {
                Some(other) => found.push(same_name(other, &stage, draft.stage.spread.as_ref())),
                None => {
                    playbook.stages.insert(stage.name.clone(), stage);
                }
            }
        }
    }
    let mut known: IndexSet<&StageName> = IndexSet::with_capacity(written.len());
    known.extend(playbook.stages.values().map(Stage::written));
    let without = written.keys().filter(|name| !known.contains(*name));
    let without: Vec<StageName> = without.cloned().collect();
    // What is made of a mistake is no warning's business.
    if !found.iter().any(|it| it.severity == Severity::Error) {
        drop_readers(playbook, written, &without, found);
    }
    let afters = Afters::new(playbook, written);
    let resolved: Vec<_> = playbook
        .stages
        .values()
        .map(|stage| afters.resolve(stage))
        .collect();
    for (stage, resolved) in playbook.stages.values_mut().zip(resolved) {
        if let Some((after, places)) = resolved {
            stage.after = after;
            made_of(stage).after = places;
        }
    }
    let known: IndexSet<&StageName> = playbook.stages.values().map(Stage::written).collect();
    let without = written.keys().filter(|name| !known.contains(*name));
    let without: Vec<StageName> = without.cloned().collect();
    let absent = without.iter().filter_map(|name| written.get(name));
    playbook.expanded.absent = absent.map(phantom).collect();
    playbook.expanded.without_stages = without;
}

/// A stage as it might be, for one of which there is none: its command is checked all the same.
fn phantom(written: &Stage) -> Stage {
    let mut stage = written.clone();
    let parts = path_parts(written.name.as_str(), None).unwrap_or_default();
    let bound = parts.into_iter().filter_map(|part| match part {
        Part::Wildcard(name) => Some((name.clone(), name)),
        Part::Text(_) => None,
    });
    made_of(&mut stage).wildcards = bound.collect();
    stage
}

fn made_of(stage: &mut Stage) -> &mut MadeOf {
    let written = stage.written().clone();
    stage.made_of.get_or_insert_with(|| {
        Box::new(MadeOf {
            written,
            wildcards: IndexMap::new(),
            item: None,
            deps: Vec::new(),
            after: Vec::new(),
        })
    })
}

/// One stage as it will run.
fn concrete(draft: &Draft<'_>, instance: Instance) -> Result<Stage, Box<Finding>> {
    let written = draft.stage;
    let at = stage_at(written);
    let Instance { values, deps, outs } = instance;
    let mut stage = written.clone();
    if draft.is_plain() {
        return Ok(stage);
    }
    stage.spread = None;
    stage.name = name(draft, &values, &at)?;
    let item = draft.item.as_ref();
    stage.deps = Vec::with_capacity(deps.len());
    let mut places = Vec::with_capacity(deps.len());
    for (n, path) in deps {
        let kind = written.deps.get(n).and_then(|dep| dep.kind.clone());
        stage.deps.push(Dep { path, kind });
        places.push(n);
    }
    if places.iter().copied().eq(0..written.deps.len()) {
        places.clear();
    }
    let as_written = written.outs.iter().zip(outs);
    stage.outs = as_written
        .map(|(out, path)| Out {
            path,
            ..out.clone()
        })
        .collect();
    if let Some(wdir) = &draft.wdir {
        let path = wdir
            .filled(&values)
            .map_err(|error| Box::new(Finding::error(at.key("wdir"), error.to_string())))?;
        stage.wdir = Some(path).filter(|path| !path.is_root());
    }
    if let Some(text) = &written.description {
        let text = filled(text, &values, item);
        let text = text.map_err(|error| text_finding(at.key("description"), error))?;
        stage.description = Some(text);
    }
    for (name, value) in &mut stage.env {
        *value = filled(value, &values, item)
            .map_err(|error| text_finding(at.key("env").key(name.as_str()), error))?;
    }
    stage.made_of = Some(Box::new(MadeOf {
        written: written.name.clone(),
        wildcards: values,
        item: draft.item.clone(),
        deps: places,
        after: Vec::new(),
    }));
    Ok(stage)
}

fn name(
    draft: &Draft<'_>,
    values: &IndexMap<String, String>,
    at: &KeyPath,
) -> Result<StageName, Box<Finding>> {
    let mut name = String::new();
    for part in &draft.name {
        match part {
            Part::Text(text) => name.push_str(text),
            Part::Wildcard(wildcard) => {
                let value = values.get(wildcard).map_or("", String::as_str);
                name.push_str(&fit(value, name.is_empty()));
            }
        }
    }
    if let Some(item) = &draft.item {
        name.push('@');
        name.push_str(&fit(&item.key, false));
    }
    StageName::parse(&name).map_err(|error| {
        let finding = Finding::error(at.clone(), error.to_string()).mark(Mark::Key);
        Box::new(finding.hint("give the stage a shorter name"))
    })
}

/// The error for two stages that would have one name.
fn same_name(first: &Stage, second: &Stage, spread: Option<&Spread>) -> Finding {
    let told = |stage: &Stage| {
        let written = stage.written();
        let of = match (stage.item(), stage.wildcards().is_empty()) {
            (Some(item), true) => format!(" for the item {}", item.value),
            (Some(item), false) => {
                format!(
                    " for {} and the item {}",
                    describe(stage.wildcards()),
                    item.value
                )
            }
            (None, false) => format!(" for {}", describe(stage.wildcards())),
            (None, true) => String::new(),
        };
        format!("'{written}'{of}")
    };
    let at = KeyPath::TOP.key("stages").key(second.written().as_str());
    let items = (first.item(), second.item());
    if let (Some(one), Some(other)) = items
        && one.value == other.value
        && first.written() == second.written()
        && first.wildcards() == second.wildcards()
    {
        let field = match spread {
            Some(Spread::Matrix(_)) => "matrix",
            _ => "foreach",
        };
        let message = format!("'{field}' has the item {} twice", one.value);
        let finding = Finding::error(at.key(field), message);
        return finding.mark(Mark::Key).hint("keep one of them");
    }
    let message = format!(
        "two stages would be called '{}': {}, and {}",
        second.name,
        told(first),
        told(second)
    );
    Finding::error(at, message).mark(Mark::Key).hint(
        match (second.item(), second.wildcards().len()) {
            (Some(_), _) => "give each item a name of its own: foreach: {name: …, other: …}",
            (None, 0 | 1) => "give one of the stages another name",
            _ => "put something between the wildcards that their texts do not have",
        },
    )
}

/// Takes out the stages that read what a stage makes of which there is none: there is nothing for them to read.
fn drop_readers(
    playbook: &mut Playbook,
    written: &IndexMap<StageName, Stage>,
    without: &[StageName],
    found: &mut Vec<Finding>,
) {
    if without.is_empty() {
        return;
    }
    let mut readers: PathIndex<(usize, usize)> = PathIndex::default();
    for (s, stage) in playbook.stages.values().enumerate() {
        for (k, dep) in stage.deps.iter().enumerate() {
            readers.insert(&dep.path, (s, k));
        }
    }
    let mut gone = vec![false; playbook.stages.len()];
    let missing = without.iter().filter_map(|name| written.get(name));
    let mut open: Vec<(&StageName, &Out)> = missing
        .flat_map(|stage| stage.outs.iter().map(move |out| (&stage.name, out)))
        .filter(|(_, out)| !out.path.as_str().contains('{'))
        .collect();
    while let Some((maker, out)) = open.pop() {
        let near = readers.holding(&out.path).into_iter();
        for (s, k) in near.chain(readers.below(&out.path)) {
            let Some((name, stage)) = playbook.stages.get_index(s).filter(|_| !gone[s]) else {
                continue;
            };
            gone[s] = true;
            let place = place_of_dep(stage, k);
            let at = KeyPath::TOP.key("stages").key(stage.written().as_str());
            let message = format!(
                "'{name}' reads {}, which '{maker}' would make, of which there is none: there is nothing to run for it",
                stage.deps[k].path
            );
            found.push(Finding::warning(at.key("deps").index(place), message).of(stage));
            open.extend(stage.outs.iter().map(|out| (name, out)));
        }
    }
    let mut gone = gone.into_iter();
    playbook.stages.retain(|_, _| !gone.next().unwrap_or(false));
}

/// Which of the written deps a dep comes from.
pub(crate) fn place_of_dep(stage: &Stage, index: usize) -> usize {
    let made_of = stage.made_of.as_ref();
    let place = made_of.and_then(|made_of| made_of.deps.get(index).copied());
    place.unwrap_or(index)
}
