//! The bytes of the stat cache.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `playbook stat 2` and a line break |
//! | 8 | the first bytes of the BLAKE3 of everything behind them |
//! | | the entries, one after the other: |
//! | 1 | `f` for a file, `d` for a directory |
//! | 1 | how many times the cache was rewritten since somebody asked for the entry |
//! | 4 | the length of the path |
//! | | the path, relative to the root if it is below it |
//! | 100 | of a file: its digest (32), its stat (40), the moment its reading began (12), the start of the machine under which it was read, 0 if unknown (8), bytes read (8) |
//! | 4 | of a directory: the length of its record |
//! | | and the [record](crate::stat::seen::Record) |
//!
//! Numbers are little-endian. A file that is not exactly so is not used at all.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use playbook_types::digest::Digest;

use crate::file::FileDigest;
use crate::stat::boot::Boot;
use crate::stat::key::{StatKey, cut, take};
use crate::stat::racy::Moment;
use crate::stat::seen::Record;

const MAGIC: &[u8; 16] = b"playbook stat 2\n";
const CHECKSUM: usize = 8;
/// What is said of a file.
const FILE: usize = 100;
/// From this size on, the checksum is worth sharing among threads.
const LONG: usize = 1 << 20;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) file: FileDigest,
    /// Under which start of the machine it was read.
    pub(super) boot: Boot,
    /// How many times the cache was rewritten since somebody asked for it.
    pub(super) unused: u8,
}

/// An entry of the cache.
#[derive(Debug)]
pub(super) enum Kept {
    File(Known),
    Directory { unused: u8, record: Record },
}

/// A cache being written.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// One without entries, with room for so many bytes of them.
    pub(super) fn new(room: usize) -> Self {
        let mut bytes = Vec::with_capacity(MAGIC.len() + CHECKSUM + room);
        bytes.extend(MAGIC);
        bytes.extend([0; CHECKSUM]);
        Self(bytes)
    }

    pub(super) fn file(&mut self, path: &Path, known: &Known) {
        let Known { file, boot, unused } = known;
        let FileDigest {
            digest,
            total_bytes,
            stat,
            began,
        } = file;
        self.begin(b'f', *unused, path);
        self.0.extend(digest.as_bytes());
        self.0.extend(stat.to_bytes());
        self.0.extend(began.to_bytes());
        self.0.extend(boot.to_bytes());
        self.0.extend(total_bytes.to_le_bytes());
    }

    pub(super) fn directory(&mut self, path: &Path, unused: u8, record: &Record) {
        let record = record.as_bytes();
        // More than four thousand million bytes about one directory are not worth keeping.
        if let Ok(length) = u32::try_from(record.len()) {
            self.begin(b'd', unused, path);
            self.0.extend(length.to_le_bytes());
            self.0.extend_from_slice(record);
        }
    }

    fn begin(&mut self, kind: u8, unused: u8, path: &Path) {
        let path = path.as_os_str().as_bytes();
        self.0.extend([kind, unused]);
        // No system has paths that are longer.
        let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
        self.0.extend(length.to_le_bytes());
        self.0.extend(path);
    }

    /// Adds an entry of another cache.
    pub(super) fn copy(&mut self, raw: &Raw<'_>, unused: u8) {
        self.begin(raw.kind, unused, raw.path);
        if !raw.is_file() {
            // It had one before.
            let length = u32::try_from(raw.body.len()).unwrap_or(u32::MAX);
            self.0.extend(length.to_le_bytes());
        }
        self.0.extend(raw.body);
    }

    /// The bytes of the cache.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let body = MAGIC.len() + CHECKSUM;
        let checksum = checksum(&self.0[body..]);
        self.0[MAGIC.len()..body].copy_from_slice(&checksum);
        self.0
    }
}

/// An entry as it lies in the bytes of a cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'b> {
    kind: u8,
    pub(super) unused: u8,
    pub(super) path: &'b Path,
    /// What is said of it, and where in the bytes that ends.
    body: &'b [u8],
    end: usize,
}

impl Raw<'_> {
    pub(super) fn is_file(&self) -> bool {
        self.kind == b'f'
    }
}

/// Goes through the entries of a cache; `None` if its bytes are not exactly as they were written, or if `each` says so.
pub(super) fn each_entry(bytes: &[u8], mut each: impl FnMut(Raw<'_>) -> Option<()>) -> Option<()> {
    let mut rest = bytes;
    (take(&mut rest)? == *MAGIC).then_some(())?;
    let expected = take(&mut rest)?;
    (checksum(rest) == expected).then_some(())?;
    while !rest.is_empty() {
        let [kind, unused] = take(&mut rest)?;
        let path = Path::new(OsStr::from_bytes(cut(&mut rest)?));
        let body = match kind {
            b'f' => {
                let (body, behind) = rest.split_at_checked(FILE)?;
                rest = behind;
                body
            }
            b'd' => cut(&mut rest)?,
            _ => return None,
        };
        let end = bytes.len() - rest.len();
        each(Raw {
            kind,
            unused,
            path,
            body,
            end,
        })?;
    }
    Some(())
}

/// Those entries of a cache whose paths are wanted, as the cache has them; none if its bytes are not exactly as they were
/// written.
pub(super) fn decode(
    bytes: Vec<u8>,
    wanted: impl Fn(&Path) -> bool,
) -> Option<Vec<(PathBuf, Kept)>> {
    let whole = Arc::new(bytes);
    let mut entries = Vec::new();
    each_entry(&whole, |raw| {
        if !wanted(raw.path) {
            return Some(());
        }
        let kept = if raw.is_file() {
            Kept::File(file(&mut &*raw.body, raw.unused)?)
        } else {
            let range = raw.end - raw.body.len()..raw.end;
            Kept::Directory {
                unused: raw.unused,
                record: Record::of(Arc::clone(&whole), range)?,
            }
        };
        entries.push((raw.path.to_owned(), kept));
        Some(())
    })?;
    Some(entries)
}

fn file(rest: &mut &[u8], unused: u8) -> Option<Known> {
    let digest = Digest::from_bytes(take(rest)?);
    let stat = StatKey::take(rest)?;
    let began = Moment::take(rest)?;
    let boot = Boot::from_bytes(take(rest)?);
    let total_bytes = u64::from_le_bytes(take(rest)?);
    let file = FileDigest {
        digest,
        total_bytes,
        stat,
        began,
    };
    Some(Known { file, boot, unused })
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new();
    if body.len() < LONG {
        hasher.update(body);
    } else {
        hasher.update_rayon(body);
    }
    let mut front = [0; CHECKSUM];
    front.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    front
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;
    use crate::stat::seen::{Entries, Entry, Seen};
    use crate::tree::EntryKind;

    fn moment(seconds: i64) -> Moment {
        Moment { seconds, nanos: 9 }
    }

    fn known(n: u8) -> Known {
        let stat = StatKey {
            size: u64::from(n),
            mtime: moment(-5),
            ctime: moment(i64::MAX),
            inode: u64::MAX,
        };
        Known {
            file: FileDigest {
                digest: Digest::from_bytes([n; 32]),
                total_bytes: u64::from(n),
                stat,
                began: moment(7),
            },
            boot: Boot::of(Some("this")),
            unused: n,
        }
    }

    fn record() -> Record {
        let Known { file, boot, .. } = known(3);
        let mut entries = Entries::default();
        for (name, seen) in [
            (c"a", Seen::Counted(EntryKind::File)),
            (c"b\n\xff", Seen::Ignored { is_dir: true }),
        ] {
            let entry = Entry {
                seen,
                stat: file.stat,
                began: file.began,
                digest: file.digest,
            };
            entries.push(name, &entry);
        }
        entries.into_record(file.stat, file.began, boot)
    }

    fn bytes() -> Vec<u8> {
        let mut writer = Writer::new(0);
        let odd: PathBuf = OsString::from_vec(b"odd \n\xff".to_vec()).into();
        writer.file(Path::new("a"), &known(1));
        writer.directory(&odd, 200, &record());
        writer.file(Path::new(""), &known(0));
        writer.file(&odd, &known(255));
        writer.finish()
    }

    #[test]
    fn what_was_written_is_read() {
        let entries = decode(bytes(), |_| true).unwrap();
        let shown: Vec<_> = entries
            .iter()
            .map(|(path, kept)| {
                let path = path.as_os_str().as_bytes();
                match kept {
                    Kept::File(file) => (path, Some(*file), 0),
                    Kept::Directory {
                        unused,
                        record: found,
                    } => {
                        assert_eq!(found.as_bytes(), record().as_bytes());
                        assert_eq!(found.name(1), c"b\n\xff");
                        assert_eq!(found.find(b"a"), Some(0));
                        assert_eq!(found.entry(0).seen, Seen::Counted(EntryKind::File));
                        (path, None, *unused)
                    }
                }
            })
            .collect();
        let expected: [(&[u8], _, _); 4] = [
            (b"a", Some(known(1)), 0),
            (b"odd \n\xff", None, 200),
            (b"", Some(known(0)), 0),
            (b"odd \n\xff", Some(known(255)), 0),
        ];
        assert_eq!(shown, expected);
        let empty = Writer::new(0).finish();
        assert_eq!(decode(empty, |_| true).unwrap().len(), 0);
    }

    #[test]
    fn damaged_anywhere_it_is_not_used() {
        let whole = bytes();
        for at in 0..whole.len() {
            assert!(
                decode(whole[..at].to_vec(), |_| true).is_none(),
                "cut at {at}"
            );
            for bit in [1, 0x10, 0x80] {
                let mut flipped = whole.clone();
                flipped[at] ^= bit;
                assert!(decode(flipped, |_| true).is_none(), "flipped at {at}");
            }
        }
        let mut longer = whole;
        longer.push(0);
        assert!(decode(longer, |_| true).is_none());
    }

    /// Whoever can make a checksum can make anything; that must not stop us, either.
    #[test]
    fn nonsense_with_a_checksum_does_no_harm() {
        let whole = bytes();
        let body = MAGIC.len() + CHECKSUM;
        for at in body..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                let checksum = checksum(&changed[body..]);
                changed[MAGIC.len()..body].copy_from_slice(&checksum);
                for (_, kept) in decode(changed, |_| true).into_iter().flatten() {
                    if let Kept::Directory { record, .. } = kept {
                        for index in 0..record.len().min(9) {
                            let _: (Entry, usize) =
                                (record.entry(index), record.name(index).count_bytes());
                        }
                        record.find(b"a");
                    }
                }
            }
        }
    }
}
