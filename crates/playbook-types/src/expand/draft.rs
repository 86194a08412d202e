//! A written stage with its items put in: what is left in it are wildcards.

use indexmap::IndexSet;

use crate::expand::pattern::{Part, Pattern};
use crate::expand::text::{TextError, path_parts};
use crate::finding::{Finding, KeyPath, Mark};
use crate::model::spread::Item;
use crate::model::stage::Stage;
use crate::path::DataPath;
use crate::template::{Piece, Reference, split};

/// A stage as written, for one of its items.
#[derive(Debug)]
pub(super) struct Draft<'p> {
    pub(super) stage: &'p Stage,
    pub(super) item: Option<Item>,
    /// The name without what the item adds.
    pub(super) name: Vec<Part>,
    /// The wildcards that the name binds, in their order.
    pub(super) binds: IndexSet<String>,
    pub(super) deps: Vec<Pattern>,
    pub(super) outs: Vec<Pattern>,
    pub(super) wdir: Option<Pattern>,
}

/// Where a stage stands as written.
pub(super) fn stage_at(stage: &Stage) -> KeyPath {
    KeyPath::TOP.key("stages").key(stage.name.as_str())
}

/// Whether there is anything in a stage that does not stand for itself.
pub(super) fn is_plain(stage: &Stage) -> bool {
    let deps = stage.deps.iter().map(|dep| &dep.path);
    let paths = deps.chain(stage.outs.iter().map(|out| &out.path));
    let mut paths = paths.chain(&stage.wdir);
    stage.spread.is_none()
        && !stage.name.as_str().contains('{')
        && !paths.any(|path| path.as_str().contains('{'))
}

impl<'p> Draft<'p> {
    /// A stage that stands for itself.
    pub(super) fn plain(stage: &'p Stage) -> Self {
        Self {
            stage,
            item: None,
            name: vec![Part::Text(stage.name.to_string())],
            binds: IndexSet::new(),
            deps: stage
                .deps
                .iter()
                .map(|dep| Pattern::of_path(&dep.path))
                .collect(),
            outs: stage
                .outs
                .iter()
                .map(|out| Pattern::of_path(&out.path))
                .collect(),
            wdir: None,
        }
    }

    /// A stage for one of its items, or one without items; or what is wrong with it.
    pub(super) fn new(stage: &'p Stage, item: Option<Item>) -> Result<Self, Vec<Finding>> {
        let mut found = Vec::new();
        let at = stage_at(stage);
        let name = path_parts(stage.name.as_str(), None).unwrap_or_default();
        let binds = name.iter().filter_map(|part| match part {
            Part::Wildcard(name) => Some(name.clone()),
            Part::Text(_) => None,
        });
        let binds: IndexSet<String> = binds.collect();
        let mut read = |path: &DataPath, at: KeyPath| {
            let pattern = pattern(stage, path, item.as_ref(), &at);
            pattern.map_err(|mut wrong| found.append(&mut wrong)).ok()
        };
        let deps = stage.deps.iter().enumerate();
        let deps: Vec<_> = deps
            .filter_map(|(n, dep)| read(&dep.path, at.key("deps").index(n)))
            .collect();
        let outs = stage.outs.iter().enumerate();
        let outs: Vec<_> = outs
            .filter_map(|(n, out)| read(&out.path, at.key("outs").index(n)))
            .collect();
        let wdir = stage.wdir.as_ref().map(|path| read(path, at.key("wdir")));
        let draft = Self {
            stage,
            name,
            binds,
            deps,
            outs,
            wdir: wdir.flatten(),
            item,
        };
        if found.is_empty() {
            draft.check(&at, &mut found);
        }
        if found.is_empty() {
            Ok(draft)
        } else {
            Err(found)
        }
    }

    /// Whether it has to be known what its deps match before it is known which stages it is.
    pub(super) fn has_wildcards(&self) -> bool {
        self.deps.iter().any(|dep| !dep.names().is_empty())
    }

    /// Whether it is simply what is written.
    pub(super) fn is_plain(&self) -> bool {
        self.item.is_none() && self.binds.is_empty() && !self.has_wildcards()
    }

    /// Whether the name binds all wildcards of a pattern.
    pub(super) fn binds_all(&self, pattern: &Pattern) -> bool {
        pattern.names().iter().all(|name| self.binds.contains(name))
    }

    fn check(&self, at: &KeyPath, found: &mut Vec<Finding>) {
        let name = &self.stage.name;
        for wildcard in &self.binds {
            if !self.deps.iter().any(|dep| dep.names().contains(wildcard)) {
                let message =
                    format!("nothing says what '{{{wildcard}}}' of stage '{name}' stands for");
                let mark = Mark::Key;
                found.push(Finding::error(at.clone(), message).mark(mark).hint(format!(
                    "name it in a dep, such as raw/{{{wildcard}}}.txt: there is a stage for each path that matches"
                )));
            }
        }
        for (n, out) in self.outs.iter().enumerate() {
            let at = at.key("outs").index(n);
            if let Some(free) = out.names().iter().find(|it| !self.binds.contains(*it)) {
                let message = format!(
                    "the name of stage '{name}' does not have the '{{{free}}}' of its out {out}"
                );
                found.push(Finding::error(at, message).hint(format!(
                    "a stage makes what its own name says; put {{{free}}} in the name, and there is a stage for each"
                )));
            } else if let Some(missing) = self.binds.iter().find(|it| !out.names().contains(*it)) {
                let message = format!("every stage of '{name}' would make {out}");
                found.push(Finding::error(at, message).hint(format!(
                    "put {{{missing}}} in the path, so that each makes one of its own"
                )));
            }
        }
        if let Some(wdir) = &self.wdir
            && let Some(free) = wdir.names().iter().find(|it| !self.binds.contains(*it))
        {
            let message =
                format!("the name of stage '{name}' does not have the '{{{free}}}' of its 'wdir'");
            found.push(Finding::error(at.key("wdir"), message));
        }
    }

    /// A warning for wildcards in the command that it does not bind, although its deps have them.
    pub(super) fn unbound_in_command(&self) -> Option<Finding> {
        let free: IndexSet<&String> = self
            .deps
            .iter()
            .flat_map(Pattern::names)
            .filter(|name| !self.binds.contains(*name))
            .collect();
        let texts = self.stage.cmd.items().iter().enumerate();
        texts.filter(|_| !free.is_empty()).find_map(|(n, text)| {
            let pieces = split(text, &|name| free.contains(&name.to_owned())).ok()?;
            let source = pieces.into_iter().find_map(|piece| match piece {
                Piece::Value(it) if it.source.len() == wildcard_length(&it.reference) => {
                    Some(it.source)
                }
                _ => None,
            })?;
            let at = stage_at(self.stage).key("cmd");
            let at = match &self.stage.cmd {
                crate::model::stage::Command::Text(_) => at,
                crate::model::stage::Command::List(_) => at.index(n),
            };
            let message = format!(
                "{source} stays as it is: stage '{}' reads all paths that match, and is not one for each",
                self.stage.name
            );
            let finding = Finding::warning(at, message).mark(Mark::Text(source, 0));
            Some(finding.hint("{{ deps }} is all of them; to have a stage for each, put the wildcard in its name"))
        })
    }
}

/// How long `{name}` is.
fn wildcard_length(reference: &Reference) -> usize {
    match reference {
        Reference::Wildcard(name) => name.len() + 2,
        _ => 0,
    }
}

fn pattern(
    stage: &Stage,
    path: &DataPath,
    item: Option<&Item>,
    at: &KeyPath,
) -> Result<Pattern, Vec<Finding>> {
    let parts = path_parts(path.as_str(), item).map_err(|errors| {
        if stage.spread.is_none() && !stage.name.as_str().contains('{') {
            let finding = Finding::error(at.clone(), "templates are not supported in paths");
            return vec![finding.hint(
                "write the path out; params can be used in 'cmd', and 'matrix' or 'foreach' make stages for several values",
            )];
        }
        let wrong = |error: TextError| text_finding(at.clone(), error);
        errors.into_iter().map(wrong).collect::<Vec<_>>()
    })?;
    Pattern::new(&parts).map_err(|error| vec![Finding::error(at.clone(), error.to_string())])
}

/// A finding about a placeholder.
pub(super) fn text_finding(at: KeyPath, error: TextError) -> Finding {
    let finding = Finding::error(at, error.message).mark(Mark::Text(error.placeholder, error.nth));
    match error.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}
