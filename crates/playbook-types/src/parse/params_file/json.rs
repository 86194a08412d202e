//! JSON as nodes.
//!
//! `serde_json` judges the text, and says what is wrong with it and where. It does not say where each value stands, so
//! a text that it took is walked through once more. The walk takes the text for valid JSON: whatever it made of another
//! one would not be used.

use std::ops::Range;

use crate::finding::{Finding, KeyPath};
use crate::parse::locate::{Spot, Spots};
use crate::parse::node::{MapNode, Node};
use crate::span::LineIndex;

/// The document with the places of its values, or what is wrong with its syntax.
pub(super) fn read(text: &str) -> Result<(Node, Spots), Vec<Finding>> {
    // Duplicate keys and numbers of any size are for the walk; this one refuses what is nested too deeply for it.
    if let Err(error) = serde_json::from_str::<Node>(text) {
        return Err(vec![syntax(text, &error)]);
    }
    let mut walk = Walk {
        text,
        at: 0,
        spots: Spots::new(),
    };
    let node = walk.value(&KeyPath::TOP);
    Ok((node, walk.spots))
}

fn syntax(text: &str, error: &serde_json::Error) -> Finding {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let mut finding = Finding::error(KeyPath::TOP, format!("not valid JSON: {message}"));
    // It counts bytes, and those it has read.
    let line = text.split('\n').take(error.line().saturating_sub(1));
    let start: usize = line.map(|line| line.len() + 1).sum();
    let mut at = (start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    finding.place = Some(LineIndex::new(text).place(at..at + 1));
    if message.contains("recursion limit") {
        finding = finding.hint("nothing here needs to be nested this deeply");
    }
    finding
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    spots: Spots,
}

impl<'t> Walk<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next byte behind white space and these separators.
    fn peek(&mut self, separators: &[char]) -> u8 {
        let blank = |c: char| c.is_ascii_whitespace() || separators.contains(&c);
        self.at = self.text.len() - self.rest().trim_start_matches(blank).len();
        self.rest().bytes().next().unwrap_or(0)
    }

    fn value(&mut self, at: &KeyPath) -> Node {
        match self.peek(&[':']) {
            b'{' => self.object(at),
            b'[' => self.array(at),
            b'"' => Node::Str(self.string().1),
            _ => self.word(),
        }
    }

    fn object(&mut self, at: &KeyPath) -> Node {
        let mut map = MapNode::default();
        self.at += 1;
        while self.peek(&[',']) == b'"' {
            let (key_range, key) = self.string();
            let path = at.key(&key);
            self.peek(&[':']);
            let begin = self.at;
            let node = self.value(&path);
            let spot = self.spots.entry(path).or_insert_with(|| Spot {
                keys: Vec::new(),
                value: begin..begin,
            });
            spot.keys.push(key_range);
            if map.entries.contains_key(&key) {
                map.duplicates.push(key);
            } else {
                spot.value = begin..self.at;
                map.entries.insert(key, node);
            }
        }
        self.at += 1;
        Node::Map(Box::new(map))
    }

    fn array(&mut self, at: &KeyPath) -> Node {
        let mut items = Vec::new();
        self.at += 1;
        while !matches!(self.peek(&[',']), b']' | 0) {
            let path = at.index(items.len());
            let begin = self.at;
            items.push(self.value(&path));
            let spot = Spot {
                keys: Vec::new(),
                value: begin..self.at,
            };
            self.spots.insert(path, spot);
        }
        self.at += 1;
        Node::Seq(items)
    }

    /// A text in quotes: where it stands, and what it says.
    fn string(&mut self) -> (Range<usize>, String) {
        let begin = self.at;
        let mut escaped = false;
        let inner = self.rest().char_indices().skip(1);
        let end = inner.take_while(|(_, c)| {
            let goes_on = escaped || *c != '"';
            escaped = !escaped && *c == '\\';
            goes_on
        });
        let length = end.last().map_or(1, |(at, c)| at + c.len_utf8());
        self.at = (begin + length + 1).min(self.text.len());
        let quoted = self.text.get(begin..self.at).unwrap_or("");
        (
            begin..self.at,
            serde_json::from_str(quoted).unwrap_or_default(),
        )
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Node {
        let is_end = |c: char| c.is_ascii_whitespace() || ",]}".contains(c);
        let length = self.rest().find(is_end).unwrap_or(self.rest().len());
        let word = &self.rest()[..length];
        self.at += length;
        match word {
            "null" => Node::Null,
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            number if number.contains(['.', 'e', 'E']) => {
                Node::Float(number.parse().unwrap_or(f64::NAN))
            }
            // One that is too large for us is too large for a param.
            number => Node::Int(number.parse().unwrap_or(i128::MAX)),
        }
    }
}
