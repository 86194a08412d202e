//! Where the paths come from that a pattern matches: from what stages make, or from the files there are.
//!
//! A pattern that the outs of another stage can match is about what stages make, and about nothing else: a file that an
//! earlier run left, or a stage that is gone, is none of its matches. Any other pattern is about files; what stages make
//! is not among them.

use indexmap::{IndexMap, IndexSet};

use crate::expand::draft::{Draft, stage_at};
use crate::expand::pattern::{Pattern, can_be_equal, same_shape};
use crate::finding::Finding;
use crate::graph::PathIndex;
use crate::path::DataPath;

/// One out of one draft.
pub(super) type OutId = (usize, usize);

/// Where the matches of one dep come from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Outs that it is about.
    pub(super) made: Vec<OutId>,
    /// Outs that lie in a directory it may match.
    pub(super) holding: Vec<OutId>,
    /// Paths of outs, where files do not count.
    excluded: IndexSet<String>,
    /// Outs with wildcards, likewise.
    excluded_patterns: Vec<OutId>,
}

impl Sources {
    /// Whether files count.
    pub(super) fn are_files(&self) -> bool {
        self.made.is_empty()
    }

    /// Whether a stage makes what has this path.
    pub(super) fn excludes(&self, drafts: &[Draft<'_>], path: &DataPath) -> bool {
        self.excluded.contains(path.as_str())
            || self
                .excluded_patterns
                .iter()
                .any(|(draft, out)| drafts[*draft].outs[*out].matched(path).is_some())
    }
}

/// The sources of every dep that has wildcards, and what is wrong with them.
pub(super) fn sources(
    drafts: &[Draft<'_>],
    found: &mut Vec<Finding>,
) -> IndexMap<(usize, usize), Sources> {
    let mut outs: PathIndex<OutId> = PathIndex::default();
    for (d, draft) in drafts.iter().enumerate() {
        for (k, out) in draft.outs.iter().enumerate() {
            outs.insert(&out.base(), (d, k));
        }
    }
    let mut all = IndexMap::new();
    for (d, draft) in drafts.iter().enumerate() {
        for (k, dep) in draft.deps.iter().enumerate() {
            if dep.names().is_empty() {
                continue;
            }
            let base = dep.base();
            let near = outs.holding(&base).into_iter().chain(outs.below(&base));
            let mut sources = Sources::default();
            for out in near {
                if let Err(finding) = sources.take(drafts, (d, k), out) {
                    found.push(*finding);
                }
            }
            all.insert((d, k), sources);
        }
    }
    all
}

impl Sources {
    /// Takes an out into account that is near.
    fn take(
        &mut self,
        drafts: &[Draft<'_>],
        (d, k): (usize, usize),
        out: OutId,
    ) -> Result<(), Box<Finding>> {
        let maker = &drafts[out.0];
        let made = &maker.outs[out.1];
        let dep = &drafts[d].deps[k];
        let own = maker.stage.name == drafts[d].stage.name;
        let common = made.depth().min(dep.depth());
        let both = |test: fn(&[_], &[_]) -> bool| {
            (0..common).all(|n| test(made.component(n), dep.component(n)))
        };
        if !dep.is_absolute_as(made) || !both(can_be_equal) {
            return Ok(());
        }
        let same_depth = made.depth() == dep.depth();
        if own {
            if made.depth() <= dep.depth() {
                self.exclude(made, out);
            }
        } else if same_depth || (made.depth() > dep.depth() && both(same_shape)) {
            self.made.push(out);
        } else if made.depth() > dep.depth() {
            self.holding.push(out);
        } else if both(same_shape) {
            let known = dep.prefix(common);
            if dep.names().iter().any(|name| !known.names().contains(name)) {
                return Err(Box::new(inside(drafts, (d, k), out)));
            }
            self.made.push(out);
        } else {
            self.exclude(made, out);
        }
        Ok(())
    }

    fn exclude(&mut self, made: &Pattern, out: OutId) {
        match made.filled(&IndexMap::new()) {
            Ok(path) if made.names().is_empty() => {
                self.excluded.insert(path.to_string());
            }
            _ => self.excluded_patterns.push(out),
        }
    }
}

/// The error for a pattern inside a directory that a stage makes as a whole.
fn inside(drafts: &[Draft<'_>], (d, k): (usize, usize), out: OutId) -> Finding {
    let maker = &drafts[out.0];
    let (dep, made) = (&drafts[d].deps[k], &maker.outs[out.1]);
    let at = stage_at(drafts[d].stage).key("deps").index(k);
    let message = format!(
        "{dep} lies inside {made}, which stage '{}' makes as a whole: what will be in it is not known before it ran",
        maker.stage.name
    );
    Finding::error(at, message).hint(format!(
        "name the files among the outs of '{}', or read the directory in one stage with 'parallel'",
        maker.stage.name
    ))
}

/// The drafts in an order in which each comes after those whose outs say what it is; then those that need each other.
pub(super) fn order(
    drafts: &[Draft<'_>],
    sources: &IndexMap<(usize, usize), Sources>,
) -> (Vec<usize>, Vec<usize>) {
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    for ((d, _), sources) in sources {
        let makers = sources.made.iter().chain(&sources.holding);
        needs[*d].extend(
            makers
                .map(|(maker, _)| *maker)
                .filter(|maker| drafts[*maker].has_wildcards()),
        );
    }
    let mut feeds: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    let mut open = vec![0; drafts.len()];
    for (d, needs) in needs.iter_mut().enumerate() {
        needs.sort_unstable();
        needs.dedup();
        open[d] = needs.len();
        for need in needs {
            feeds[*need].push(d);
        }
    }
    let mut order: Vec<usize> = (0..drafts.len()).filter(|d| open[*d] == 0).collect();
    let mut next = 0;
    while let Some(done) = order.get(next).copied() {
        next += 1;
        for fed in &feeds[done] {
            open[*fed] -= 1;
            if open[*fed] == 0 {
                order.push(*fed);
            }
        }
    }
    let left = (0..drafts.len()).find(|d| open[*d] > 0);
    (
        order,
        left.map_or(Vec::new(), |start| cycle(start, &needs, &open)),
    )
}

/// A way from a draft that is left back to one on the way.
fn cycle(start: usize, needs: &[Vec<usize>], open: &[usize]) -> Vec<usize> {
    let mut way: IndexSet<usize> = IndexSet::new();
    let mut here = start;
    while way.insert(here) {
        match needs[here].iter().find(|need| open[**need] > 0) {
            Some(next) => here = *next,
            None => return Vec::new(),
        }
    }
    let first = way.get_index_of(&here).unwrap_or(0);
    // Who needs comes after whom it needs.
    let mut cycle: Vec<usize> = way.into_iter().skip(first).collect();
    cycle.reverse();
    cycle
}
