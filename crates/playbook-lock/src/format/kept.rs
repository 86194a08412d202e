//! Entries of the lock in a form that is quicker to read than YAML.
//!
//! They stand in `entries` in the state directory, each known by the digest of its text. Whatever the lock is by then,
//! an entry of it that has this text is this entry, so what is out of date here costs time and is never wrong. For text
//! that this program wrote: in any other an entry could mean something only together with others.
//!
//! | bytes | what |
//! |---|---|
//! | 19 | `playbook entries 1` and a line break |
//! | 32 | the BLAKE3 of everything behind them |
//! | 32 | which program wrote it |
//! | 4 | the number of entries |
//! | 32 + 4 each | the BLAKE3 of its text, and the length of its value |
//! | | the values: name and entry as JSON |

use std::path::Path;

use blake3::Hash;
use indexmap::IndexMap;
use playbook_hash::disk::sealed::{seal, unseal, unsealed};
use playbook_hash::disk::{DiskError, Durability, replace};
use playbook_hash::this_program;
use playbook_types::name::StageName;
use playbook_types::record::lock::{LockFile, StageEntry};

use crate::format::{Layout, parse_lock, render_lock};

const MAGIC: &[u8; 19] = b"playbook entries 1\n";
const DIGEST: usize = 32;
/// What stands of an entry in front of all values.
const ROW: usize = DIGEST + 4;
/// So few entries are read as YAML without ado.
const WORTH_READING: usize = 16;

/// Entries by the digest of their text.
#[derive(Debug, Default)]
pub(crate) struct KeptEntries {
    bytes: Vec<u8>,
    /// Where in the bytes the value begins, and its length.
    places: IndexMap<[u8; DIGEST], (usize, usize)>,
}

impl KeptEntries {
    /// Those in the file at `path`; none if they are not as this program wrote them.
    pub(crate) fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let places = places(&bytes).unwrap_or_default();
        Self { bytes, places }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn get(&self, text: &str) -> Option<(StageName, StageEntry)> {
        let (at, length) = self.places.get(blake3::hash(text.as_bytes()).as_bytes())?;
        serde_json::from_slice(self.bytes.get(*at..at + length)?).ok()
    }
}

fn places(bytes: &[u8]) -> Option<IndexMap<[u8; DIGEST], (usize, usize)>> {
    let (program, rest) = unseal(MAGIC, bytes)?.split_first_chunk::<DIGEST>()?;
    (*program == this_program()?).then_some(())?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count) as usize;
    let rows = rest.get(..count.checked_mul(ROW)?)?;
    let mut at = bytes.len() - rest.len() + rows.len();
    let place = |row: &[u8; ROW]| {
        let (text, length) = row.split_first_chunk::<DIGEST>()?;
        let length = u32::from_le_bytes(*length.first_chunk()?) as usize;
        at += length;
        Some((*text, (at - length, length)))
    };
    rows.as_chunks().0.iter().map(place).collect()
}

/// The lock with this text, but of its entries only those with these numbers, ascending; and how many of them had to be
/// read as YAML. `None` if that would save little, or if the text is not all of it as this program writes it.
pub(crate) fn read_entries(
    (text, layout): (&str, &Layout),
    numbers: &[usize],
    kept: &KeptEntries,
    path: &Path,
) -> Option<(LockFile, usize)> {
    let found = |number: &usize| Some(kept.get(layout.entry(text, *number)?));
    let found: Vec<_> = numbers.iter().map(found).collect::<Option<_>>()?;
    let missing = numbers
        .iter()
        .zip(&found)
        .filter(|(_, found)| found.is_none());
    let missing: Vec<usize> = missing.map(|(number, _)| *number).collect();
    (missing.len() <= WORTH_READING || missing.len() * 2 < numbers.len()).then_some(())?;
    let part = layout.part(text, &missing)?;
    let mut lock = parse_lock(&part, path).ok()?;
    // A text that is the same when written again hides nothing, neither an alias nor a quote that ends elsewhere.
    let plain = render_lock(&lock).ok()? == part;
    (plain && lock.stages.len() == missing.len()).then_some(())?;
    let mut read = std::mem::take(&mut lock.stages).into_iter();
    for found in found {
        let (name, entry) = found.or_else(|| read.next())?;
        // Two of one name are an error, which reading the whole explains.
        lock.stages.insert(name, entry).is_none().then_some(())?;
    }
    Some((lock, missing.len()))
}

/// Keeps the entries of a lock that was written by this program.
///
/// # Errors
///
/// When the disk refuses.
pub(crate) fn keep_entries(
    path: &Path,
    lock: (&str, &Layout),
    entries: &[(&StageName, &StageEntry)],
) -> Result<(), DiskError> {
    let Some(bytes) = encode(lock, entries) else {
        return Ok(());
    };
    replace(path, &bytes, Durability::Fast)
}

fn encode(
    (text, layout): (&str, &Layout),
    entries: &[(&StageName, &StageEntry)],
) -> Option<Vec<u8>> {
    (entries.len() == layout.len()).then_some(())?;
    let mut bytes = unsealed(MAGIC);
    let rows = entries.len() * ROW;
    // A value is about as long as its text. All is written in its place: at 10,000 entries it is 10 MB.
    bytes.reserve_exact(DIGEST + 4 + rows + text.len());
    bytes.extend(this_program()?);
    bytes.extend(u32::try_from(entries.len()).ok()?.to_le_bytes());
    let mut row = bytes.len();
    bytes.resize(row + rows, 0);
    for (number, entry) in entries.iter().enumerate() {
        let begin = bytes.len();
        serde_json::to_writer(&mut bytes, entry).ok()?;
        let read: (StageName, StageEntry) = serde_json::from_slice(&bytes[begin..]).ok()?;
        // What JSON cannot keep exactly is read as YAML.
        if (&read.0, &read.1) != *entry {
            bytes.truncate(begin);
        }
        let hash: Hash = blake3::hash(layout.entry(text, number)?.as_bytes());
        let length = u32::try_from(bytes.len() - begin).ok()?;
        bytes[row..row + DIGEST].copy_from_slice(hash.as_bytes());
        bytes[row + DIGEST..row + ROW].copy_from_slice(&length.to_le_bytes());
        row += ROW;
    }
    seal(MAGIC, &mut bytes);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "p.lock.yaml";

    /// A lock of three stages, as this program writes it.
    fn text() -> String {
        let digest = format!("blake3:{}", "a7".repeat(32));
        let entries: Vec<String> = ["a", "b", "'3'"]
            .iter()
            .map(|name| {
                format!(
                    "  {name}: {{status: completed, duration_seconds: 0.1, deps: [{{path: \"in: {name}\", hash: '{digest}'}}], \
                     params: {{text: \"two\\n\\n lines\", 'n': 1.0, deep: {{x: [1, ~]}}}}, outs: [], cache_key: '{digest}'}}\n"
                )
            })
            .collect();
        let text = format!("schema: '1.0'\nplaybook: p\nstages:\n{}", entries.concat());
        render_lock(&parse(&text)).unwrap()
    }

    fn parse(text: &str) -> LockFile {
        parse_lock(text, Path::new(PATH)).unwrap()
    }

    fn kept(text: &str) -> KeptEntries {
        let lock = parse(text);
        let layout = Layout::scan(text).unwrap();
        let entries: Vec<_> = lock.stages.iter().collect();
        let bytes = encode((text, &layout), &entries).unwrap();
        let places = places(&bytes).unwrap();
        KeptEntries { bytes, places }
    }

    fn read(text: &str, kept: &KeptEntries) -> Option<(LockFile, usize)> {
        let layout = Layout::scan(text)?;
        let all: Vec<usize> = (0..layout.len()).collect();
        read_entries((text, &layout), &all, kept, Path::new(PATH))
    }

    #[test]
    fn what_was_kept_is_what_yaml_says() {
        let text = text();
        assert_eq!(read(&text, &kept(&text)), Some((parse(&text), 0)));
        assert_eq!(
            read(&text, &KeptEntries::default()),
            Some((parse(&text), 3))
        );
    }

    #[test]
    fn only_what_is_new_is_read_as_yaml() {
        let text = text();
        let kept = kept(&text);
        let newer = text.replacen("0.1", "0.25", 1);
        assert_eq!(read(&newer, &kept), Some((parse(&newer), 1)));
        let (first, second) = (text.find("  a:").unwrap(), text.find("  b:").unwrap());
        let shorter = text[..first].to_owned() + &text[second..];
        assert_eq!(read(&shorter, &kept), Some((parse(&shorter), 0)));
        let twice = text.clone() + &text[first..second];
        assert_eq!(read(&twice, &kept), None, "it is an error");
    }

    #[test]
    fn some_entries_are_some_entries() {
        let text = text();
        let layout = Layout::scan(&text).unwrap();
        let some = read_entries((&text, &layout), &[0, 2], &kept(&text), Path::new(PATH));
        let mut expected = parse(&text);
        expected.stages.shift_remove("b");
        assert_eq!(some, Some((expected, 0)));
    }

    #[test]
    fn what_this_program_would_write_otherwise_is_read_whole() {
        let text = text();
        let kept = kept(&text);
        let entry = &text[text.find("  a:").unwrap()..text.find("  b:").unwrap()];
        for other in [
            text.replace("playbook: p", "playbook: &p p"),
            text.replace("playbook: p", "playbook: p # by hand"),
            text.clone() + "  x: \"\n" + entry + "  y\": 1\n",
            text.clone() + "  c: {status: completed}\n",
            text.replace("  b:", "  b: &b")
                .replace("  '3':", "  '3': *b #"),
        ] {
            assert_eq!(read(&other, &kept), None, "{other}");
        }
    }

    #[test]
    fn damaged_anywhere_nothing_is_kept() {
        let whole = kept(&text()).bytes;
        for at in 0..whole.len() {
            assert!(places(&whole[..at]).is_none(), "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(places(&flipped).is_none(), "flipped at {at}");
        }
    }
}
