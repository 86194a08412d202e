//! From key paths to places in the text, by reading it a second time with an event parser.

use std::ops::Range;

use indexmap::IndexMap;
use saphyr_parser::{Event, Parser, Span, Tag};

use crate::finding::{Finding, KeyPath, Mark, Origin, Step};
use crate::parse::node::tag_not_understood;
use crate::span::LineIndex;

/// Where one value stands, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    /// Every key that led to it, in order; empty for list items.
    pub(super) keys: Vec<Range<usize>>,
    pub(super) value: Range<usize>,
}

/// Where all values of a text stand.
pub(super) type Spots = IndexMap<KeyPath, Spot>;

/// Where the values of a YAML text stand.
pub(super) fn spots(text: &str) -> Spots {
    Walk::new(text).spots()
}

/// Gives every finding about the playbook its place, as near as its text allows, and puts all findings in the order of
/// their texts.
pub(super) fn place_all(text: &str, findings: &mut [Finding]) {
    let of_playbook = |finding: &&mut Finding| finding.origin == Origin::Playbook;
    place(text, &spots(text), findings.iter_mut().filter(of_playbook));
    in_order(findings);
}

/// Gives findings their places in a text whose values stand at these spots.
pub(super) fn place<'f>(
    text: &str,
    spots: &Spots,
    findings: impl Iterator<Item = &'f mut Finding>,
) {
    let lines = LineIndex::new(text);
    for finding in findings.filter(|finding| finding.place.is_none()) {
        let range = range(spots, text, finding).or_else(|| first(text));
        finding.place = range.map(|range| lines.place(range));
    }
}

/// File by file, in the order of the text.
pub(super) fn in_order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let place = |finding: &Finding| {
            let place = finding.place.as_ref();
            place.map(|place| (place.line, place.column))
        };
        let files = a.origin.cmp(&b.origin);
        files.then_with(|| place(a).cmp(&place(b)))
    });
}

/// Where a text begins that the event parser makes nothing of; an empty one has no line to show.
fn first(text: &str) -> Option<Range<usize>> {
    let at = text.len() - text.trim_start().len();
    (at < text.len()).then_some(at..at)
}

/// Where a second document begins in a text that should be one.
pub(super) fn second_document(text: &str) -> Option<Range<usize>> {
    let walk = Walk::new(text);
    Parser::new_from_str(text)
        .map_while(Result::ok)
        .filter(|(event, _)| matches!(event, Event::DocumentStart(_)))
        .nth(1)
        .map(|(_, span)| walk.bytes(&span))
}

/// What the tags of YAML itself begin with, behind `!!`.
const OWN_TAGS: &str = "tag:yaml.org,2002:";

/// The tags written `!!name` that mean nothing here, which the reader of values passes over.
pub(super) fn foreign_tags(text: &str) -> Vec<Finding> {
    // Hardly any text has one, and then it is not read a second time.
    if !text.contains("!!") && !text.contains(OWN_TAGS) {
        return Vec::new();
    }
    let mut walk = Walk::new(text);
    walk.walk();
    let tags = walk.tags.iter();
    tags.map(|(at, tag)| tag_not_understood(at, &format!("!!{tag}")))
        .collect()
}

/// `python/tuple` of `!!python/tuple`, if it is none of those that say what a plain value is anyway.
fn foreign(tag: &Tag) -> Option<String> {
    const PLAIN: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];
    let whole = format!("{}{}", tag.handle, tag.suffix);
    let name = whole.strip_prefix(OWN_TAGS)?;
    (!PLAIN.contains(&name)).then(|| name.to_owned())
}

/// The source texts of the values at these key paths, where they are scalars on one line.
pub(super) fn value_texts<'a, 'k>(
    text: &'a str,
    spots: &Spots,
    paths: impl Iterator<Item = &'k KeyPath>,
) -> Vec<Option<&'a str>> {
    paths
        .map(|path| {
            spots
                .get(path)
                .and_then(|spot| text.get(spot.value.clone()))
        })
        .collect()
}

fn range(spots: &Spots, text: &str, finding: &Finding) -> Option<Range<usize>> {
    if let Some(spot) = spots.get(&finding.at) {
        return Some(spot.part(text, &finding.mark));
    }
    // A value that is not there: the nearest that is, by its key.
    let mut at = finding.at.parent()?;
    loop {
        if let Some(spot) = spots.get(&at) {
            return Some(spot.part(text, &Mark::Key));
        }
        at = at.parent()?;
    }
}

impl Spot {
    fn part(&self, text: &str, mark: &Mark) -> Range<usize> {
        match mark {
            Mark::Key => self.keys.first().unwrap_or(&self.value).clone(),
            Mark::DuplicateKey => self.keys.last().unwrap_or(&self.value).clone(),
            Mark::Value => self.value.clone(),
            Mark::Text(needle, nth) => {
                let inside = text.get(self.value.clone()).unwrap_or("");
                match inside.match_indices(needle.as_str()).nth(*nth) {
                    Some((at, found)) => self.value.start + at..self.value.start + at + found.len(),
                    None => self.value.clone(),
                }
            }
        }
    }
}

/// The containers that are open while the events go by.
enum Open {
    Seq { next: usize },
    Map { key: Option<(String, Range<usize>)> },
}

struct Walk<'a> {
    text: &'a str,
    /// Byte offset of every character, because the parser counts characters.
    offsets: Vec<usize>,
    open: Vec<Open>,
    path: Vec<Step>,
    spots: IndexMap<KeyPath, Spot>,
    tags: Vec<(KeyPath, String)>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .collect()
        };
        Self {
            text,
            offsets,
            open: Vec::new(),
            path: Vec::new(),
            spots: IndexMap::new(),
            tags: Vec::new(),
        }
    }

    fn spots(mut self) -> IndexMap<KeyPath, Spot> {
        self.walk();
        self.spots
    }

    fn walk(&mut self) {
        for event in Parser::new_from_str(self.text) {
            // What this parser does not understand stays without a place.
            let Ok((event, span)) = event else { break };
            self.see(&event, &span);
        }
    }

    fn see(&mut self, event: &Event<'_>, span: &Span) {
        let range = self.bytes(span);
        match event {
            Event::Scalar(value, _, _, tag) => self.scalar(value, range, tag.as_deref()),
            Event::Alias(_) => {
                self.begin(range, None);
                self.end();
            }
            Event::SequenceStart(_, tag) => {
                self.begin(range, tag.as_deref());
                self.open.push(Open::Seq { next: 0 });
            }
            Event::MappingStart(_, tag) => {
                self.begin(range, tag.as_deref());
                self.open.push(Open::Map { key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                self.end();
            }
            _ => {}
        }
    }

    fn scalar(&mut self, value: &str, range: Range<usize>, tag: Option<&Tag>) {
        if let Some(Open::Map { key: key @ None }) = self.open.last_mut() {
            *key = Some((value.to_owned(), range));
        } else {
            self.begin(range, tag);
            self.end();
        }
    }

    /// A value begins: its step is taken and its spot noted.
    fn begin(&mut self, range: Range<usize>, tag: Option<&Tag>) {
        let mut keys = Vec::new();
        match self.open.last_mut() {
            None => {}
            Some(Open::Seq { next }) => {
                self.path.push(Step::Index(*next));
                *next += 1;
            }
            Some(Open::Map { key }) => {
                // A key that is itself a list or map has no name here.
                let (name, at) = key.take().unwrap_or_else(|| (String::new(), range.clone()));
                keys.push(at);
                self.path.push(Step::Key(name));
            }
        }
        let path = KeyPath::from_steps(self.path.clone());
        let tag = tag.and_then(foreign);
        self.tags.extend(tag.map(|tag| (path.clone(), tag)));
        match self.spots.get_mut(&path) {
            Some(spot) => spot.keys.append(&mut keys),
            None => {
                self.spots.insert(path, Spot { keys, value: range });
            }
        }
    }

    fn end(&mut self) {
        self.path.pop();
    }

    fn bytes(&self, span: &Span) -> Range<usize> {
        let byte = |chars: usize| {
            if self.offsets.is_empty() {
                chars.min(self.text.len())
            } else {
                self.offsets.get(chars).copied().unwrap_or(self.text.len())
            }
        };
        byte(span.start.index())..byte(span.end.index())
    }
}
