//! What the patterns of one draft match, and which stages that makes.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::expand::MOST;
use crate::expand::draft::{Draft, stage_at};
use crate::expand::files::{Files, search};
use crate::expand::pattern::Pattern;
use crate::expand::sources::{OutId, Sources};
use crate::finding::{Finding, Mark};
use crate::path::DataPath;

/// One of the stages that a draft is.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// What its wildcards stand for.
    pub(super) values: IndexMap<String, String>,
    /// What it reads, each with the number of the written dep.
    pub(super) deps: Vec<(usize, DataPath)>,
    pub(super) outs: Vec<DataPath>,
}

/// What is known while drafts are taken one after the other.
pub(super) struct Matching<'m, 'p> {
    pub(super) drafts: &'m [Draft<'p>],
    pub(super) sources: &'m IndexMap<(usize, usize), Sources>,
    /// By draft: the stages it is, once that is known.
    pub(super) instances: Vec<Vec<Instance>>,
    pub(super) files: &'m mut dyn Files,
    pub(super) found: &'m mut Vec<Finding>,
}

/// The paths that one dep matches, by path, each with what the wildcards stand for.
type Matches = BTreeMap<DataPath, Vec<String>>;

/// Texts for the wildcards a name binds; all rows have the same ones.
type Rows = Vec<Vec<Option<String>>>;

impl Matching<'_, '_> {
    /// Finds out which stages a draft is.
    pub(super) fn expand(&mut self, d: usize) {
        let draft = &self.drafts[d];
        if !draft.has_wildcards() {
            self.instances[d] = instance(draft, IndexMap::new(), &[]).into_iter().collect();
            return;
        }
        let mut matches: Vec<Option<Matches>> = Vec::with_capacity(draft.deps.len());
        for (k, dep) in draft.deps.iter().enumerate() {
            if dep.names().is_empty() {
                matches.push(None);
                continue;
            }
            match self.matches((d, k), dep) {
                Ok(found) => matches.push(Some(found)),
                Err(message) => {
                    let at = stage_at(draft.stage).key("deps").index(k);
                    self.found.push(Finding::error(at, message));
                    return;
                }
            }
        }
        let Some(rows) = self.rows(d, &matches) else {
            return;
        };
        let collected: Vec<Option<Collected>> = draft
            .deps
            .iter()
            .zip(matches)
            .map(|(dep, found)| {
                let free = !draft.binds_all(dep);
                found
                    .filter(|_| free)
                    .map(|found| Collected::new(draft, dep, found))
            })
            .collect();
        let mut instances = Vec::with_capacity(rows.len());
        let mut without: Option<(usize, usize, String)> = None;
        for row in &rows {
            let values = draft
                .binds
                .iter()
                .cloned()
                .zip(row.iter().flatten().cloned());
            let values: IndexMap<String, String> = values.collect();
            let empty = collected
                .iter()
                .position(|it| it.as_ref().is_some_and(|it| it.of(&values).is_empty()));
            if let Some(k) = empty {
                let first = without.get_or_insert_with(|| (k, 0, describe(&values)));
                first.1 += 1;
                continue;
            }
            instances.extend(instance(draft, values, &collected));
        }
        if let Some((k, count, first)) = without {
            self.nothing(d, k, (count, &first), instances.is_empty());
        }
        self.instances[d] = instances;
    }

    fn matches(&mut self, (d, k): (usize, usize), dep: &Pattern) -> Result<Matches, String> {
        let drafts = self.drafts;
        let mut all = Matches::new();
        let Some(sources) = self.sources.get(&(d, k)) else {
            return Ok(all);
        };
        for out in sources.made.iter().chain(&sources.holding) {
            self.planned(dep, *out, &mut all);
        }
        if !sources.are_files() {
            return Ok(all);
        }
        let found = search(dep, self.files, &|path| sources.excludes(drafts, path))?;
        for path in found.paths {
            if let Some(values) = dep.matched(&path) {
                all.insert(path, values);
            }
        }
        if let Some(first) = found.not_text.first() {
            let at = stage_at(drafts[d].stage).key("deps").index(k);
            let more = match found.not_text.len() - 1 {
                0 => String::new(),
                more => format!(", as well as {more} more"),
            };
            let message = format!(
                "{first} is left out{more}: its name is not UTF-8, and no path of a playbook"
            );
            self.found
                .push(Finding::warning(at, message).hint("rename it"));
        }
        Ok(all)
    }

    /// The matches among what stages make of one out.
    fn planned(&self, dep: &Pattern, (maker, out): OutId, all: &mut Matches) {
        let made = self.instances[maker].iter();
        for path in made.filter_map(|instance| instance.outs.get(out)) {
            let depth = path.components().count();
            if depth < dep.depth() {
                let known = dep.prefix(depth);
                let Some(values) = known.matched(path) else {
                    continue;
                };
                let by_name = known.names().iter().cloned().zip(values.iter().cloned());
                if let Ok(path) = dep.filled(&by_name.collect()) {
                    all.insert(path, values);
                }
            } else if let Some(path) = front(path, dep.depth())
                && let Some(values) = dep.matched(&path)
            {
                all.insert(path, values);
            }
        }
    }

    /// The texts that the wildcards of the name stand for, one row for each stage.
    fn rows(&mut self, d: usize, matches: &[Option<Matches>]) -> Option<Rows> {
        let draft = &self.drafts[d];
        let mut rows: Rows = vec![vec![None; draft.binds.len()]];
        let made = |k: &usize| !self.sources.get(&(d, *k)).is_none_or(Sources::are_files);
        let mut order: Vec<usize> = (0..matches.len())
            .filter(|k| matches[*k].is_some())
            .collect();
        // What stages make says most about which there are; what collects says least.
        order.sort_by_key(|k| (!draft.binds_all(&draft.deps[*k]), !made(k)));
        for k in order {
            let (dep, Some(found)) = (&draft.deps[k], &matches[k]) else {
                continue;
            };
            let bound: Vec<usize> = dep
                .names()
                .iter()
                .filter_map(|name| draft.binds.get_index_of(name))
                .collect();
            let known = |n: &usize| rows.first().is_some_and(|row| row[*n].is_some());
            let settled = bound.iter().all(known) || rows.is_empty();
            let collects = !draft.binds_all(dep);
            if !bound.is_empty() && !(settled && (collects || !made(&k))) {
                let names = dep.names();
                let places: Vec<usize> = bound
                    .iter()
                    .filter_map(|n| names.get_index_of(draft.binds.get_index(*n)?))
                    .collect();
                let projected = found
                    .values()
                    .map(|values| places.iter().map(|place| values[*place].clone()).collect());
                let projected: BTreeSet<Vec<String>> = projected.collect();
                let joined = join(&rows, &bound, &projected);
                let Some((next, lost)) = joined else {
                    let at = stage_at(draft.stage);
                    let message = format!(
                        "stage '{}' would be more than {MOST} stages",
                        draft.stage.name
                    );
                    self.found.push(Finding::error(at, message).mark(Mark::Key));
                    return None;
                };
                if !next.is_empty() && lost > 0 {
                    let at = stage_at(draft.stage).key("deps").index(k);
                    let message = format!(
                        "what {dep} matches and what the other deps of '{}' match differ in {lost} {}: there is no stage for what is in one alone",
                        draft.stage.name,
                        if lost == 1 { "case" } else { "cases" }
                    );
                    self.found.push(Finding::warning(at, message));
                }
                if next.is_empty() && !found.is_empty() {
                    let at = stage_at(draft.stage).key("deps").index(k);
                    let message = format!(
                        "nothing that {dep} matches goes with what the other deps match: there is nothing to run for '{}'",
                        draft.stage.name
                    );
                    self.found.push(Finding::warning(at, message));
                    return None;
                }
                rows = next;
            }
            if found.is_empty() && (collects || rows.is_empty()) {
                self.nothing(d, k, (0, ""), true);
                return None;
            }
        }
        rows.sort_unstable();
        Some(rows)
    }

    /// A warning that there is nothing to run, or not for some.
    fn nothing(&mut self, d: usize, k: usize, (count, first): (usize, &str), at_all: bool) {
        let draft = &self.drafts[d];
        let (dep, name) = (&draft.deps[k], &draft.stage.name);
        let message = match (at_all, count) {
            (true, _) => format!("nothing matches {dep}: there is nothing to run for '{name}'"),
            (false, 1) => {
                format!("nothing matches {dep} for {first}: there is no stage of '{name}' for it")
            }
            (false, more) => format!(
                "nothing matches {dep} for {first} and {} more: there is no stage of '{name}' for them",
                more - 1
            ),
        };
        let at = stage_at(draft.stage).key("deps").index(k);
        let finding = Finding::warning(at, message);
        let maker = self.sources.get(&(d, k)).and_then(|it| it.made.first());
        self.found.push(match maker {
            Some((maker, out)) => {
                let maker = &self.drafts[*maker];
                finding.hint(format!(
                    "only what stages make counts, since '{}' makes {}; files that are there for another reason do not",
                    maker.stage.name, maker.outs[*out]
                ))
            }
            None => finding,
        });
    }
}

/// What a dep collects, by what the wildcards stand for that the name binds.
struct Collected {
    names: Vec<String>,
    paths: IndexMap<Vec<String>, Vec<DataPath>>,
}

impl Collected {
    fn new(draft: &Draft<'_>, dep: &Pattern, found: Matches) -> Self {
        let bound = dep.names().iter().enumerate();
        let bound: Vec<(usize, &String)> = bound
            .filter(|(_, name)| draft.binds.contains(*name))
            .collect();
        let mut paths: IndexMap<Vec<String>, Vec<DataPath>> = IndexMap::new();
        for (path, values) in found {
            let key = bound.iter().map(|(place, _)| values[*place].clone());
            paths.entry(key.collect()).or_default().push(path);
        }
        Self {
            names: bound.into_iter().map(|(_, name)| name.clone()).collect(),
            paths,
        }
    }

    fn of(&self, values: &IndexMap<String, String>) -> &[DataPath] {
        let key = self
            .names
            .iter()
            .filter_map(|name| values.get(name).cloned());
        self.paths
            .get(&key.collect::<Vec<_>>())
            .map_or(&[], Vec::as_slice)
    }
}

/// One stage of a draft. Nothing that was matched makes a path that is none.
fn instance(
    draft: &Draft<'_>,
    values: IndexMap<String, String>,
    collected: &[Option<Collected>],
) -> Option<Instance> {
    let mut deps = Vec::with_capacity(draft.deps.len());
    for (k, dep) in draft.deps.iter().enumerate() {
        match collected.get(k) {
            Some(Some(collected)) => {
                deps.extend(collected.of(&values).iter().map(|path| (k, path.clone())));
            }
            _ => deps.push((k, dep.filled(&values).ok()?)),
        }
    }
    if draft.has_wildcards() {
        let mut seen = BTreeSet::new();
        deps.retain(|(_, path)| seen.insert(path.clone()));
    }
    let outs = draft.outs.iter().map(|out| out.filled(&values).ok());
    Some(Instance {
        outs: outs.collect::<Option<_>>()?,
        deps,
        values,
    })
}

/// Each row with each of the projected ones that says the same; and how many of both had no counterpart. `None` if
/// they are too many.
fn join(rows: &Rows, bound: &[usize], projected: &BTreeSet<Vec<String>>) -> Option<(Rows, usize)> {
    let first = rows.first()?;
    let shared: Vec<usize> = (0..bound.len())
        .filter(|n| first[bound[*n]].is_some())
        .collect();
    let mut by_shared: IndexMap<Vec<&String>, (bool, Vec<&Vec<String>>)> = IndexMap::new();
    for values in projected {
        let key = shared.iter().map(|n| &values[*n]).collect();
        by_shared.entry(key).or_default().1.push(values);
    }
    let mut joined = Rows::new();
    let mut lost = 0;
    for row in rows {
        let key: Vec<&String> = shared
            .iter()
            .filter_map(|n| row[bound[*n]].as_ref())
            .collect();
        let Some((met, partners)) = by_shared.get_mut(&key) else {
            lost += 1;
            continue;
        };
        *met = true;
        if joined.len() + partners.len() > MOST {
            return None;
        }
        for values in partners.iter() {
            let mut row = row.clone();
            for (n, value) in bound.iter().zip(values.iter()) {
                row[*n] = Some(value.clone());
            }
            joined.push(row);
        }
    }
    lost += by_shared
        .values()
        .filter(|(met, _)| !met)
        .map(|(_, values)| values.len())
        .sum::<usize>();
    Some((joined, lost))
}

/// The first components of a path.
fn front(path: &DataPath, depth: usize) -> Option<DataPath> {
    let components: Vec<&str> = path.components().take(depth).collect();
    let text = components.join("/");
    DataPath::parse(&if path.is_absolute() {
        format!("/{text}")
    } else {
        text
    })
    .ok()
}

/// `{sample} = a, {lane} = 1`
pub(super) fn describe(values: &IndexMap<String, String>) -> String {
    let shown = values
        .iter()
        .map(|(name, value)| format!("{{{name}}} = {value}"));
    shown.collect::<Vec<_>>().join(", ")
}
