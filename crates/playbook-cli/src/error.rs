//! Every error as a person is told it: what, where, and what to do next.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use playbook_exec::{ExecError, OutFault};
use playbook_hash::HashError;
use playbook_hash::disk::DiskError;
use playbook_lock::LockError;
use playbook_types::finding::Findings;
use rustix::io::Errno;

use crate::outcome::Outcome;
use crate::render::findings::render_findings;
use crate::term::{Tone, paint};

/// An error on its way to the person.
#[derive(Debug)]
pub(crate) struct CliError {
    outcome: Outcome,
    message: String,
    /// Lines under the message, already laid out.
    detail: String,
    hints: Vec<String>,
}

impl CliError {
    /// A wrong command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Outcome::Usage, message)
    }

    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            detail: String::new(),
            hints: Vec::new(),
        }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::new(
            Outcome::Surroundings,
            format!("cannot read {}: {error}", path.display()),
        )
    }

    /// With advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With other advice than it came with.
    pub(crate) fn hint_instead(mut self, hint: impl Into<String>) -> Self {
        self.hints.clear();
        self.hint(hint)
    }

    /// How the program ends with it.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// As text for standard error.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        text.push_str(&self.detail);
        if !self.message.is_empty() {
            writeln!(text, "{}: {}", paint(Tone::Bad, "error"), self.message).ok();
        }
        for hint in &self.hints {
            text.push_str(&hint_line(hint));
        }
        text
    }
}

impl From<ExecError> for CliError {
    fn from(error: ExecError) -> Self {
        let message = error.to_string();
        match error {
            ExecError::Lock(error) => error.into(),
            ExecError::Disk(error) => error.into(),
            ExecError::Hash(error) => error.into(),
            ExecError::NotSupported { features } => not_supported(&features),
            ExecError::UnknownParam(error) => {
                let cli = Self::usage(message);
                match error.suggestion {
                    Some(key) => cli.hint(format!("did you mean '{key}'?")),
                    None => cli.hint(
                        "only params that the playbook has can be set; add it to 'params' first",
                    ),
                }
            }
            ExecError::Selection { suggestion, .. } => {
                let cli = Self::usage(message);
                match suggestion {
                    Some(name) => cli.hint(format!("did you mean '{name}'?")),
                    None => cli.hint("'playbook list' shows the stages"),
                }
            }
            ExecError::SameRealPath { .. } => Self::usage(message)
                .hint("a symbolic link makes two paths one; every file is made by one stage"),
            ExecError::NotFolded(error) => Self::from(error).hint(
                "nothing is lost: what ran is in the journal, and the next command adds it to the lock",
            ),
            ExecError::DiedElsewhere { run } => Self::new(Outcome::Held, message).hint(format!(
                "if it still runs, wait for it; if it is dead, nothing can tell that from here: make sure that none of its commands runs on {} any more, then 'playbook run --recover'",
                run.host
            )),
            ExecError::System { source, .. } => {
                let cli = Self::new(Outcome::Surroundings, message);
                match advice(&source) {
                    Some(advice) => cli.hint(advice),
                    None => cli,
                }
            }
            ExecError::Orphan { .. } => Self::new(Outcome::Surroundings, message)
                .hint("end it, or wait until it has ended, and run again"),
            ExecError::OldOuts { fault, .. } => {
                let cli = Self::new(Outcome::Surroundings, message);
                let cli = match fault {
                    OutFault::Disk(error) => cli.hints_of(&error),
                    _ => cli,
                };
                cli.hint("nothing is lost: they wait under a reserved name beside it (.playbook-aside-…), and the next run puts them right")
            }
            ExecError::Template { .. }
            | ExecError::TooManyCores { .. }
            | ExecError::ForbiddenOut { .. }
            | ExecError::Cycle(_) => Self::usage(message),
            _ => Self::new(Outcome::Surroundings, message),
        }
    }
}

fn not_supported(features: &[playbook_exec::Unsupported]) -> CliError {
    let mut error =
        CliError::usage("this playbook asks for what this version cannot do yet; nothing was run");
    for feature in features {
        writeln!(
            error.detail,
            "{}: not supported yet: {} ({})",
            paint(Tone::Bad, "error"),
            feature.what,
            feature.at
        )
        .ok();
    }
    error
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let message = error.to_string();
        match error {
            LockError::Disk(error) => error.into(),
            LockError::Playbook { path, findings } => of_findings(&path, &findings),
            LockError::Conflict { .. } => Self::usage(message)
                .hint("resolve the conflict as in any file; either side of an entry will do, because an entry only counts if it matches what is on disk")
                .hint("or take one side whole: git checkout --ours (or --theirs) -- FILE"),
            LockError::Broken { .. } => Self::usage(message)
                .hint("restore it (git checkout -- FILE), or move it away: then every stage runs once more"),
            LockError::Schema { .. } => {
                Self::usage(message).hint("a newer playbook wrote it; update this one, or move the file away to start anew")
            }
            LockError::Twins { second, .. } => Self::usage(message)
                .hint(format!("rename one of them; if {} is a leftover, remove it", second.display())),
            LockError::NoPlaybook { .. } => {
                Self::usage(message).hint("name one with -f FILE, or begin with 'playbook init'")
            }
            LockError::ForeignPlaybook { .. } => {
                Self::usage(message).hint("if you trust it, name it: playbook run -f FILE")
            }
            LockError::Held { .. } => Self::new(Outcome::Held, message).hint("without --no-wait it would be waited for"),
            LockError::RunLock { .. } => Self::new(Outcome::Surroundings, message),
            LockError::JournalUnreadable { path, .. } => Self::new(Outcome::Surroundings, message)
                .hint("make it readable: it says what the last run had finished and what it was in the middle of")
                .hint(format!("or, to go on without that, remove {}: then what it finished last runs again", path.display())),
            LockError::JournalFormat { .. } => Self::usage(message)
                .hint("run the playbook once with the version that wrote it: it puts right what the dead run left"),
            LockError::Unreadable { source, .. }
            | LockError::EventsUnreadable { source, .. }
            | LockError::PlaybookUnreadable { source, .. }
                if is_ours(&source) =>
            {
                Self::new(Outcome::Surroundings, message).hint(advice(&source).unwrap_or_default())
            }
            LockError::EventsUnreadable { .. } => {
                Self::usage(message).hint("make it readable: it says what past runs did")
            }
            LockError::Unreadable { .. } => Self::usage(message)
                .hint("make it readable, or move it away: then every stage runs once more"),
            _ => Self::usage(message),
        }
    }
}

/// A playbook with errors: each with its line, and how many there are.
fn of_findings(path: &std::path::Path, findings: &Findings) -> CliError {
    let errors = findings.errors().count();
    let mut error = CliError::usage(format!(
        "{}: {} in the playbook; nothing was run",
        path.display(),
        if errors == 1 {
            "1 error".to_owned()
        } else {
            format!("{errors} errors")
        }
    ));
    error.detail = render_findings(path, findings);
    error
}

impl From<HashError> for CliError {
    fn from(error: HashError) -> Self {
        Self::new(Outcome::Surroundings, error.to_string())
    }
}

impl From<DiskError> for CliError {
    fn from(error: DiskError) -> Self {
        Self::new(Outcome::Surroundings, error.to_string()).hints_of(&error)
    }
}

impl CliError {
    /// With advice on what the disk refused.
    fn hints_of(self, error: &DiskError) -> Self {
        match advice(&error.source) {
            Some(advice) => self.hint(advice),
            None => self,
        }
    }
}

/// Whether it is not the file's fault that it cannot be read.
fn is_ours(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::IO))
}

/// Advice as it stands below an error.
pub(crate) fn hint_line(advice: &str) -> String {
    format!("  {}: {advice}\n", paint(Tone::Strong, "hint"))
}

/// What to do about what the system refused.
pub(crate) fn advice(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            return Some("free some space and run again");
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            return Some("make it writable and run again");
        }
        _ => {}
    }
    match error.raw_os_error().map(Errno::from_raw_os_error)? {
        Errno::MFILE | Errno::NFILE => {
            Some("raise the limit on open files (ulimit -n), or use fewer jobs (-j), and run again")
        }
        Errno::IO => Some("the disk itself reports an error: look at the system's log (dmesg)"),
        _ => None,
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever was reading has seen enough.
            io::ErrorKind::BrokenPipe => Self::new(Outcome::Done, ""),
            _ => Self::new(
                Outcome::Surroundings,
                format!("cannot write the output: {error}"),
            ),
        }
    }
}
