//! Places in a text.

use serde::{Deserialize, Serialize};

use std::ops::Range;

/// A place in a text, ready to be shown: the line with a part of it underlined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant, all on that line; at least 1.
    pub width: usize,
    /// The line, without its end.
    pub text: String,
}

/// What of a place's line is shown, and where in it the place is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line or a part of it, with a space for every control character.
    pub text: String,
    /// How many characters of it stand before the place.
    pub before: usize,
    /// How many characters to underline; at least 1.
    pub width: usize,
}

impl Place {
    /// The line around the place, at most this many characters of it.
    pub fn excerpt(&self, most: usize) -> Excerpt {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let chars: Vec<char> = self.text.chars().map(printable).collect();
        let at = self.column.saturating_sub(1).min(chars.len());
        let from = if chars.len() <= most {
            0
        } else {
            at.saturating_sub(most / 2)
        };
        let shown = chars.get(from..).unwrap_or(&[]);
        let shown = shown.get(..most).unwrap_or(shown);
        let before = at - from;
        Excerpt {
            text: shown.iter().collect(),
            before,
            width: self.width.min(shown.len().saturating_sub(before)).max(1),
        }
    }
}

/// Finds lines by byte offset.
#[derive(Debug)]
pub struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// Walks the text once.
    pub fn new(text: &'a str) -> Self {
        let ends = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The place of a range of bytes; what runs past the end of its first line is cut there.
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = range.start.min(self.text.len());
        let line = self
            .starts
            .partition_point(|at| *at <= start)
            .saturating_sub(1);
        let line_start = self.starts.get(line).copied().unwrap_or(0);
        let text = self.line_from(line_start);
        let into = start - line_start;
        let column = text
            .get(..into.min(text.len()))
            .map_or(0, |front| front.chars().count());
        let end = range
            .end
            .saturating_sub(line_start)
            .clamp(into.min(text.len()), text.len());
        let width = text
            .get(into.min(text.len())..end)
            .map_or(0, |part| part.trim_end().chars().count());
        Place {
            line: line + 1,
            column: column + 1,
            width: width.max(1),
            text: text.to_owned(),
        }
    }

    /// The byte offset of a line (from 1) and column (from 1, in characters).
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(self.text.len());
        let text = self.line_from(start);
        let into = text
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(text.len(), |(at, _)| at);
        start + into
    }

    fn line_from(&self, start: usize) -> &'a str {
        let rest = self.text.get(start..).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or("");
        line.strip_suffix('\r').unwrap_or(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let text = "ab\nçdé x\r\n\nlast";
        let index = LineIndex::new(text);
        let at = |needle: &str| {
            let start = text.find(needle).unwrap();
            let place = index.place(start..start + needle.len());
            (place.line, place.column, place.width)
        };
        assert_eq!(at("b"), (1, 2, 1));
        assert_eq!(at("dé"), (2, 2, 2));
        assert_eq!(at("x\r\n\nl"), (2, 5, 1));
        assert_eq!(at("last"), (4, 1, 4));
        assert_eq!(index.place(999..1000).line, 4);
        assert_eq!(index.offset(2, 3), text.find('é').unwrap());
        assert_eq!(
            LineIndex::new("").place(0..0),
            Place {
                line: 1,
                column: 1,
                width: 1,
                text: String::new()
            }
        );
    }

    #[test]
    fn an_excerpt_shows_the_place() {
        let place = |line: &str, needle: &str| {
            let start = line.find(needle).unwrap();
            LineIndex::new(line).place(start..start + needle.len())
        };
        let short = place("a\tbç d", "bç").excerpt(10);
        assert_eq!(
            (short.text.as_str(), short.before, short.width),
            ("a bç d", 2, 2)
        );
        let line = format!("{}HERE{}", "<".repeat(50), ">".repeat(50));
        let long = place(&line, "HERE").excerpt(10);
        assert_eq!(
            (long.text.as_str(), long.before, long.width),
            ("<<<<<HERE>", 5, 4)
        );
        let wide = place(&line, &">".repeat(50)).excerpt(10);
        assert_eq!(
            (wide.text.as_str(), wide.before, wide.width),
            ("<HERE>>>>>", 5, 5)
        );
        let none = LineIndex::new("").place(0..0).excerpt(10);
        assert_eq!((none.text.as_str(), none.before, none.width), ("", 0, 1));
    }
}
