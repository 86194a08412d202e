//! What was seen in one directory: its names, and what each of them was.
//!
//! A record is bytes, the same in memory as in the cache's file: a directory that nobody changed is never
//! taken apart, only compared with.
//!
//! | bytes | what |
//! |---|---|
//! | 40 | the directory's own stat |
//! | 12 | the moment the listing of its names began |
//! | 8 | the start of the machine under which everything below was read, or found good |
//! | 4 | how many entries |
//! | 89 each | the entries, sorted by name: where its name ends (4), what it is (1), its stat (40), the moment its reading began (12), its digest (32) |
//! | | the names, each with a zero behind it |
//!
//! What an entry is: the kind byte of its layout in a directory's digest; `0x10` if it does not count, `0x11` if it is a
//! directory that does not. Those, and directories, have zeros for a stat, a moment and a digest.

use std::ffi::CStr;
use std::ops::Range;
use std::sync::Arc;

use playbook_types::digest::Digest;

use crate::stat::boot::Boot;
use crate::stat::key::{StatKey, take};
use crate::stat::racy::Moment;
use crate::tree::EntryKind;

const LISTED: usize = StatKey::BYTES;
const BOOT: usize = LISTED + Moment::BYTES;
const COUNT: usize = BOOT + 8;
const ENTRIES: usize = COUNT + 4;
const ENTRY: usize = 4 + 1 + StatKey::BYTES + Moment::BYTES + 32;

/// What stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Something that counts.
    Counted(EntryKind),
    /// Something that does not.
    Ignored { is_dir: bool },
}

impl Seen {
    const IGNORED: u8 = 0x10;
    const IGNORED_DIRECTORY: u8 = 0x11;

    fn tag(self) -> u8 {
        match self {
            Self::Counted(kind) => kind.tag(),
            Self::Ignored { is_dir: false } => Self::IGNORED,
            Self::Ignored { is_dir: true } => Self::IGNORED_DIRECTORY,
        }
    }

    fn of_tag(tag: u8) -> Self {
        match EntryKind::of_tag(tag) {
            Some(kind) => Self::Counted(kind),
            None => Self::Ignored {
                is_dir: tag == Self::IGNORED_DIRECTORY,
            },
        }
    }

    /// Whether it counts and has a digest of its own, whatever is in other directories.
    pub(crate) fn has_digest(self) -> bool {
        matches!(self, Self::Counted(kind) if kind != EntryKind::Directory)
    }

    /// Whether it counts and is a file.
    pub(crate) fn is_file(self) -> bool {
        matches!(self, Self::Counted(kind) if kind.is_file())
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(self) -> bool {
        matches!(
            self,
            Self::Counted(EntryKind::Directory) | Self::Ignored { is_dir: true }
        )
    }
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seen: Seen,
    pub(crate) stat: StatKey,
    /// The moment its reading began.
    pub(crate) began: Moment,
    pub(crate) digest: Digest,
}

impl Entry {
    /// One without a digest of its own.
    pub(crate) fn bare(seen: Seen) -> Self {
        let zero = Moment {
            seconds: 0,
            nanos: 0,
        };
        Self {
            seen,
            stat: StatKey {
                size: 0,
                mtime: zero,
                ctime: zero,
                inode: 0,
            },
            began: zero,
            digest: Digest::from_bytes([0; 32]),
        }
    }
}

/// What was seen in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// What it is a part of.
    #[expect(
        clippy::rc_buffer,
        reason = "making a slice of it would copy a whole cache"
    )]
    whole: Arc<Vec<u8>>,
    part: Range<usize>,
}

impl Record {
    /// This part of a cache's bytes, if it has the shape of a record.
    #[expect(
        clippy::rc_buffer,
        reason = "making a slice of it would copy a whole cache"
    )]
    pub(in crate::stat) fn of(whole: Arc<Vec<u8>>, part: Range<usize>) -> Option<Self> {
        let record = Self { whole, part };
        let names = record.names_from()?;
        let ends = match record.len() {
            0 => 0,
            count => record.name_range(count - 1)?.end,
        };
        (names + ends == record.as_bytes().len()).then_some(record)
    }

    /// Its bytes.
    pub(in crate::stat) fn as_bytes(&self) -> &[u8] {
        &self.whole[self.part.clone()]
    }

    /// The stat of the directory before its names were listed.
    pub(crate) fn stat(&self) -> StatKey {
        StatKey::take(&mut self.as_bytes()).unwrap_or(Entry::bare(Seen::of_tag(0)).stat)
    }

    /// The moment the listing of its names began.
    pub(crate) fn listed(&self) -> Moment {
        let moment = self.as_bytes().get(LISTED..);
        let moment = moment.and_then(|mut rest| Moment::take(&mut rest));
        moment.unwrap_or(Moment {
            seconds: i64::MIN,
            nanos: 0,
        })
    }

    /// The start of the machine under which it was made.
    pub(crate) fn boot(&self) -> Boot {
        let bytes = self.as_bytes().get(BOOT..);
        Boot::from_bytes(bytes.and_then(|mut rest| take(&mut rest)).unwrap_or([0; 8]))
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        let bytes = self.as_bytes().get(COUNT..);
        let count = bytes.and_then(|mut rest| take(&mut rest)).unwrap_or([0; 4]);
        usize::try_from(u32::from_le_bytes(count)).unwrap_or(0)
    }

    /// The name of an entry; an empty one, which nothing has, where the bytes make no sense.
    pub(crate) fn name(&self, index: usize) -> &CStr {
        let name = || {
            let names = self.as_bytes().get(self.names_from()?..)?;
            CStr::from_bytes_with_nul(names.get(self.name_range(index)?)?).ok()
        };
        name().unwrap_or_default()
    }

    /// An entry.
    pub(crate) fn entry(&self, index: usize) -> Entry {
        self.entry_at(index)
            .unwrap_or(Entry::bare(Seen::Ignored { is_dir: false }))
    }

    /// What an entry is.
    pub(crate) fn seen(&self, index: usize) -> Seen {
        Seen::of_tag(self.entry_bytes(index).map_or(0, |bytes| bytes[4]))
    }

    /// Where the name is.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.find_from(0, name).ok()
    }

    /// The same behind the first so many, or else where it would be.
    pub(crate) fn find_from(&self, first: usize, name: &[u8]) -> Result<usize, usize> {
        let (mut low, mut high) = (first, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.name(middle).to_bytes().cmp(name) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    fn entry_at(&self, index: usize) -> Option<Entry> {
        let mut rest = &self.entry_bytes(index)?[4..];
        let [tag] = take(&mut rest)?;
        Some(Entry {
            seen: Seen::of_tag(tag),
            stat: StatKey::take(&mut rest)?,
            began: Moment::take(&mut rest)?,
            digest: Digest::from_bytes(take(&mut rest)?),
        })
    }

    fn entry_bytes(&self, index: usize) -> Option<&[u8; ENTRY]> {
        let entries = self.as_bytes().get(ENTRIES..)?;
        let (entries, _) = entries.as_chunks::<ENTRY>();
        entries.get(..self.len())?.get(index)
    }

    fn names_from(&self) -> Option<usize> {
        ENTRIES.checked_add(self.len().checked_mul(ENTRY)?)
    }

    fn name_range(&self, index: usize) -> Option<Range<usize>> {
        let end = |index: usize| {
            let mut rest = &self.entry_bytes(index)?[..];
            usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()
        };
        let start = match index {
            0 => 0,
            _ => end(index - 1)?,
        };
        Some(start..end(index)?)
    }
}

/// Entries of a directory, sorted, on the way to a record.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    entries: Vec<u8>,
    names: Vec<u8>,
}

impl Entries {
    /// Adds an entry behind the others.
    pub(crate) fn push(&mut self, name: &CStr, entry: &Entry) {
        let Entry {
            seen,
            stat,
            began,
            digest,
        } = entry;
        self.names.extend_from_slice(name.to_bytes_with_nul());
        let end = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.entries.extend_from_slice(&end.to_le_bytes());
        self.entries.push(seen.tag());
        self.entries.extend_from_slice(&stat.to_bytes());
        self.entries.extend_from_slice(&began.to_bytes());
        self.entries.extend_from_slice(digest.as_bytes());
    }

    /// Adds others behind these.
    pub(crate) fn append(&mut self, other: &Self) {
        let before = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let first = self.entries.len();
        self.entries.extend_from_slice(&other.entries);
        self.names.extend_from_slice(&other.names);
        for entry in self.entries[first..].as_chunks_mut::<ENTRY>().0 {
            if let Some(end) = entry.first_chunk_mut::<4>() {
                *end = (u32::from_le_bytes(*end).saturating_add(before)).to_le_bytes();
            }
        }
    }

    /// The record of a directory with these entries.
    pub(crate) fn into_record(self, stat: StatKey, listed: Moment, boot: Boot) -> Record {
        let count = self.entries.len() / ENTRY;
        let length = ENTRIES + self.entries.len() + self.names.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&stat.to_bytes());
        bytes.extend_from_slice(&listed.to_bytes());
        bytes.extend_from_slice(&boot.to_bytes());
        bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&self.entries);
        bytes.extend_from_slice(&self.names);
        Record {
            part: 0..bytes.len(),
            whole: Arc::new(bytes),
        }
    }
}

#[cfg(test)]
impl Record {
    /// The same, had everything been read so many seconds later.
    pub(in crate::stat) fn read_later(&self, seconds: i64) -> Self {
        let later = |moment: Moment| Moment {
            seconds: moment.seconds + seconds,
            ..moment
        };
        self.changed(later, self.boot(), self.stat())
    }

    /// The same, had the directory had another stat.
    pub(in crate::stat) fn with(&self, stat: StatKey) -> Self {
        self.changed(|moment| moment, self.boot(), stat)
    }

    /// The same, read under another start of the machine.
    pub(in crate::stat) fn under(&self, boot: Boot) -> Self {
        self.changed(|moment| moment, boot, self.stat())
    }

    fn changed(&self, moment: impl Fn(Moment) -> Moment, boot: Boot, stat: StatKey) -> Self {
        let mut entries = Entries::default();
        for index in 0..self.len() {
            let entry = self.entry(index);
            let began = moment(entry.began);
            entries.push(self.name(index), &Entry { began, ..entry });
        }
        entries.into_record(stat, moment(self.listed()), boot)
    }
}
