//! Reading a directory whose entries are not all what they were, or were never seen.

use std::ffi::CStr;
use std::fs::File;

use rayon::prelude::*;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat, readlinkat};
use rustix::io::Errno;

use crate::command::digest_bytes;
use crate::disk::device_of;
use crate::error::HashError;
use crate::file::{OPEN_FLAGS, Unread, digest_open, special_kind};
use crate::stat::{Entries, Entry, Locality, Moment, Seen, StatKey, is_racy};
use crate::tree::directory::{DIRECTORY, Reading};
use crate::tree::entry::EntryKind;
use crate::tree::names::Names;

/// So many entries are one piece of work.
const BATCH: usize = 64;

/// Some of a directory's entries, one after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: Entries,
    /// How many files were read.
    pub(super) read: u64,
    /// Something was read that need not be read next time.
    pub(super) learned: bool,
    /// Something is on another file system than the directory.
    pub(super) foreign: bool,
}

/// Lists the directory, and reads what is not known.
pub(super) fn read_anew(reading: &Reading<'_>) -> Result<Batch, HashError> {
    let of_directory = |errno| HashError::of_entry("read", reading.path.to_owned(), errno);
    let names = Names::list(reading.fd).map_err(of_directory)?;
    let batches = (0..names.len().div_ceil(BATCH)).into_par_iter();
    let batches: Vec<Batch> = batches
        .map(|number| Batch::read(reading, &names, number * BATCH))
        .collect::<Result<_, _>>()?;
    let mut all = Batch::default();
    for batch in &batches {
        all.entries.append(&batch.entries);
        all.read += batch.read;
        all.learned |= batch.learned;
        all.foreign |= batch.foreign;
    }
    Ok(all)
}

impl Batch {
    fn read(reading: &Reading<'_>, names: &Names, first: usize) -> Result<Self, HashError> {
        let end = names.len().min(first + BATCH);
        let mut batch = Self::default();
        let mut at = 0;
        for index in first..end {
            let (name, kind) = names.get(index);
            let known = reading.before.record.as_ref().and_then(|record| {
                let found = record.find_from(at, name.to_bytes());
                at = found.unwrap_or_else(|behind| behind);
                let entry = record.entry(found.ok()?);
                let good = reading
                    .memo
                    .vouches(&entry.stat, entry.began, record.boot());
                Some(entry).filter(|entry| good && entry.seen.has_digest())
            });
            let entry = batch.entry(reading, names, (name, kind), known)?;
            batch.entries.push(name, &entry);
        }
        Ok(batch)
    }

    /// Reads an entry. `known` is what it was, if its stat is old enough to tell.
    fn entry(
        &mut self,
        reading: &Reading<'_>,
        names: &Names,
        (name, kind): (&CStr, FileType),
        known: Option<Entry>,
    ) -> Result<Entry, HashError> {
        let look = || {
            let found = reading.look(name);
            found.map_err(|errno| reading.failed(name, errno))
        };
        let kind = match kind {
            FileType::Unknown => FileType::from_raw_mode(look()?.st_mode),
            known => known,
        };
        let is_dir = kind == FileType::Directory;
        if reading.ignores(name, is_dir, |beside| names.has(beside)) {
            return Ok(Entry::bare(Seen::Ignored { is_dir }));
        }
        match kind {
            FileType::RegularFile => self.file(reading, name, known),
            FileType::Directory => Ok(Entry::bare(DIRECTORY)),
            FileType::Symlink => self.link(reading, name, &look),
            kind => Err(HashError::Special {
                path: reading.path_of(name),
                kind: special_kind(kind),
            }),
        }
    }

    fn link(
        &mut self,
        reading: &Reading<'_>,
        name: &CStr,
        look: &dyn Fn() -> Result<Stat, HashError>,
    ) -> Result<Entry, HashError> {
        let began = Moment::now();
        let found = look()?;
        let text = readlinkat(reading.fd, name, Vec::new());
        // It is something else by now.
        let text = text.map_err(|errno| match errno {
            Errno::INVAL => reading.failed(name, Errno::NOENT),
            errno => reading.failed(name, errno),
        })?;
        self.foreign |= device_of(&found) != reading.device;
        Ok(Entry {
            seen: Seen::Counted(EntryKind::Link),
            stat: StatKey::of(&found),
            began,
            digest: digest_bytes(text.to_bytes()),
        })
    }

    /// A regular file. It is opened only if it must be read, or if its stat counts only once it is open.
    fn file(
        &mut self,
        reading: &Reading<'_>,
        name: &CStr,
        known: Option<Entry>,
    ) -> Result<Entry, HashError> {
        let failed = |errno| reading.failed(name, errno);
        let looked_for = known.is_some() || reading.before.singles;
        if looked_for && reading.before.locality != Locality::Remote {
            let found = reading.look(name).map_err(failed)?;
            // What is mounted here from elsewhere may be remote.
            if device_of(&found) == reading.device
                && let Some(entry) = recognised(reading, name, &found, known)
            {
                return Ok(entry);
            }
        }
        let flags = OPEN_FLAGS | OFlags::NOFOLLOW;
        let file = openat(reading.fd, name, flags, Mode::empty()).map_err(failed)?;
        let file = File::from(file);
        if looked_for {
            let found = fstat(&file).map_err(failed)?;
            if let Some(entry) = recognised(reading, name, &found, known) {
                self.foreign |= device_of(&found) != reading.device;
                return Ok(entry);
            }
        }
        let (read, found) =
            digest_open(&file, reading.memo.halt_flag()).map_err(|unread| match unread {
                // It was a file a moment ago.
                Unread::IsDirectory => failed(Errno::NOENT),
                unread => unread.at(reading.path_of(name)),
            })?;
        self.read += 1;
        self.learned |= !is_racy(&read.stat, read.began);
        self.foreign |= device_of(&found) != reading.device;
        Ok(Entry {
            seen: Seen::Counted(file_kind(&found)),
            stat: read.stat,
            began: read.began,
            digest: read.digest,
        })
    }
}

/// What is known of a file with this stat: of its place in the directory, or of the file itself.
fn recognised(
    reading: &Reading<'_>,
    name: &CStr,
    found: &Stat,
    known: Option<Entry>,
) -> Option<Entry> {
    let stat = StatKey::of(found);
    let seen = Seen::Counted(file_kind(found));
    if let Some(known) = known.filter(|known| known.stat == stat && known.seen.is_file()) {
        return Some(Entry { seen, ..known });
    }
    let file = reading
        .memo
        .single(reading.path, name.to_bytes(), &stat)
        .filter(|_| reading.before.singles)?;
    Some(Entry {
        seen,
        stat,
        began: file.began,
        digest: file.digest,
    })
}

fn file_kind(found: &Stat) -> EntryKind {
    EntryKind::of_stat(found)
        .filter(|kind| kind.is_file())
        .unwrap_or(EntryKind::File)
}
