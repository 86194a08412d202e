//! Taking a map apart: known fields out, unknown ones reported, values checked for their kind.

use indexmap::IndexMap;

use crate::finding::{Finding, KeyPath, Mark, Step};
use crate::language::{self, Word};
use crate::parse::node::Node;
use crate::suggest::nearest;
use crate::units::{ByteSize, parse_duration};

/// Collects findings while nodes become the model.
#[derive(Debug, Default)]
pub(super) struct Lowering {
    pub(super) found: Vec<Finding>,
}

/// A map whose fields are known, at its place.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    at: KeyPath,
    entries: &'n IndexMap<String, Node>,
    known: &'static language::Fields,
}

/// A value at its place.
#[derive(Debug, Clone)]
pub(super) struct At<'n> {
    pub(super) path: KeyPath,
    pub(super) node: &'n Node,
}

impl<'n> Fields<'n> {
    /// The field, unless it is absent.
    pub(super) fn get(&self, name: &str) -> Option<At<'n>> {
        debug_assert!(self.known.has(name), "'{name}' is in no table");
        let node = self.entries.get(name)?;
        Some(At {
            path: self.at.key(name),
            node,
        })
    }

    /// Where the map stands.
    pub(super) fn at(&self) -> &KeyPath {
        &self.at
    }
}

impl Lowering {
    /// Reports an error.
    pub(super) fn error(&mut self, at: &KeyPath, message: impl Into<String>) {
        self.found.push(Finding::error(at.clone(), message));
    }

    /// The value as a map with these fields and no others. `what` names the map in messages: `stage 'train'`.
    pub(super) fn fields<'n>(
        &mut self,
        value: &At<'n>,
        what: &str,
        known: &'static language::Fields,
    ) -> Option<Fields<'n>> {
        let Node::Map(map) = value.node else {
            self.expected(value, "a map");
            return None;
        };
        for name in map.entries.keys().filter(|name| !known.has(name)) {
            let message = format!("unknown field '{name}' in {what}");
            let suggestion = nearest(name, known.names());
            let finding = Finding::error(value.path.key(name), message).mark(Mark::Key);
            self.found.push(if suggestion.is_some() {
                finding.did_you_mean(suggestion)
            } else {
                let names: Vec<&str> = known.names().collect();
                finding.hint(format!("{what} may have: {}", names.join(", ")))
            });
        }
        Some(Fields {
            at: value.path.clone(),
            entries: &map.entries,
            known,
        })
    }

    /// The value as a map with any keys.
    pub(super) fn map<'n>(&mut self, value: &At<'n>) -> Vec<(&'n str, At<'n>)> {
        if let Node::Map(map) = value.node {
            let entry = |(key, node): (&'n String, &'n Node)| {
                (
                    key.as_str(),
                    At {
                        path: value.path.key(key),
                        node,
                    },
                )
            };
            map.entries.iter().map(entry).collect()
        } else {
            self.expected(value, "a map");
            Vec::new()
        }
    }

    /// The value as a list.
    pub(super) fn list<'n>(&mut self, value: &At<'n>) -> Vec<At<'n>> {
        if let Node::Seq(items) = value.node {
            items
                .iter()
                .enumerate()
                .map(|(i, node)| At {
                    path: value.path.index(i),
                    node,
                })
                .collect()
        } else {
            self.expected(value, "a list");
            Vec::new()
        }
    }

    /// The value as text.
    pub(super) fn text<'n>(&mut self, value: &At<'n>) -> Option<&'n str> {
        if let Node::Str(text) = value.node {
            return Some(text);
        }
        // A tag is reported once, as such.
        if !matches!(value.node, Node::Tagged(_)) {
            self.expected(value, "text");
            if let (Node::Bool(_) | Node::Int(_) | Node::Float(_), Some(finding)) =
                (value.node, self.found.last_mut())
            {
                finding.hint = Some("put it in quotes".to_owned());
            }
        }
        None
    }

    /// The value as `true` or `false`.
    pub(super) fn bool(&mut self, value: &At<'_>) -> Option<bool> {
        if let Node::Bool(value) = value.node {
            return Some(*value);
        }
        self.expected(value, "true or false");
        None
    }

    /// The value as a whole number of at least `least`.
    pub(super) fn count(&mut self, value: &At<'_>, least: u32) -> Option<u32> {
        let number = match value.node {
            Node::Int(number) => u32::try_from(*number)
                .ok()
                .filter(|number| *number >= least),
            _ => None,
        };
        if number.is_none() {
            self.expected(value, &format!("a whole number of at least {least}"));
        }
        number
    }

    /// The value as a number of at least `least`.
    pub(super) fn number(&mut self, value: &At<'_>, least: f64) -> Option<f64> {
        let number = match value.node {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a size in gigabytes, not an identity"
            )]
            Node::Int(number) => Some(*number as f64),
            Node::Float(number) => Some(*number),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite() && *number >= least);
        if number.is_none() {
            self.expected(value, &format!("a number of at least {least}"));
        }
        number
    }

    /// The value as an amount of memory or disk: a number of gigabytes.
    pub(super) fn gigabytes(&mut self, value: &At<'_>) -> Option<ByteSize> {
        let number = self.number(value, 0.0)?;
        ByteSize::from_gigabytes(number)
    }

    /// The value as a duration: a number of seconds or text such as `1h30m`.
    pub(super) fn duration(&mut self, value: &At<'_>) -> Option<std::time::Duration> {
        let text = match value.node {
            Node::Str(text) => text.clone(),
            Node::Int(number) => number.to_string(),
            Node::Float(number) => number.to_string(),
            _ => {
                self.expected(value, "a duration such as 30s or 1h30m");
                return None;
            }
        };
        parse_duration(&text)
            .map_err(|error| self.error(&value.path, error.to_string()))
            .ok()
    }

    /// The value as one of a few words.
    pub(super) fn word<T: Copy>(&mut self, value: &At<'_>, words: &[Word<T>]) -> Option<T> {
        let text = self.text(value)?;
        if let Some(found) = words.iter().find(|it| it.text == text) {
            return Some(found.meaning);
        }
        let all: Vec<&str> = words.iter().map(|it| it.text).collect();
        let finding = Finding::error(
            value.path.clone(),
            format!("'{text}' is not one of: {}", all.join(", ")),
        );
        self.found.push(finding.did_you_mean(nearest(text, all)));
        None
    }

    /// The value as whatever its text parses to.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        value: &At<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(value)?;
        parse(text)
            .map_err(|error| self.error(&value.path, error.to_string()))
            .ok()
    }

    /// Reports a value of the wrong kind.
    pub(super) fn expected(&mut self, value: &At<'_>, what: &str) {
        let found = match value.node {
            Node::Int(number) => number.to_string(),
            Node::Float(number) => number.to_string(),
            Node::Str(text) if text.len() <= 40 => format!("'{text}'"),
            other => other.kind().to_owned(),
        };
        let message = match value.path.steps().last() {
            Some(Step::Key(key)) => format!("'{key}' must be {what}, not {found}"),
            _ => format!("expected {what}, found {found}"),
        };
        self.error(&value.path, message);
    }
}
