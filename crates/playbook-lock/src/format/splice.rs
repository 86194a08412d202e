//! Where the entries of a lock stand in its text, so that those that did not change are carried over as they are.
//!
//! Only for text that this program wrote: there a line that is indented by two spaces, and by no more, begins an
//! entry, and everything behind `stages:` belongs to one.

use std::ops::Range;
use std::sync::Arc;

use blake3::Hash;
use playbook_types::record::lock::LockFile;
use serde::Serialize;

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
        // YAML ends lines with these too.
        const OTHER_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
        if !text.is_ascii() && text.contains(OTHER_BREAKS) {
            return None;
        }
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

/// The text of a lock as it was, which is not copied for the one that is made of it.
#[derive(Debug, Default)]
pub(crate) struct OldText(pub(crate) String);

/// The text of a lock in pieces: most of it is as a rule that of the lock before it, which is not copied.
#[derive(Debug)]
pub(crate) struct LockText {
    old: Arc<OldText>,
    fresh: String,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Old(Range<usize>),
    Fresh(Range<usize>),
}

impl LockText {
    /// One that is new.
    pub(crate) fn whole(text: String) -> Self {
        Self {
            old: Arc::default(),
            pieces: vec![Piece::Fresh(0..text.len())],
            fresh: text,
        }
    }

    /// The pieces, one behind the other.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| match piece {
            // They were looked at when they were put together.
            Piece::Old(range) => self.old.0.get(range.clone()).unwrap_or_default(),
            Piece::Fresh(range) => self.fresh.get(range.clone()).unwrap_or_default(),
        })
    }

    /// In one piece.
    pub(crate) fn text(&self) -> String {
        self.pieces().collect()
    }

    /// The BLAKE3 of it.
    pub(crate) fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for piece in self.pieces() {
            hasher.update(piece.as_bytes());
        }
        hasher.finalize()
    }

    /// Adds a part of the old text.
    fn push_old(&mut self, range: Range<usize>) {
        match self.pieces.last_mut() {
            Some(Piece::Old(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Old(range)),
        }
    }
}

/// The text of a lock whose entries are those of `text`, but for those of `newer`, which take the places with the given
/// numbers, in ascending order. Everything in front of the entries is `newer`'s.
///
/// # Errors
///
/// When a value cannot be written as YAML.
pub(crate) fn splice<E: Serialize>(
    (text, layout): (&Arc<OldText>, &Layout),
    newer: &LockFile<E>,
    numbers: &[usize],
) -> Result<Option<(LockText, Layout)>, LockError> {
    let fresh = render_lock(newer)?;
    let Some(entries) = Layout::scan(&fresh).filter(|found| found.len() == numbers.len()) else {
        return Ok(None);
    };
    let mut whole = LockText {
        old: Arc::clone(text),
        fresh,
        pieces: vec![Piece::Fresh(0..entries.head())],
    };
    let mut starts = Vec::with_capacity(layout.starts.len());
    let mut fresh_ones = numbers.iter().copied().enumerate().peekable();
    let mut length = entries.head();
    for number in 0..layout.len() {
        starts.push(length);
        let fresh_one = fresh_ones.next_if(|(_, place)| *place == number);
        let (from, range) = match fresh_one {
            Some((k, _)) => (&whole.fresh, entries.range(k)),
            None => (&text.0, layout.range(number)),
        };
        let Some(range) = range.filter(|range| from.get(range.clone()).is_some()) else {
            return Ok(None);
        };
        length += range.len();
        match fresh_one {
            Some(_) => whole.pieces.push(Piece::Fresh(range)),
            None => whole.push_old(range),
        }
    }
    starts.push(length);
    let placed = fresh_ones.peek().is_none();
    Ok(placed.then_some((whole, Layout { starts })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;
    use playbook_types::digest::Digest;
    use playbook_types::name::{ParamKey, StageName};
    use playbook_types::path::DataPath;
    use playbook_types::record::lock::{DataEntry, EntryStatus, StageEntry};
    use playbook_types::value::ParamValue;
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    /// Texts that YAML writes in many ways, and some that look like the lines of a lock.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n"),
            Just("\n\n"),
            Just(" "),
            Just("  "),
            Just("    "),
            Just("\t"),
            Just("\r"),
            Just("\r\n"),
            Just("a"),
            Just("  b:"),
            Just("stages:"),
            Just("\nstages:\n"),
            Just("  a:\n"),
            Just("- "),
            Just("#"),
            Just(": "),
            Just("'"),
            Just("\""),
            Just("|"),
            Just(">"),
            Just("{}"),
            Just("~"),
            Just("null"),
            Just("1.0"),
            Just("---\n"),
            Just("...\n"),
            Just("\u{feff}"),
            Just("é"),
            Just("\0"),
            Just("\u{7f}"),
            Just("🚀"),
            Just("%"),
            Just("&x"),
            Just("*x"),
            Just("!t"),
            Just("<<"),
            Just("0x1"),
            Just("yes"),
        ];
        prop_oneof![
            90 => prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat()),
            9 => any::<String>(),
            1 => "[a\n \u{85}\u{2028}\u{2029}]{1,6}",
        ]
    }

    fn value() -> impl Strategy<Value = ParamValue> {
        let leaf = prop_oneof![
            Just(ParamValue::Null),
            any::<bool>().prop_map(ParamValue::Bool),
            any::<i64>().prop_map(|n| ParamValue::Int(n.into())),
            any::<i32>().prop_map(|n| ParamValue::Float(f64::from(n) / 8.0)),
            nasty().prop_map(ParamValue::Str),
        ];
        leaf.prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(ParamValue::List),
                prop::collection::vec((nasty(), inner), 0..3)
                    .prop_map(|pairs| ParamValue::Map(pairs.into_iter().collect())),
            ]
        })
    }

    fn data() -> impl Strategy<Value = DataEntry> {
        let path = nasty().prop_map(|text| DataPath::parse(&text).ok());
        let path = path.prop_filter_map("no path", |path| path);
        (
            path,
            any::<Option<[u8; 32]>>(),
            any::<Option<u64>>(),
            prop::option::of(nasty()),
        )
            .prop_map(|(path, hash, file_count, symlink)| DataEntry {
                path,
                hash: hash.map(Digest::from_bytes),
                file_count,
                total_bytes: None,
                ignored: None,
                symlink,
            })
    }

    fn entry() -> impl Strategy<Value = StageEntry> {
        let many = || prop::collection::vec(data(), 0..3);
        let params = prop::collection::vec(value(), 0..3);
        let texts = (nasty(), prop::option::of(nasty()));
        (many(), many(), params, texts).prop_map(|(deps, outs, params, (word, target))| {
            let key = |n| ParamKey::parse(&format!("p{n}")).unwrap();
            let params = params.into_iter().enumerate();
            StageEntry {
                status: EntryStatus::Other(word),
                moved: deps.iter().map(|dep| dep.path.clone()).collect(),
                deps,
                outs,
                params: params.map(|(n, value)| (key(n), value)).collect(),
                target,
                duration_seconds: Some(0.5),
                ..StageEntry::unknown()
            }
        })
    }

    fn lock(name: &str, stages: IndexMap<StageName, StageEntry>) -> LockFile {
        LockFile {
            schema: "1.0".to_owned(),
            playbook: name.to_owned(),
            generated_at: None,
            generator: name.to_owned(),
            blake3_version: String::new(),
            params_hash: None,
            stages,
        }
    }

    /// Names that YAML writes with and without quotes.
    fn stage_name(number: usize) -> StageName {
        let front = ["s", "1", "null", "y", "0x", "-", "é"][number % 7];
        StageName::parse(&format!("{front}{number}"))
            .unwrap_or_else(|_| StageName::parse(&format!("s{number}")).unwrap())
    }

    #[test]
    fn a_line_that_another_break_than_a_newline_ends_is_none_of_this_form() {
        let entry = |text: &str| StageEntry {
            moved: vec![DataPath::parse(text).unwrap()],
            ..StageEntry::unknown()
        };
        // Behind the break the next entry begins, in the same line as far as newlines tell.
        let stages = [
            (stage_name(0), entry("a\nb\u{2028}")),
            (stage_name(1), entry("a")),
        ];
        let text = render_lock(&lock("n", stages.into_iter().collect())).unwrap();
        assert!(text.contains("\u{2028}  "), "{text:?}");
        assert_eq!(Layout::scan(&text), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_spliced_is_what_would_be_written_whole(
            (old, new, places) in (1..7_usize).prop_flat_map(|count| (
                prop::collection::vec(entry(), count),
                prop::collection::vec(entry(), count),
                subsequence((0..count).collect::<Vec<_>>(), 1..=count),
            )),
            (was, is) in (nasty(), nasty()),
        ) {
            let named = |(n, entry): (usize, StageEntry)| (stage_name(n), entry);
            let old: IndexMap<_, _> = old.into_iter().enumerate().map(named).collect();
            let mut whole = old.clone();
            let fresh = new.into_iter().enumerate().filter(|(n, _)| places.contains(n));
            let fresh: IndexMap<_, _> = fresh.map(named).collect();
            whole.extend(fresh.clone());
            let text = render_lock(&lock(&was, old)).unwrap();
            // Where it is not sure it says so, and the lock is written whole.
            let Some(layout) = Layout::scan(&text) else { return Ok(()) };
            let lengths = Layout::of_lengths(layout.head(), layout.lengths());
            prop_assert_eq!(&lengths, &layout);
            let text = Arc::new(OldText(text));
            let spliced = splice((&text, &layout), &lock(&is, fresh), &places).unwrap();
            let expected = render_lock(&lock(&is, whole)).unwrap();
            let Some((spliced, layout)) = spliced else { return Ok(()) };
            prop_assert_eq!(&spliced.text(), &expected);
            prop_assert_eq!(spliced.hash(), blake3::hash(expected.as_bytes()));
            prop_assert_eq!(Some(layout), Layout::scan(&expected));
        }

        #[test]
        fn a_part_has_the_entries_that_were_asked_for(
            (entries, places) in (1..7_usize).prop_flat_map(|count| (
                prop::collection::vec(entry(), count),
                subsequence((0..count).collect::<Vec<_>>(), 0..=count),
            )),
            name in nasty(),
        ) {
            let all: IndexMap<_, _> =
                entries.into_iter().enumerate().map(|(n, entry)| (stage_name(n), entry)).collect();
            let text = render_lock(&lock(&name, all.clone())).unwrap();
            let Some(layout) = Layout::scan(&text) else { return Ok(()) };
            let wanted: IndexMap<_, _> =
                all.into_iter().enumerate().filter(|(n, _)| places.contains(n)).map(|(_, pair)| pair).collect();
            let part = layout.part(&text, &places).expect("a part");
            prop_assert_eq!(part, render_lock(&lock(&name, wanted)).unwrap());
        }
    }
}
