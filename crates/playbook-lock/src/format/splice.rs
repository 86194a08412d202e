//! Where the entries of a lock stand in its text, so that those that did not change are carried over as they are.
//!
//! Only for text that this program wrote: there a line that is indented by two spaces, and by no more, begins an
//! entry, and everything behind `stages:` belongs to one.

use std::ops::Range;

use playbook_types::record::lock::LockFile;

use crate::error::LockError;
use crate::format::render_lock;

/// Where the entries of a lock's text begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where each entry begins, and at last where the text ends.
    starts: Vec<usize>,
}

impl Layout {
    /// That of a text this program wrote; `None` if it has no entries or is not of that form.
    pub fn scan(text: &str) -> Option<Self> {
        const STAGES: &str = "\nstages:\n";
        let mut at = text.find(STAGES)? + STAGES.len();
        let mut starts = Vec::new();
        for line in text[at..].split_inclusive('\n') {
            let indented = line.bytes().take_while(|byte| *byte == b' ').count();
            match indented {
                2 => starts.push(at),
                // A blank line in a text of several lines.
                0 if line == "\n" && !starts.is_empty() => {}
                3.. if !starts.is_empty() => {}
                _ => return None,
            }
            at += line.len();
        }
        starts.push(at);
        (starts.len() > 1 && text.ends_with('\n')).then_some(Self { starts })
    }

    /// One in which the first entry begins behind so many bytes, and each is so long.
    pub fn of_lengths(head: usize, lengths: impl Iterator<Item = usize>) -> Self {
        let mut starts = vec![head];
        let mut end = head;
        for length in lengths {
            end += length;
            starts.push(end);
        }
        Self { starts }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the first entry begins.
    pub fn head(&self) -> usize {
        self.starts[0]
    }

    /// The lengths of the entries.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.starts.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Where an entry stands.
    fn range(&self, number: usize) -> Option<Range<usize>> {
        Some(*self.starts.get(number)?..*self.starts.get(number + 1)?)
    }

    /// The text of an entry.
    pub(crate) fn entry<'t>(&self, text: &'t str, number: usize) -> Option<&'t str> {
        text.get(self.range(number)?)
    }

    /// The text of a lock that has these of its entries and no others; `None` if this is not its layout.
    pub(crate) fn part(&self, text: &str, numbers: &[usize]) -> Option<String> {
        (*self.starts.last()? == text.len()).then_some(())?;
        let mut part = text.get(..self.head())?.to_owned();
        for number in numbers {
            part.push_str(self.entry(text, *number)?);
        }
        if numbers.is_empty() {
            // An empty map is written so.
            part.truncate(part.trim_end().len());
            part.push_str(" {}\n");
        }
        Some(part)
    }
}

/// The text of a lock whose entries are those of `text`, but for those of `newer`, which take the places with the given
/// numbers, in ascending order. Everything in front of the entries is `newer`'s.
///
/// # Errors
///
/// When a value cannot be written as YAML.
pub(crate) fn splice(
    (text, layout): (&str, &Layout),
    newer: &LockFile,
    numbers: &[usize],
) -> Result<Option<(String, Layout)>, LockError> {
    let fresh = render_lock(newer)?;
    let Some(entries) = Layout::scan(&fresh).filter(|found| found.len() == numbers.len()) else {
        return Ok(None);
    };
    let mut whole = String::with_capacity(text.len() + fresh.len());
    whole.push_str(&fresh[..entries.head()]);
    let mut starts = Vec::with_capacity(layout.starts.len());
    let mut fresh_ones = numbers.iter().copied().enumerate().peekable();
    for number in 0..layout.len() {
        starts.push(whole.len());
        let (from, range) = match fresh_ones.next_if(|(_, place)| *place == number) {
            Some((k, _)) => (&*fresh, entries.range(k)),
            None => (text, layout.range(number)),
        };
        let Some(entry) = range.and_then(|range| from.get(range)) else {
            return Ok(None);
        };
        whole.push_str(entry);
    }
    starts.push(whole.len());
    let placed = fresh_ones.peek().is_none();
    Ok(placed.then_some((whole, Layout { starts })))
}
