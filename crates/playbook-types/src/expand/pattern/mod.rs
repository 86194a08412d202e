//! Paths with wildcards: what they match, what they stand for, and which two of them can mean one path.
//!
//! A wildcard matches one character or more, but no `/`, and does not begin with a dot. Where a path can be matched in
//! several ways, the wildcard that comes first is as short as it can be, then the second. A wildcard that stands in a
//! pattern twice matches the same text twice.

mod overlap;
mod search;
#[cfg(test)]
mod tests;

use indexmap::{IndexMap, IndexSet};

use crate::expand::pattern::search::{Piece, Search};
use crate::path::{DataPath, PathError};

pub(crate) use overlap::{can_be_equal, same_shape};

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text that stands for itself.
    Text(String),
    /// The wildcard of that name.
    Wildcard(String),
}

/// A path with wildcards in it, or none, in the normal form of a [`DataPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// It begins with `/`.
    absolute: bool,
    /// Between the slashes; the root has none. No two texts stand in a row.
    components: Vec<Vec<Part>>,
    /// Each wildcard once, in the order they come.
    names: IndexSet<String>,
}

impl Pattern {
    /// Puts a pattern in its normal form.
    ///
    /// # Errors
    ///
    /// As [`DataPath::parse`].
    pub(crate) fn new(parts: &[Part]) -> Result<Self, PathError> {
        let sample = parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Wildcard(_) => "x",
        });
        let sample = DataPath::parse(&sample.collect::<String>())?;
        let mut components: Vec<Vec<Part>> = vec![Vec::new()];
        for part in parts {
            match part {
                Part::Text(text) => {
                    for (n, text) in text.split('/').enumerate() {
                        if n > 0 {
                            components.push(Vec::new());
                        }
                        push_text(components.last_mut(), text);
                    }
                }
                Part::Wildcard(_) => {
                    if let Some(component) = components.last_mut() {
                        component.push(part.clone());
                    }
                }
            }
        }
        components.retain(|component| {
            !component.is_empty() && !matches!(&component[..], [Part::Text(text)] if text == ".")
        });
        let names = parts.iter().filter_map(|part| match part {
            Part::Wildcard(name) => Some(name.clone()),
            Part::Text(_) => None,
        });
        Ok(Self {
            absolute: sample.is_absolute(),
            components,
            names: names.collect(),
        })
    }

    /// A path without wildcards.
    pub(crate) fn of_path(path: &DataPath) -> Self {
        let text = |text: &str| vec![Part::Text(text.to_owned())];
        Self {
            absolute: path.is_absolute(),
            components: path.components().map(text).collect(),
            names: IndexSet::new(),
        }
    }

    /// Its wildcards, each once, in the order they come.
    pub(crate) fn names(&self) -> &IndexSet<String> {
        &self.names
    }

    /// How many components it has.
    pub(crate) fn depth(&self) -> usize {
        self.components.len()
    }

    /// Whether both begin with `/`, or neither does.
    pub(crate) fn is_absolute_as(&self, other: &Self) -> bool {
        self.absolute == other.absolute
    }

    /// How many components stand before the first with a wildcard.
    pub(crate) fn literal_depth(&self) -> usize {
        let is_text = |component: &&Vec<Part>| matches!(&component[..], [Part::Text(_)]);
        self.components.iter().take_while(is_text).count()
    }

    /// The path of those.
    pub(crate) fn base(&self) -> DataPath {
        let first = self.literal_depth();
        let front = self.prefix(first).filled(&IndexMap::new());
        // What was in its normal form is so in part.
        front.unwrap_or_else(|_| DataPath::verbatim("."))
    }

    /// Its first components.
    pub(crate) fn prefix(&self, depth: usize) -> Self {
        let components = self.components.iter().take(depth);
        let components: Vec<Vec<Part>> = components.cloned().collect();
        let wildcard = |part: &Part| match part {
            Part::Wildcard(name) => Some(name.clone()),
            Part::Text(_) => None,
        };
        Self {
            absolute: self.absolute,
            names: components.iter().flatten().filter_map(wildcard).collect(),
            components,
        }
    }

    /// One of its components.
    pub(crate) fn component(&self, index: usize) -> &[Part] {
        self.components.get(index).map_or(&[], Vec::as_slice)
    }

    /// The path, with texts for its wildcards; one without stays as it is.
    ///
    /// # Errors
    ///
    /// None for texts that it matched.
    pub(crate) fn filled(&self, values: &IndexMap<String, String>) -> Result<DataPath, PathError> {
        let mut text = String::new();
        if self.absolute {
            text.push('/');
        }
        for (n, component) in self.components.iter().enumerate() {
            if n > 0 {
                text.push('/');
            }
            for part in component {
                match part {
                    Part::Text(own) => text.push_str(own),
                    Part::Wildcard(name) => {
                        let value = values.get(name).cloned();
                        text.push_str(&value.unwrap_or_else(|| format!("{{{name}}}")));
                    }
                }
            }
        }
        DataPath::parse(if text.is_empty() { "." } else { &text })
    }

    /// What its wildcards stand for in a path, in their order; `None` if it does not match.
    pub(crate) fn matched(&self, path: &DataPath) -> Option<Vec<String>> {
        if path.is_absolute() != self.absolute || path.components().count() != self.depth() {
            return None;
        }
        let mut parts: Vec<Piece<'_>> = Vec::new();
        for (n, component) in self.components.iter().enumerate() {
            if n > 0 || self.absolute {
                parts.push(Piece::Text("/"));
            }
            parts.extend(self.pieces(component));
        }
        // The root has no components, and a text that is none of a path.
        let text = if self.depth() == 0 { "" } else { path.as_str() };
        let mut search = Search::new(&parts, text, self.names.len());
        search
            .run(0, 0)
            .then(|| search.values.iter().flatten().map(ToString::to_string))
            .map(Iterator::collect)
    }

    /// Whether a component of it matches a name, as far as that can be told from the one component.
    pub(crate) fn component_matches(&self, index: usize, name: &str) -> bool {
        let pieces: Vec<Piece<'_>> = self.pieces(self.component(index)).collect();
        Search::new(&pieces, name, self.names.len()).run(0, 0)
    }

    fn pieces<'p>(&'p self, component: &'p [Part]) -> impl Iterator<Item = Piece<'p>> {
        component.iter().map(|part| match part {
            Part::Text(text) => Piece::Text(text),
            Part::Wildcard(name) => Piece::Wildcard(self.names.get_index_of(name).unwrap_or(0)),
        })
    }
}

/// The pattern as a person wrote it, more or less.
impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.filled(&IndexMap::new()) {
            Ok(path) => path.fmt(f),
            Err(_) => f.write_str("."),
        }
    }
}

fn push_text(component: Option<&mut Vec<Part>>, text: &str) {
    match component {
        Some(component) if !text.is_empty() => match component.last_mut() {
            Some(Part::Text(before)) => before.push_str(text),
            _ => component.push(Part::Text(text.to_owned())),
        },
        _ => {}
    }
}
