//! Reading a journal.

use std::io::ErrorKind;
use std::path::Path;

use playbook_hash::disk::records;

use crate::error::LockError;
use crate::journal::record::{FORMAT, JournalRecord, RunHeader};

/// A journal as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedJournal {
    /// The records.
    pub records: Vec<JournalRecord>,
    /// How many bytes at the front they take. What follows was torn by a crash or damaged.
    pub valid_bytes: usize,
}

/// Reads the bytes of a journal. Whatever they are, those at the front that are whole records count.
pub fn parse_journal(bytes: &[u8]) -> ParsedJournal {
    let (payloads, _) = records::decode(bytes);
    let mut parsed = ParsedJournal::default();
    for payload in payloads {
        let Some(record) = JournalRecord::decode(payload) else {
            break;
        };
        parsed.valid_bytes += records::encoded_len(payload);
        parsed.records.push(record);
    }
    parsed
}

/// A journal on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredJournal {
    /// Whose it is.
    pub header: RunHeader,
    /// The records behind that.
    pub records: Vec<JournalRecord>,
    /// How many bytes at its front could be read.
    pub valid_bytes: u64,
}

/// Reads the journal at `path`; `None` if there is none, or nothing whole in it.
///
/// # Errors
///
/// A journal that cannot be read, or that another version of this program wrote.
pub fn read_journal(path: &Path) -> Result<Option<StoredJournal>, LockError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(LockError::JournalUnreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    refuse_other_format(path, &bytes)?;
    let ParsedJournal {
        records,
        valid_bytes,
    } = parse_journal(&bytes);
    let mut records = records.into_iter();
    match records.next() {
        Some(JournalRecord::Run(header)) => Ok(Some(StoredJournal {
            header,
            records: records.collect(),
            valid_bytes: valid_bytes as u64,
        })),
        // The run died while it wrote its first record: it had done nothing yet.
        _ => Ok(None),
    }
}

/// A newer program may write records that this one would take for damage.
fn refuse_other_format(path: &Path, bytes: &[u8]) -> Result<(), LockError> {
    let (payloads, _) = records::decode(bytes);
    let header: Option<serde_json::Value> = payloads
        .first()
        .and_then(|it| serde_json::from_str(it).ok());
    let format = header.and_then(|header| header.pointer("/run/format")?.as_u64());
    match format {
        Some(found) if found != u64::from(FORMAT) => Err(LockError::JournalFormat {
            path: path.to_owned(),
            found,
        }),
        _ => Ok(()),
    }
}
