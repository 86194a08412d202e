//! The bytes of what a run found.
//!
//! | bytes | what |
//! |---|---|
//! | 19 | `playbook settled 3` and a line break |
//! | 32 | the BLAKE3 of everything behind them |
//! | 32 | which program wrote it, under which start of the machine |
//! | 32 + 32 | the BLAKE3 of the playbook's text and of the lock's |
//! | 4 | where in the lock its first entry begins |
//! | 4, … | the length of the playbook's name, and the name |
//! | 4, … | the length of its warnings as JSON, and they |
//! | 4, … | the length of the playbook's other sources as JSON, and they |
//! | 4, … | how many stages, and each, in the order of the playbook |
//! | 4 each | the stages again, by their numbers, in the order a run takes them |
//! | | the evidence: the playbook, the lock, the ignore file, the other sources, then everything the stages read or make |
//!
//! and of each stage:
//!
//! | bytes | what |
//! |---|---|
//! | 4, … | the length of its name, and the name |
//! | 1 | whether it is decided each time, whatever the stats say |
//! | 1 + 32 | whether its entry has a key, and the key |
//! | 8 | the recorded seconds; none if not a number |
//! | 4 | the length of its entry in the lock |
//! | 4, 4 each | how many stages it needs, and their numbers |
//! | 4, 4 each | how many deps it has, and their numbers in the evidence |
//! | 4, 4 each | how many outs it has, and their numbers in the evidence |

use playbook_hash::disk::sealed::{seal, unseal, unsealed};
use playbook_hash::{EvidenceItem, boot_id, this_program};
use playbook_lock::Source;
use playbook_types::digest::Digest;
use playbook_types::name::StageName;

use crate::settled::SettledStage;

const MAGIC: &[u8; 19] = b"playbook settled 3\n";
const DIGEST: usize = 32;

/// The numbers of the project's own files in the evidence.
pub(super) const PLAYBOOK: usize = 0;
pub(super) const LOCK: usize = 1;
pub(super) const IGNORE: usize = 2;
/// The number of the first of the playbook's other sources; the data follows behind the last.
pub(super) const SOURCES: usize = 3;

/// What a run found, read where it lies.
#[derive(Debug)]
pub(super) struct Image<'b> {
    pub(super) playbook_hash: [u8; DIGEST],
    pub(super) lock_hash: [u8; DIGEST],
    /// Where in the lock its first entry begins.
    pub(super) lock_head: usize,
    pub(super) name: &'b str,
    /// As JSON.
    pub(super) warnings: &'b str,
    /// What the playbook is made of besides its text.
    pub(super) sources: Vec<Source>,
    /// In the order of the playbook.
    pub(super) stages: Vec<StageImage<'b>>,
    /// In the order a run takes them.
    pub(super) order: Vec<usize>,
    pub(super) items: Vec<EvidenceItem<'b>>,
}

/// What a run found of a stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageImage<'b> {
    pub(super) name: &'b str,
    pub(super) always: bool,
    pub(super) cache_key: Option<Digest>,
    pub(super) seconds: Option<f64>,
    pub(super) lock_length: usize,
    pub(super) needs: Numbers<'b>,
    pub(super) deps: Numbers<'b>,
    pub(super) outs: Numbers<'b>,
}

/// Numbers as they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'b>(&'b [[u8; 4]]);

impl Numbers<'_> {
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        self.0
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes) as usize)
    }
}

impl StageImage<'_> {
    pub(super) fn settled(&self) -> Option<SettledStage> {
        Some(SettledStage {
            name: StageName::parse(self.name).ok()?,
            cache_key: self.cache_key,
            seconds: self.seconds,
        })
    }
}

impl<'b> Image<'b> {
    /// Reads what this program wrote since the machine started; `None` for anything else.
    pub(super) fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = Reader(unseal(MAGIC, bytes)?);
        (rest.take::<DIGEST>()? == writer()?).then_some(())?;
        let (playbook_hash, lock_hash) = (rest.take()?, rest.take()?);
        let lock_head = rest.number()?;
        let (name, warnings) = (rest.text()?, rest.text()?);
        let sources = serde_json::from_str(rest.text()?).ok()?;
        let stages = (0..rest.number()?).map(|_| rest.stage());
        let stages: Vec<StageImage<'b>> = stages.collect::<Option<_>>()?;
        let order = rest.chunks(stages.len())?.iter().collect();
        let items = EvidenceItem::all(rest.0)?;
        let image = Self {
            playbook_hash,
            lock_hash,
            lock_head,
            name,
            warnings,
            sources,
            stages,
            order,
            items,
        };
        image.is_sound().then_some(image)
    }

    /// How many of the first items are no data: the project's own files and the playbook's other sources.
    pub(super) fn own(&self) -> usize {
        SOURCES + self.sources.len()
    }

    /// Whether every number in it is of something.
    fn is_sound(&self) -> bool {
        let (stages, items) = (self.stages.len(), self.items.len());
        let sound = |stage: &StageImage<'_>| {
            let paths = stage.deps.iter().chain(stage.outs.iter());
            stage.needs.iter().all(|n| n < stages) && paths.into_iter().all(|n| n < items)
        };
        self.stages.iter().all(sound)
            && self.order.iter().all(|n| *n < stages)
            && items >= self.own()
    }
}

/// This program under this start of the machine. Another one may answer otherwise; and after a power cut a stat may
/// have reached the disk without its data, so what was found before the machine started says nothing.
fn writer() -> Option<[u8; DIGEST]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&this_program()?);
    hasher.update(boot_id()?.as_bytes());
    Some(*hasher.finalize().as_bytes())
}

/// What has not been read yet.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*front)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.take()?)).ok()
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn chunks(&mut self, count: usize) -> Option<Numbers<'b>> {
        let (bytes, rest) = self.0.split_at_checked(count.checked_mul(4)?)?;
        self.0 = rest;
        Some(Numbers(bytes.as_chunks().0))
    }

    fn numbers(&mut self) -> Option<Numbers<'b>> {
        let count = self.number()?;
        self.chunks(count)
    }

    fn stage(&mut self) -> Option<StageImage<'b>> {
        let name = self.text()?;
        let [always] = self.take()?;
        let [keyed] = self.take()?;
        let key = Digest::from_bytes(self.take()?);
        let seconds = f64::from_le_bytes(self.take()?);
        Some(StageImage {
            name,
            always: always != 0,
            cache_key: (keyed != 0).then_some(key),
            seconds: Some(seconds).filter(|seconds| !seconds.is_nan()),
            lock_length: self.number()?,
            needs: self.numbers()?,
            deps: self.numbers()?,
            outs: self.numbers()?,
        })
    }
}

/// Writes the bytes.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(playbook_hash: &[u8; DIGEST], lock_hash: &[u8; DIGEST]) -> Option<Self> {
        let mut bytes = unsealed(MAGIC);
        bytes.extend(writer()?);
        bytes.extend(playbook_hash);
        bytes.extend(lock_hash);
        Some(Self(bytes))
    }

    pub(super) fn number(&mut self, number: usize) -> Option<()> {
        self.0.extend(u32::try_from(number).ok()?.to_le_bytes());
        Some(())
    }

    pub(super) fn text(&mut self, text: &str) -> Option<()> {
        self.number(text.len())?;
        self.0.extend(text.as_bytes());
        Some(())
    }

    pub(super) fn numbers(&mut self, numbers: &[usize]) -> Option<()> {
        self.number(numbers.len())?;
        numbers.iter().try_for_each(|number| self.number(*number))
    }

    /// The front of a stage; what it needs, reads and makes follows.
    pub(super) fn stage(
        &mut self,
        stage: (&str, Option<Digest>, Option<f64>),
        always: bool,
        lock_length: usize,
    ) -> Option<()> {
        let (name, key, seconds) = stage;
        self.text(name)?;
        self.0.push(u8::from(always));
        self.0.push(u8::from(key.is_some()));
        let key = key.map_or([0; DIGEST], |key| *key.as_bytes());
        self.0.extend(key);
        self.0.extend(seconds.unwrap_or(f64::NAN).to_le_bytes());
        self.number(lock_length)
    }

    /// The bytes, with the evidence behind them.
    pub(super) fn finish(mut self, evidence: &[u8]) -> Vec<u8> {
        self.0.extend(evidence);
        seal(MAGIC, &mut self.0);
        self.0
    }
}
