//! The playbook in a form that is quicker to read than its text, and can be read in parts.
//!
//! It stands in `parsed` in the state directory, names the text and the other sources it was made of and the program that made
//! it, and is not used for any other. What cannot be kept exactly is not kept: before it is written it is read back
//! and compared.
//!
//! | bytes | what |
//! |---|---|
//! | 18 | `playbook parsed 3` and a line break |
//! | 32 | the BLAKE3 of the table, which is: |
//! | 32 | the key: the BLAKE3 of the program, the playbook's file name and the hash of its text |
//! | 4 | the number of parts |
//! | 4 + 8 each | the length of each part, and the first bytes of its BLAKE3 |
//! | | the parts, as JSON: the playbook without its stages, with its warnings and its sources, then each of its stages |

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use blake3::{Hash, Hasher};
use indexmap::IndexMap;
use playbook_hash::disk::{DiskError, Durability, replace};
use playbook_hash::this_program;
use playbook_types::finding::Findings;
use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::parse::{Parsed, SourceName};

use crate::project::sources::Source;

const MAGIC: &[u8; 18] = b"playbook parsed 3\n";
const DIGEST: usize = 32;
const CHECKSUM: usize = 8;
/// Everything in front of the entries of the table.
const FRONT: usize = MAGIC.len() + DIGEST + DIGEST + 4;
/// The length of a part and its checksum.
const ENTRY: usize = 4 + CHECKSUM;

/// Which playbook a kept form is of, and which program made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(Hash);

impl Key {
    /// That of a playbook whose text has this hash; `None` where a program cannot tell itself from another.
    pub(crate) fn of(name: &SourceName, text: Hash) -> Option<Self> {
        let mut hasher = Hasher::new();
        hasher.update(&this_program()?);
        hasher.update(text.as_bytes());
        hasher.update(name.as_str().as_bytes());
        Some(Self(hasher.finalize()))
    }
}

/// Which stages are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'w> {
    All,
    /// Those with these numbers, in the order of the playbook.
    Numbers(&'w [usize]),
}

/// The kept form of the playbook with this key, if the file at `path` has it and its sources are `right`. Of the stages
/// that are not wanted nothing is read.
pub(crate) fn read(
    path: &Path,
    key: Key,
    wanted: Wanted<'_>,
    right: impl FnOnce(&[Source]) -> bool,
) -> Option<(Parsed, Vec<Source>)> {
    let file = File::open(path).ok()?;
    let table = Table::read(&file, key)?;
    let parts = match wanted {
        Wanted::All => table.all_parts(&file)?,
        Wanted::Numbers(numbers) => {
            let numbers = numbers.iter().map(|n| n + 1);
            let parts = std::iter::once(0)
                .chain(numbers)
                .map(|n| table.part(&file, n));
            parts.collect::<Option<_>>()?
        }
    };
    let (top, stages) = parts.split_first()?;
    let (mut playbook, warnings, sources): Top = serde_json::from_slice(top).ok()?;
    right(&sources).then_some(())?;
    for stage in stages {
        let stage: Stage = serde_json::from_slice(stage).ok()?;
        playbook.stages.insert(stage.name.clone(), stage);
    }
    Some((Parsed { playbook, warnings }, sources))
}

/// Keeps a playbook, unless the file at `path` has it already or its values cannot be kept exactly.
pub(crate) fn keep(
    path: &Path,
    key: Key,
    parsed: &Parsed,
    sources: &[Source],
) -> Result<(), DiskError> {
    if read(path, key, Wanted::All, |kept| kept == sources).is_some() {
        return Ok(());
    }
    match encode(key, parsed, sources) {
        Some(bytes) => replace(path, &bytes, Durability::Fast),
        None => Ok(()),
    }
}

/// The first part.
type Top = (Playbook, Findings, Vec<Source>);

/// Where the parts are.
struct Table {
    entries: Vec<(u64, usize, [u8; CHECKSUM])>,
}

impl Table {
    fn read(file: &File, key: Key) -> Option<Self> {
        let mut front = [0; FRONT];
        file.read_exact_at(&mut front, 0).ok()?;
        let rest = front.strip_prefix(MAGIC)?;
        let (digest, table) = rest.split_first_chunk::<DIGEST>()?;
        let (found, count) = table.split_first_chunk::<DIGEST>()?;
        (found == key.0.as_bytes()).then_some(())?;
        let count = u32::from_le_bytes(*count.first_chunk()?) as usize;
        let length = count.checked_mul(ENTRY)?;
        // The count is not yet known to be right.
        (length as u64 <= file.metadata().ok()?.len()).then_some(())?;
        let mut rows = vec![0; length];
        file.read_exact_at(&mut rows, FRONT as u64).ok()?;
        let mut hasher = Hasher::new();
        hasher.update(table).update(&rows);
        (hasher.finalize().as_bytes() == digest && count > 0).then_some(())?;
        let mut at = (FRONT + length) as u64;
        let entry = |row: &[u8; ENTRY]| {
            let (length, checksum) = row.split_first_chunk::<4>()?;
            let length = u32::from_le_bytes(*length);
            let begin = at;
            at += u64::from(length);
            Some((begin, length as usize, *checksum.first_chunk()?))
        };
        let entries = rows.as_chunks().0.iter().map(entry);
        Some(Self {
            entries: entries.collect::<Option<_>>()?,
        })
    }

    fn part(&self, file: &File, number: usize) -> Option<Vec<u8>> {
        let (at, length, checksum) = *self.entries.get(number)?;
        let mut part = vec![0; length];
        file.read_exact_at(&mut part, at).ok()?;
        (checksum_of(&part) == checksum).then_some(part)
    }

    /// All of them, with one read.
    fn all_parts(&self, file: &File) -> Option<Vec<Vec<u8>>> {
        let (first, ..) = *self.entries.first()?;
        let mut whole = vec![0; self.entries.iter().map(|(_, length, _)| length).sum()];
        file.read_exact_at(&mut whole, first).ok()?;
        let mut rest = &*whole;
        let cut = |(_, length, checksum): &(u64, usize, [u8; CHECKSUM])| {
            let (part, behind) = rest.split_at_checked(*length)?;
            rest = behind;
            (checksum_of(part) == *checksum).then(|| part.to_owned())
        };
        self.entries.iter().map(cut).collect()
    }
}

fn checksum_of(part: &[u8]) -> [u8; CHECKSUM] {
    let mut front = [0; CHECKSUM];
    front.copy_from_slice(&blake3::hash(part).as_bytes()[..CHECKSUM]);
    front
}

/// The bytes; `None` if reading them would not give the very same values.
fn encode(key: Key, parsed: &Parsed, sources: &[Source]) -> Option<Vec<u8>> {
    let Parsed { playbook, warnings } = parsed;
    let top = Playbook {
        stages: IndexMap::new(),
        ..playbook.clone()
    };
    let mut parts = vec![serde_json::to_vec(&(&top, warnings, sources)).ok()?];
    let (read, read_warnings, read_sources): Top = serde_json::from_slice(&parts[0]).ok()?;
    (read == top && read_warnings == *warnings && read_sources == sources).then_some(())?;
    for stage in playbook.stages.values() {
        let part = serde_json::to_vec(stage).ok()?;
        let read: Stage = serde_json::from_slice(&part).ok()?;
        (read == *stage).then_some(())?;
        parts.push(part);
    }
    let mut table = key.0.as_bytes().to_vec();
    table.extend(u32::try_from(parts.len()).ok()?.to_le_bytes());
    for part in &parts {
        table.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
        table.extend(checksum_of(part));
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(blake3::hash(&table).as_bytes());
    bytes.extend(table);
    bytes.extend(parts.concat());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_types::digest::Digest;
    use playbook_types::parse::parse;
    use playbook_types::path::DataPath;

    const EVERYTHING: &str = include_str!("../../tests/everything.yaml");

    const ONE: &str = "version: '1.0'\nname: n\nstages: {a: {cmd: x}}\n";

    fn name() -> SourceName {
        SourceName::new("p.yaml")
    }

    fn source(byte: u8) -> Source {
        Source::ParamsFile {
            path: DataPath::parse("p.toml").unwrap(),
            digest: Digest::from_bytes([byte; 32]),
        }
    }

    /// A playbook kept in a file.
    struct Kept {
        dir: tempfile::TempDir,
        parsed: Parsed,
        key: Key,
    }

    impl Kept {
        fn new(text: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let parsed = parse(text, &name()).unwrap();
            let key = key(&name(), text);
            keep(&dir.path().join("parsed"), key, &parsed, &[source(1)]).unwrap();
            Self { dir, parsed, key }
        }

        fn path(&self) -> std::path::PathBuf {
            self.dir.path().join("parsed")
        }

        fn read(&self, wanted: Wanted<'_>) -> Option<Parsed> {
            let (parsed, sources) = read(&self.path(), self.key, wanted, |_| true)?;
            assert_eq!(sources, [source(1)]);
            Some(parsed)
        }
    }

    fn key(name: &SourceName, text: &str) -> Key {
        Key::of(name, blake3::hash(text.as_bytes())).unwrap()
    }

    #[test]
    fn whatever_a_playbook_can_say_comes_back_as_it_was() {
        let kept = Kept::new(EVERYTHING);
        assert!(!kept.parsed.warnings.0.is_empty());
        assert_eq!(kept.read(Wanted::All), Some(kept.parsed.clone()));
    }

    #[test]
    fn only_the_stages_asked_for_are_read() {
        let kept = Kept::new(EVERYTHING);
        let mut expected = kept.parsed.clone();
        let first_and_last = [0, expected.playbook.stages.len() - 1];
        let mut number = 0;
        expected.playbook.stages.retain(|_, _| {
            number += 1;
            first_and_last.contains(&(number - 1))
        });
        let numbers = Wanted::Numbers(&first_and_last);
        assert_eq!(kept.read(numbers), Some(expected));
        assert_eq!(kept.read(Wanted::Numbers(&[99])), None);
    }

    #[test]
    fn of_another_text_name_or_source_it_is_not_used() {
        let kept = Kept::new(ONE);
        for other in [
            key(&name(), &ONE.replace('x', "y")),
            key(&SourceName::new("q.yaml"), ONE),
        ] {
            assert_eq!(read(&kept.path(), other, Wanted::All, |_| true), None);
        }
        let of_others = |sources: &[Source]| sources == [source(2)];
        assert_eq!(read(&kept.path(), kept.key, Wanted::All, of_others), None);
    }

    #[test]
    fn damaged_anywhere_it_is_not_used() {
        let kept = Kept::new(ONE);
        let whole = std::fs::read(kept.path()).unwrap();
        let read_as = |bytes: &[u8]| {
            replace(&kept.path(), bytes, Durability::Fast).unwrap();
            kept.read(Wanted::All)
        };
        assert!(read_as(&whole).is_some());
        for at in 0..whole.len() {
            assert_eq!(read_as(&whole[..at]), None, "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(read_as(&flipped), None, "flipped at {at}");
        }
    }

    #[test]
    fn it_is_written_once() {
        let kept = Kept::new(EVERYTHING);
        let made = std::fs::metadata(kept.path()).unwrap().modified().unwrap();
        keep(&kept.path(), kept.key, &kept.parsed, &[source(1)]).unwrap();
        let now = std::fs::metadata(kept.path()).unwrap().modified().unwrap();
        assert_eq!(now, made);
        keep(&kept.path(), kept.key, &kept.parsed, &[source(2)]).unwrap();
        let of_others = |sources: &[Source]| sources == [source(2)];
        assert!(read(&kept.path(), kept.key, Wanted::All, of_others).is_some());
    }
}
