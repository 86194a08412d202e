//! The stages that a written name in `after` stands for.

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};

use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::StageName;

/// Stages by the texts of the wildcards they share with another.
type ByValues = IndexMap<Vec<String>, Vec<StageName>>;

/// A written stage, and wildcards that another has as well.
type Shared = (StageName, Vec<String>);

/// The stages of every written stage.
pub(super) struct Afters<'p> {
    written: &'p IndexMap<StageName, Stage>,
    stages: IndexMap<&'p StageName, Vec<&'p Stage>>,
    /// By written stage and by the wildcards that are shared with it.
    grouped: RefCell<IndexMap<Shared, Rc<ByValues>>>,
}

impl<'p> Afters<'p> {
    pub(super) fn new(playbook: &'p Playbook, written: &'p IndexMap<StageName, Stage>) -> Self {
        let mut stages: IndexMap<&StageName, Vec<&Stage>> = IndexMap::new();
        for stage in playbook.stages.values() {
            stages.entry(stage.written()).or_default().push(stage);
        }
        Self {
            written,
            stages,
            grouped: RefCell::default(),
        }
    }

    /// What a stage runs after, each with the number of the written name; `None` if that is as it is written.
    ///
    /// A written name stands for all of its stages, but where both have a wildcard of one name, only for those with the
    /// same text for it. A name that is none of a written stage is left as it is.
    pub(super) fn resolve(&self, stage: &Stage) -> Option<(Vec<StageName>, Vec<usize>)> {
        let mut after = IndexSet::with_capacity(stage.after.len());
        let mut places = Vec::with_capacity(stage.after.len());
        for (n, name) in stage.after.iter().enumerate() {
            let mut take = |name: &StageName| {
                if after.insert(name.clone()) {
                    places.push(n);
                }
            };
            if !self.written.contains_key(name) {
                take(name);
                continue;
            }
            let (grouped, key) = self.group(name, stage);
            let found = grouped.get(&key).map_or(&[] as &[StageName], Vec::as_slice);
            found.iter().for_each(take);
        }
        let after: Vec<StageName> = after.into_iter().collect();
        (after != stage.after).then_some((after, places))
    }

    /// The stages of a written one by the wildcards it shares with this stage, and what this one has for them.
    fn group(&self, name: &StageName, stage: &Stage) -> (Rc<ByValues>, Vec<String>) {
        let stages = self
            .stages
            .get(name)
            .map_or(&[] as &[&Stage], Vec::as_slice);
        let names = stages.first().map(|first| first.wildcards().keys());
        let shared = names.into_iter().flatten();
        let shared = shared.filter(|name| stage.wildcards().contains_key(*name));
        let shared: Vec<String> = shared.cloned().collect();
        let texts = |stage: &Stage| {
            let texts = shared.iter().filter_map(|name| stage.wildcards().get(name));
            texts.cloned().collect::<Vec<_>>()
        };
        let key = texts(stage);
        let mut known = self.grouped.borrow_mut();
        let grouped = known
            .entry((name.clone(), shared.clone()))
            .or_insert_with(|| {
                let mut grouped = ByValues::new();
                for stage in stages {
                    grouped
                        .entry(texts(stage))
                        .or_default()
                        .push(stage.name.clone());
                }
                Rc::new(grouped)
            });
        (Rc::clone(grouped), key)
    }
}
