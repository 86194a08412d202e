//! From a playbook as written to one of concrete stages: `matrix`, `foreach` and wildcards.
//!
//! A stage that is written once may stand for many. With `matrix` or `foreach` it is one for each item (`matrix`); with
//! wildcards in its name it is one for each path that its deps match (`matches`). Everything that looks at a playbook
//! afterwards sees stages like any others. Each keeps what it was made of ([`MadeOf`](crate::model::spread::MadeOf)), so
//! that findings point to what is written, and a command can use what it is for.
//!
//! Nothing here looks at a disk: what files there are is told by [`Files`]. The order in which they are told makes no
//! difference.

mod after;
mod assemble;
mod draft;
mod files;
mod matches;
mod matrix;
mod naming;
mod pattern;
mod sources;
mod text;

pub use files::{Files, ListedFiles, Name, NoFiles};

pub(crate) use assemble::place_of_dep;

use indexmap::IndexMap;

use crate::expand::assemble::assemble;
use crate::expand::draft::{Draft, is_plain, stage_at};
use crate::expand::matches::Matching;
use crate::finding::{Finding, Mark, Severity};
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::StageName;
use crate::path::DataPath;

/// No playbook has more stages.
const MOST: usize = 1_000_000;

/// Files that note which directories were asked for.
#[derive(Debug)]
pub struct Asked<F> {
    files: F,
    /// The directories, each once.
    pub directories: indexmap::IndexSet<DataPath>,
}

impl<F: Files> Asked<F> {
    /// Asks these files.
    pub fn new(files: F) -> Self {
        Self {
            files,
            directories: indexmap::IndexSet::new(),
        }
    }
}

impl<F: Files> Files for Asked<F> {
    fn names(&mut self, directory: &DataPath) -> Result<Option<&[Name]>, String> {
        self.directories.insert(directory.clone());
        self.files.names(directory)
    }
}

/// Whether a playbook as written has anything in it that stands for something else.
pub fn needs_expanding(playbook: &Playbook) -> bool {
    playbook.stages.values().any(|stage| !is_plain(stage))
}

/// Makes of every stage of a playbook as written those it stands for. Stages that something is wrong with are left out,
/// and what is wrong is returned, with what is worth a warning. Where not all params are known, it is no mistake to name
/// another.
pub fn expand(
    mut playbook: Playbook,
    params_known: bool,
    files: &mut dyn Files,
) -> (Playbook, Vec<Finding>) {
    if !needs_expanding(&playbook) {
        return (playbook, Vec::new());
    }
    let written: IndexMap<StageName, Stage> = std::mem::take(&mut playbook.stages);
    let mut found = Vec::new();
    let mut drafts = Vec::with_capacity(written.len());
    for stage in written.values() {
        let before = found.len();
        drafts_of(stage, &mut playbook, &mut drafts, &mut found);
        if stage.spread.is_some() && !params_known {
            found.truncate(before);
        }
    }
    let sources = sources::sources(&drafts, &mut found);
    let (order, cycle) = sources::order(&drafts, &sources);
    if let Some(first) = cycle.first() {
        let names = cycle.iter().chain([first]);
        let names: Vec<&str> = names.map(|d| drafts[*d].stage.name.as_str()).collect();
        let message = format!(
            "which stages these are depends on each other: {}",
            names.join(" → ")
        );
        found.push(
            Finding::error(stage_at(drafts[*first].stage), message)
                .mark(Mark::Key)
                .hint("what one makes could be what the next reads; keep what is read and what is made in directories of their own, or give them different endings"),
        );
    }
    let is_wrong = |finding: &Finding| finding.severity == Severity::Error;
    let mut matching = Matching {
        drafts: &drafts,
        sources: &sources,
        instances: vec![Vec::new(); drafts.len()],
        files,
        found: &mut found,
    };
    // What is made of a mistake tells nothing.
    if !matching.found.iter().any(is_wrong) {
        let (known, open): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|d| !drafts[*d].has_wildcards());
        known
            .into_iter()
            .chain(open)
            .for_each(|d| matching.expand(d));
    }
    let instances = matching.instances;
    assemble(&mut playbook, &written, (&drafts, instances), &mut found);
    (playbook, found)
}

/// The drafts of a written stage: one, or one for each of its items.
fn drafts_of<'p>(
    stage: &'p Stage,
    playbook: &mut Playbook,
    drafts: &mut Vec<Draft<'p>>,
    found: &mut Vec<Finding>,
) {
    if is_plain(stage) {
        drafts.push(Draft::plain(stage));
        return;
    }
    let mut take = |draft: Result<Draft<'p>, Vec<Finding>>| match draft {
        Ok(draft) => {
            found.extend(draft.unbound_in_command());
            drafts.push(draft);
        }
        // What is wrong for each item is told once.
        Err(wrong) => {
            for finding in wrong {
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
    };
    let Some(spread) = &stage.spread else {
        take(Draft::new(stage, None));
        return;
    };
    let at = stage_at(stage);
    let used = &mut playbook.expanded.params;
    match matrix::items(spread, &playbook.params, &at, used) {
        Ok(items) if items.is_empty() => {
            let message = format!(
                "there is nothing to run for '{}': it goes over nothing",
                stage.name
            );
            found.push(Finding::warning(at, message).mark(Mark::Key));
        }
        Ok(items) => items
            .into_iter()
            .for_each(|item| take(Draft::new(stage, Some(item)))),
        Err(finding) => found.push(*finding),
    }
}
