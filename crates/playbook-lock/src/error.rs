//! What can go wrong with a playbook's files.

use std::io;
use std::path::PathBuf;

use playbook_hash::disk::DiskError;
use playbook_types::finding::Findings;
use playbook_types::model::params::OverrideError;

/// Why a playbook, its lock or its log cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The lock cannot be read.
    #[error("cannot read the lock file {path}: {source}", path = path.display())]
    Unreadable {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Git left markers where two sides changed the same lines.
    #[error("{path}:{line}: the lock file has git conflict markers", path = path.display())]
    Conflict {
        /// The lock.
        path: PathBuf,
        /// The line of the first marker, from 1.
        line: usize,
    },
    /// The lock is torn or was broken by hand.
    #[error("{path}:{line}: the lock file is broken: {message}", path = path.display())]
    Broken {
        /// The lock.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The lock is of a shape this program does not know.
    #[error("{path}: the lock file has schema '{found}', and this program knows only '1.x'", path = path.display())]
    Schema {
        /// The lock.
        path: PathBuf,
        /// Its schema.
        found: String,
    },
    /// The lock has no text form.
    #[error("cannot write the lock file: {message}")]
    Unwritable {
        /// What stands in the way.
        message: String,
    },
    /// A file or directory could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The playbook cannot be read.
    #[error("cannot read the playbook {path}: {source}", path = path.display())]
    PlaybookUnreadable {
        /// The playbook.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The playbook is not UTF-8.
    #[error("{path}:{line}: the playbook is not UTF-8 text", path = path.display())]
    PlaybookNotText {
        /// The playbook.
        path: PathBuf,
        /// The first line that is not, from 1.
        line: usize,
    },
    /// The playbook's name cannot be written in a playbook's own files.
    #[error("{path}: the file name of a playbook must be UTF-8 text", path = path.display())]
    PlaybookName {
        /// The playbook.
        path: PathBuf,
    },
    /// `pipeline.yaml` and `pipeline.yml` stand side by side and would share one lock.
    #[error("{first} and {second} would share one lock file", first = first.display(), second = second.display())]
    Twins {
        /// The playbook asked for.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// The playbook is wrong.
    #[error("{path}: {count} in the playbook", path = path.display(), count = count_errors(findings))]
    Playbook {
        /// The playbook.
        path: PathBuf,
        /// Everything that was found.
        findings: Findings,
    },
    /// A file with params cannot be read.
    #[error("cannot read the params file {path}: {source}", path = path.display())]
    ParamsFileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file with params does not say what it is written in.
    #[error("the name of the params file {path} does not say what it is written in", path = path.display())]
    ParamsFileFormat {
        /// The file.
        path: PathBuf,
    },
    /// A param cannot be set as asked.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// No playbook was found.
    #[error("no playbook.yaml or playbook.yml in {start} or any directory above it", start = start.display())]
    NoPlaybook {
        /// Where the search began.
        start: PathBuf,
    },
    /// A playbook found in a directory above belongs to somebody else.
    #[error("{path} was found in a directory above and belongs to another user", path = path.display())]
    ForeignPlaybook {
        /// The playbook.
        path: PathBuf,
    },
    /// The file behind the run lock cannot be used.
    #[error("cannot take the run lock {path}: {source}", path = path.display())]
    RunLock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journal of a dead run cannot be read.
    #[error("cannot read the journal {path}: {source}", path = path.display())]
    JournalUnreadable {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The event log cannot be read.
    #[error("cannot read the event log {path}: {source}", path = path.display())]
    EventsUnreadable {
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another version of this program wrote the journal of a dead run.
    #[error("{path}: the last run died, and its journal has format {found}, which this program does not know", path = path.display())]
    JournalFormat {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// Another run holds this playbook.
    #[error("another run holds this playbook ({holder})")]
    Held {
        /// Who, where, since when.
        holder: String,
    },
}

fn count_errors(findings: &Findings) -> String {
    match findings.errors().count() {
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    }
}
