//! Taking a map apart: known fields out, unknown ones reported, values checked for their kind.

use indexmap::IndexMap;

use crate::finding::{Finding, KeyPath, Mark, Step};
use crate::language::{self, Word, elsewhere};
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
    /// What unknown names were taken for.
    meant: Vec<&'static str>,
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

    /// Whether the field is absent, and not for want of spelling.
    pub(super) fn lacks(&self, name: &str) -> bool {
        !self.entries.contains_key(name) && !self.meant.contains(&name)
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
            self.advise(&format!("{what} may have: {}", known.list()));
            return None;
        };
        let mut meant = Vec::new();
        for name in map.entries.keys().filter(|name| !known.has(name)) {
            let message = format!("unknown field '{name}' in {what}");
            let suggestion = elsewhere::ours(name, known).or_else(|| nearest(name, known.names()));
            let finding = Finding::error(value.path.key(name), message).mark(Mark::Key);
            let hint = format!("{what} may have: {}", known.list());
            self.found.push(finding.did_you_mean_or(suggestion, hint));
            meant.extend(suggestion);
        }
        Some(Fields {
            at: value.path.clone(),
            entries: &map.entries,
            known,
            meant,
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
            if matches!(value.node, Node::Str(_) | Node::Map(_)) {
                self.advise("a list is written [ … ], or with '- ' in front of each item");
            }
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
            self.advise_quotes(value);
        }
        None
    }

    /// Says of what was found last how a scalar becomes text.
    pub(super) fn advise_quotes(&mut self, value: &At<'_>) {
        if let Node::Bool(_) | Node::Int(_) | Node::Float(_) = value.node {
            self.advise("put it in quotes");
        }
    }

    /// Text that says something.
    pub(super) fn filled<'n>(&mut self, value: &At<'n>) -> Option<&'n str> {
        let text = self.text(value)?;
        if text.trim().is_empty() {
            let message = match value.path.steps().last() {
                Some(Step::Key(key)) => format!("'{key}' is empty"),
                _ => "this is empty".to_owned(),
            };
            self.error(&value.path, message);
            return None;
        }
        Some(text)
    }

    /// The value as `true` or `false`.
    pub(super) fn bool(&mut self, value: &At<'_>) -> Option<bool> {
        if let Node::Bool(value) = value.node {
            return Some(*value);
        }
        self.expected(value, "true or false");
        if let Node::Str(text) = value.node {
            match text.to_lowercase().as_str() {
                "true" | "yes" | "on" => self.advise("write true, without quotes"),
                "false" | "no" | "off" => self.advise("write false, without quotes"),
                _ => {}
            }
        }
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
            let what = match value.node {
                Node::Int(number) if *number > i128::from(u32::MAX) => {
                    format!("a whole number of at most {}", u32::MAX)
                }
                _ => format!("a whole number of at least {least}"),
            };
            self.expected(value, &what);
            match value.node {
                Node::Float(number) if number.fract() == 0.0 && number.is_finite() => {
                    self.advise(&format!("write {number}"));
                }
                _ => self.advise_bare(value),
            }
        }
        number
    }

    /// Says of what was found last that a number in quotes is none, nor one with its unit.
    fn advise_bare(&mut self, value: &At<'_>) {
        let Node::Str(text) = value.node else { return };
        let text = text.trim();
        let number = text.strip_suffix("GB").unwrap_or(text).trim_end();
        if number.parse::<f64>().is_ok() {
            self.advise(&format!("write {number}, without quotes or a unit"));
        }
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
            self.advise_bare(value);
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
        let all: Vec<&str> = words.iter().map(|it| it.text).collect();
        let list = all.join(", ");
        let text = match value.node {
            Node::Str(text) => text.clone(),
            Node::Bool(it) => it.to_string(),
            Node::Int(it) => it.to_string(),
            Node::Tagged(_) => return None,
            _ => {
                self.expected(value, "text");
                self.advise(&format!("it is one of: {list}"));
                return None;
            }
        };
        if let Some(found) = words.iter().find(|it| it.text == text) {
            return Some(found.meaning);
        }
        let message = format!("'{text}' is not one of: {list}");
        let finding = Finding::error(value.path.clone(), message);
        self.found.push(finding.did_you_mean(nearest(&text, all)));
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
        if value.node.is_no_number() {
            // That it is none was found before; what it should be says more.
            self.found.retain(|finding| finding.at != value.path);
        }
        let found = match value.node {
            Node::Bool(value) => value.to_string(),
            Node::Int(number) => number.to_string(),
            Node::Float(number) => format!("{number:?}"),
            Node::Str(text) if text.len() <= 40 => format!("'{text}'"),
            other => other.kind().to_owned(),
        };
        let message = match value.path.steps().last() {
            Some(Step::Key(key)) => format!("'{key}' must be {what}, not {found}"),
            _ => format!("expected {what}, found {found}"),
        };
        self.error(&value.path, message);
        if matches!(value.node, Node::Null) {
            self.advise("nothing stands behind it: write a value, or take it out");
        }
    }

    /// Says what to do about what was found last, unless that has been said.
    pub(super) fn advise(&mut self, hint: &str) {
        if let Some(finding) = self.found.last_mut() {
            finding.hint.get_or_insert_with(|| hint.to_owned());
        }
    }
}
