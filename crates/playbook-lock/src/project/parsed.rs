//! The playbook in a form that is quicker to read than its text, and can be read in parts.
//!
//! It stands in `parsed` in the state directory, names the text it was made of and the program that made it, and is
//! not used for any other. What cannot be kept exactly is not kept: before it is written it is read back
//! and compared.
//!
//! | bytes | what |
//! |---|---|
//! | 18 | `playbook parsed 1` and a line break |
//! | 32 | the BLAKE3 of everything behind them |
//! | 32 | the key: the BLAKE3 of the program, the playbook's file name and its text |
//! | 4 | the number of parts |
//! | 4 each | the length of each part |
//! | | the parts, as JSON: the playbook without its stages, with its warnings, then each of its stages |

use std::path::Path;

use blake3::{Hash, Hasher};
use playbook_hash::disk::{DiskError, Durability, remove_half_replaced, replace};
use playbook_hash::this_program;
use playbook_types::finding::Findings;
use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::parse::{Parsed, SourceName};

const MAGIC: &[u8; 18] = b"playbook parsed 1\n";
const DIGEST: usize = 32;

/// Which playbook a kept form is of, and which program made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(Hash);

impl Key {
    /// That of a playbook's text; `None` where a program cannot tell itself from another.
    pub(crate) fn of(name: &SourceName, text: &str) -> Option<Self> {
        let mut hasher = Hasher::new();
        hasher.update(&this_program()?);
        hasher.update(&(name.as_str().len() as u64).to_le_bytes());
        hasher.update(name.as_str().as_bytes());
        hasher.update(text.as_bytes());
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

/// The kept form of the playbook with this key, if the file at `path` has it.
pub(crate) fn read(path: &Path, key: Key, wanted: Wanted<'_>) -> Option<Parsed> {
    decode(&std::fs::read(path).ok()?, key, wanted)
}

/// Keeps a playbook, unless the file at `path` has it already or its values cannot be kept exactly.
pub(crate) fn keep(path: &Path, key: Key, parsed: &Parsed) -> Result<(), DiskError> {
    if read(path, key, Wanted::All).is_some() {
        return Ok(());
    }
    match encode(key, parsed) {
        Some(bytes) if decode(&bytes, key, Wanted::All).as_ref() == Some(parsed) => {
            remove_half_replaced(path)?;
            replace(path, &bytes, Durability::Fast)
        }
        _ => Ok(()),
    }
}

fn encode(key: Key, parsed: &Parsed) -> Option<Vec<u8>> {
    let Parsed { playbook, warnings } = parsed;
    let top = Playbook {
        stages: indexmap::IndexMap::new(),
        ..playbook.clone()
    };
    let mut parts = vec![serde_json::to_vec(&(top, warnings)).ok()?];
    for stage in playbook.stages.values() {
        parts.push(serde_json::to_vec(stage).ok()?);
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; DIGEST]);
    bytes.extend(key.0.as_bytes());
    bytes.extend(u32::try_from(parts.len()).ok()?.to_le_bytes());
    for part in &parts {
        bytes.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    }
    bytes.extend(parts.concat());
    let body = MAGIC.len() + DIGEST;
    let digest = *blake3::hash(&bytes[body..]).as_bytes();
    bytes[MAGIC.len()..body].copy_from_slice(&digest);
    Some(bytes)
}

fn decode(bytes: &[u8], key: Key, wanted: Wanted<'_>) -> Option<Parsed> {
    let body = bytes.strip_prefix(MAGIC)?;
    let (digest, body) = body.split_first_chunk::<DIGEST>()?;
    let (found, rest) = body.split_first_chunk::<DIGEST>()?;
    // The cheap comparison first: most files that are of no use are of another text.
    (found == key.0.as_bytes() && blake3::hash(body).as_bytes() == digest).then_some(())?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    let (lengths, mut rest) = rest.split_at_checked(count.checked_mul(4)?)?;
    let mut parts = Vec::with_capacity(count);
    for length in lengths.as_chunks::<4>().0 {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (part, behind) = rest.split_at_checked(length)?;
        parts.push(part);
        rest = behind;
    }
    let (top, stages) = parts.split_first()?;
    let (mut playbook, warnings): (Playbook, Findings) = serde_json::from_slice(top).ok()?;
    let mut add = |part: &[u8]| -> Option<()> {
        let stage: Stage = serde_json::from_slice(part).ok()?;
        playbook.stages.insert(stage.name.clone(), stage);
        Some(())
    };
    match wanted {
        Wanted::All => stages.iter().try_for_each(|part| add(part))?,
        Wanted::Numbers(numbers) => numbers.iter().try_for_each(|n| add(stages.get(*n)?))?,
    }
    Some(Parsed { playbook, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_types::parse::parse;

    const EVERYTHING: &str = include_str!("../../tests/everything.yaml");

    const ONE: &str = "version: '1.0'\nname: n\nstages: {a: {cmd: x}}\n";

    fn name() -> SourceName {
        SourceName::new("p.yaml")
    }

    fn parsed(text: &str) -> (Parsed, Key) {
        let parsed = parse(text, &name()).unwrap();
        (parsed, Key::of(&name(), text).unwrap())
    }

    #[test]
    fn whatever_a_playbook_can_say_comes_back_as_it_was() {
        let (parsed, key) = parsed(EVERYTHING);
        assert!(!parsed.warnings.0.is_empty());
        let bytes = encode(key, &parsed).unwrap();
        assert_eq!(decode(&bytes, key, Wanted::All), Some(parsed));
    }

    #[test]
    fn only_the_stages_asked_for_are_read() {
        let (mut parsed, key) = parsed(EVERYTHING);
        let bytes = encode(key, &parsed).unwrap();
        let first_and_last = [0, parsed.playbook.stages.len() - 1];
        let part = decode(&bytes, key, Wanted::Numbers(&first_and_last)).unwrap();
        let mut number = 0;
        parsed.playbook.stages.retain(|_, _| {
            number += 1;
            first_and_last.contains(&(number - 1))
        });
        assert_eq!(part, parsed);
        assert_eq!(decode(&bytes, key, Wanted::Numbers(&[99])), None);
    }

    #[test]
    fn of_another_text_name_or_damaged_it_is_not_used() {
        let (parsed, key) = parsed(ONE);
        let bytes = encode(key, &parsed).unwrap();
        assert!(decode(&bytes, key, Wanted::All).is_some());
        for other in [
            Key::of(&name(), &ONE.replace('x', "y")),
            Key::of(&SourceName::new("q.yaml"), ONE),
        ] {
            assert_eq!(decode(&bytes, other.unwrap(), Wanted::All), None);
        }
        for at in 0..bytes.len() {
            assert_eq!(decode(&bytes[..at], key, Wanted::All), None, "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(decode(&flipped, key, Wanted::All), None, "flipped at {at}");
        }
    }

    #[test]
    fn it_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("parsed");
        let (parsed, key) = parsed(EVERYTHING);
        keep(&path, key, &parsed).unwrap();
        assert_eq!(read(&path, key, Wanted::All), Some(parsed.clone()));
        let made = std::fs::metadata(&path).unwrap().modified().unwrap();
        keep(&path, key, &parsed).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), made);
    }
}
