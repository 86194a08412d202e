//! Files with nothing but params, in YAML, TOML or JSON.
//!
//! Each format is read into the same plain nodes as a playbook, so the same values are refused in all of them, and has
//! its own way to tell where each value stands.

mod json;
mod toml;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::finding::{Finding, KeyPath, Mark, Origin};
use crate::model::params::Params;
use crate::name::ParamKey;
use crate::parse::fields::{At, Lowering};
use crate::parse::locate::{Spots, foreign_tags, in_order, place, spots, value_texts};
use crate::parse::node::Node;
use crate::parse::numbers::{canonical_warning, number_params};
use crate::parse::text::{conflict, syntax, without_mark};
use crate::span::LineIndex;
use crate::suggest::nearest;
use crate::value::ParamValue;

/// What a params file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamsFormat {
    /// `.yaml` or `.yml`
    Yaml,
    /// `.toml`
    Toml,
    /// `.json`
    Json,
}

impl ParamsFormat {
    /// That of the file at a path, by its extension.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        let is = |word: &str| extension.eq_ignore_ascii_case(word);
        match () {
            () if is("yaml") || is("yml") => Some(Self::Yaml),
            () if is("toml") => Some(Self::Toml),
            () if is("json") => Some(Self::Json),
            () => None,
        }
    }
}

impl fmt::Display for ParamsFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
        })
    }
}

/// A file with params that was read, and what is wrong with it.
#[derive(Debug)]
pub struct ParamsFile {
    format: ParamsFormat,
    origin: Origin,
    text: String,
    params: Params,
    found: Vec<Finding>,
}

impl ParamsFile {
    /// Reads what stands in a params file. One that is empty, or has only comments in it, has no params.
    pub fn parse(bytes: &[u8], format: ParamsFormat, origin: Origin) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut file = Self {
            format,
            origin,
            text: without_mark(&text).to_owned(),
            params: Params::default(),
            found: Vec::new(),
        };
        if let Err(error) = str::from_utf8(bytes) {
            let mut finding = Finding::error(KeyPath::TOP, "a params file must be UTF-8 text")
                .hint("save it as UTF-8")
                .origin(file.origin.clone());
            let mark = text.len() - file.text.len();
            let at = error.valid_up_to() - mark;
            finding.place = Some(LineIndex::new(&file.text).place(at..at + 1));
            file.found.push(finding);
            return file;
        }
        let mut lowering = Lowering::default();
        match file.node() {
            Ok(Node::Null) if format == ParamsFormat::Yaml => {}
            Ok(Node::Map(map)) => {
                let node = Node::Map(map);
                node.oddities(&KeyPath::TOP, &mut lowering.found);
                if format == ParamsFormat::Yaml {
                    lowering.found.extend(foreign_tags(&file.text));
                }
                let path = KeyPath::TOP;
                file.params = lowering.params(&At { path, node: &node });
            }
            Ok(other) => {
                let message = format!(
                    "a params file is a map of names to values, not {}",
                    other.kind()
                );
                lowering.error(&KeyPath::TOP, message);
            }
            Err(found) => match conflict(&file.text) {
                Some(conflict) => lowering.found.push(conflict),
                None => lowering.found.extend(found),
            },
        }
        file.found = file.placed(lowering.found);
        file
    }

    /// Its params; without those that could not be read.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Everything that is wrong with it.
    pub fn findings(&self) -> &[Finding] {
        &self.found
    }

    /// Warns of numbers that are written in another way than a stage is given them.
    pub(super) fn odd_numbers(&self, used: &BTreeSet<ParamKey>, params: &Params) -> Vec<Finding> {
        let stands = |at: &KeyPath, canonical: &str| {
            let whole = KeyPath::from_steps(keys(at));
            let key = ParamKey::parse(&whole.to_string()).ok();
            key.is_some_and(|key| {
                // What lies over it says something else.
                let same = self.params.get(&key) == params.get(&key);
                !canonical.is_empty() && same && is_used(key.as_str(), used)
            })
        };
        let mut numbers = number_params(&KeyPath::TOP, &self.params);
        numbers.retain(|(at, canonical)| stands(at, canonical));
        if numbers.is_empty() {
            return Vec::new();
        }
        let spots = self.spots();
        let texts = value_texts(&self.text, &spots, numbers.iter().map(|(at, _)| at));
        let mut found = Vec::new();
        for ((at, canonical), written) in numbers.into_iter().zip(texts) {
            let plain = |text: &str| match self.format {
                // 1_000 is how TOML writes 1000.
                ParamsFormat::Toml => text.replace('_', ""),
                ParamsFormat::Yaml | ParamsFormat::Json => text.to_owned(),
            };
            if let Some(written) = written
                && plain(written) != canonical
                && !written.starts_with(['*', '&'])
            {
                found.push(canonical_warning(at, written, &canonical));
            }
        }
        self.placed(found)
    }

    /// Warns of names that neither the playbook nor a stage of it knows: they may be misspelt.
    pub(super) fn unknown_names(
        &self,
        declared: &Params,
        used: &BTreeSet<ParamKey>,
    ) -> Vec<Finding> {
        let mut unknown = Vec::new();
        for (name, value) in self.params.iter() {
            walk(&KeyPath::TOP.key(name), value, &mut |at| {
                let Ok(key) = ParamKey::parse(&at.to_string()) else {
                    return false;
                };
                let known = declared.get(&key).is_some();
                if !known && !is_used(key.as_str(), used) {
                    unknown.push((at.clone(), key));
                }
                known
            });
        }
        let names = declared.keys();
        let finding = |(at, key): (KeyPath, ParamKey)| {
            let suggestion = nearest(key.as_str(), names.iter().map(String::as_str));
            let message = format!("the playbook has no param '{key}': this changes nothing");
            Finding::warning(at, message)
                .mark(Mark::Key)
                .did_you_mean(suggestion)
        };
        self.placed(unknown.into_iter().map(finding).collect())
    }

    fn node(&self) -> Result<Node, Vec<Finding>> {
        match self.format {
            ParamsFormat::Yaml if is_blank(&self.text) => Ok(Node::Null),
            ParamsFormat::Yaml => serde_yaml_ng::from_str(&self.text)
                .map_err(|error| vec![syntax(&self.text, &error)]),
            ParamsFormat::Toml => toml::read(&self.text).map(|(node, _)| node),
            ParamsFormat::Json => json::read(&self.text).map(|(node, _)| node),
        }
    }

    fn spots(&self) -> Spots {
        match self.format {
            ParamsFormat::Yaml => spots(&self.text),
            ParamsFormat::Toml => toml::read(&self.text)
                .map(|(_, spots)| spots)
                .unwrap_or_default(),
            ParamsFormat::Json => json::read(&self.text)
                .map(|(_, spots)| spots)
                .unwrap_or_default(),
        }
    }

    /// Findings about this file, each with its place.
    fn placed(&self, mut found: Vec<Finding>) -> Vec<Finding> {
        for finding in &mut found {
            finding.origin = self.origin.clone();
        }
        if found.iter().any(|finding| finding.place.is_none()) {
            place(&self.text, &self.spots(), found.iter_mut());
        }
        in_order(&mut found);
        found
    }
}

/// Whether there are only empty lines and comments in a text, which YAML calls no document at all.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

/// The steps into maps, as far as the first into a list.
fn keys(at: &KeyPath) -> Vec<crate::finding::Step> {
    let into_map = |step: &&crate::finding::Step| matches!(step, crate::finding::Step::Key(_));
    at.steps().iter().take_while(into_map).cloned().collect()
}

/// Shows each value, outer ones first, and those in it if `see` says so.
fn walk(at: &KeyPath, value: &ParamValue, see: &mut impl FnMut(&KeyPath) -> bool) {
    if see(at)
        && let ParamValue::Map(map) = value
    {
        for (name, value) in map {
            walk(&at.key(name), value, see);
        }
    }
}

/// Whether a stage uses this param, one around it or one in it.
fn is_used(key: &str, used: &BTreeSet<ParamKey>) -> bool {
    let holds = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    used.iter()
        .any(|used| holds(used.as_str(), key) || holds(key, used.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_shown_without_the_mark_before_it() {
        let bytes = b"\xef\xbb\xbfa: 1\nb: \xe1\n";
        let file = ParamsFile::parse(bytes, ParamsFormat::Yaml, Origin::default());
        let place = |file: &ParamsFile| {
            let place = file.findings().first()?.place.clone()?;
            Some((place.line, place.column, place.text))
        };
        assert_eq!(place(&file), Some((2, 4, "b: \u{fffd}".to_owned())));
        let file = ParamsFile::parse(b"\xef\xbb\xbf\xe1", ParamsFormat::Yaml, Origin::default());
        assert_eq!(place(&file), Some((1, 1, "\u{fffd}".to_owned())));
    }
}
