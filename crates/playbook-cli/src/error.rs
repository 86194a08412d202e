//! Every error as a person is told it: what, where, and what to do next.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use playbook_exec::{ExecError, OutFault};
use playbook_hash::HashError;
use playbook_hash::disk::DiskError;
use playbook_lock::LockError;
use playbook_types::finding::{Finding, Findings, Origin};
use playbook_types::model::params::OverrideError;
use rustix::io::Errno;

use crate::args::names_yaml;
use crate::outcome::Outcome;
use crate::render::findings::render_findings;
use crate::render::harmless::harmless;
use crate::term::{Tone, paint};

/// What to do about what cannot happen.
const OUR_FAULT: &str = "this is a fault of playbook itself, not of the playbook: please report it";

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

    /// Something around the program that refuses.
    pub(crate) fn surroundings(message: impl Into<String>) -> Self {
        Self::new(Outcome::Surroundings, message)
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::new(
            Outcome::Surroundings,
            format!("cannot read {}: {error}", path.display()),
        )
    }

    /// A word where only a playbook may stand.
    pub(crate) fn no_such_playbook(word: &str) -> Self {
        if names_yaml(Path::new(word)) {
            return Self::usage(format!("there is no playbook file '{word}'")).hint(
                "correct its name; without one, the playbook here or in a directory above is taken",
            );
        }
        Self::usage(format!("'{word}' is not a playbook file"))
            .hint("this command is about a whole playbook: name its .yaml or .yml file, or none")
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
            ExecError::Unadoptable { faults } => unadoptable(&faults),
            ExecError::Selection {
                selector,
                suggestion,
                ..
            } => {
                let cli = Self::usage(message);
                match suggestion {
                    Some(name) => cli.hint(format!("did you mean '{name}'?")),
                    None if names_yaml(Path::new(&selector)) => {
                        cli.hint("and there is no playbook file of this name")
                    }
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
            ExecError::System { source, .. } => Self::new(Outcome::Surroundings, message).advised(&source),
            ExecError::Orphan { .. } => Self::new(Outcome::Surroundings, message)
                .hint("end it, or wait until it has ended, and run again"),
            ExecError::OldOuts { fault, .. } => {
                let cli = Self::new(Outcome::Surroundings, message);
                let cli = match fault {
                    OutFault::Disk(error) => cli.hints_of(&error),
                    OutFault::Gone { .. } => return cli.hint("what the stage made now is in its place; the next run goes on from there"),
                    _ => cli,
                };
                cli.hint("nothing is lost: they wait under a reserved name beside it (.playbook-aside-…), and the next run puts them right")
            }
            ExecError::Template { .. } | ExecError::Cycle(_) => {
                Self::usage(message).hint("'playbook validate' shows where")
            }
            ExecError::TooLarge { found } => too_large(&found),
            ExecError::ForbiddenOut { .. } => Self::usage(message)
                .hint("outs are set aside and made anew: name another path, below the root"),
            ExecError::Internal(_) => Self::new(Outcome::Surroundings, message).hint(OUR_FAULT),
            _ => Self::new(Outcome::Surroundings, message),
        }
    }
}

/// What is missing of stages that were to be adopted, all of it.
fn unadoptable(faults: &[playbook_exec::Unadoptable]) -> CliError {
    let mut error = CliError::usage("these stages cannot be adopted as they are; nothing was recorded")
        .hint("'playbook run' makes what is missing; 'playbook why STAGE' shows what a stage reads and makes");
    for fault in faults {
        let (word, what) = (paint(Tone::Bad, "error"), harmless(&fault.what));
        writeln!(error.detail, "{word}: stage '{}': {what}", fault.stage).ok();
    }
    error
}

/// Stages that ask for more than there is, all of them.
fn too_large(found: &[playbook_exec::TooLarge]) -> CliError {
    let mut error = CliError::usage("this machine has less than stages ask for; nothing was run")
        .hint("ask for less, or run it where there is more; 'playbook run STAGE' runs only what STAGE needs");
    for one in found {
        let (word, what) = (paint(Tone::Bad, "error"), one.to_string());
        writeln!(error.detail, "{word}: {}", harmless(&what)).ok();
    }
    if found.iter().any(|one| !one.asked.ends_with("disk")) {
        error = error.hint(
            "if it has more than can be seen, say so: targets: {big: {memory_gb: …, gpus: …}}, and 'target: big' in the stage",
        );
    }
    error
}

/// The same where nothing is to run.
pub(crate) fn warn_of_too_large(found: &[playbook_exec::TooLarge]) -> String {
    let mut text = String::new();
    for one in found {
        let (word, what) = (paint(Tone::Warn, "warning"), one.to_string());
        writeln!(text, "{word}: {}", harmless(&what)).ok();
    }
    text + &hint_line("'playbook run' refuses that on this machine")
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
            LockError::Override(error) => of_override(message, error),
            LockError::ParamsFileFormat { .. } => {
                Self::usage(message).hint("name it .yaml, .yml, .toml or .json")
            }
            LockError::Conflict { path, .. } => Self::usage(message)
                .hint("resolve the conflict as in any file; either side of an entry will do, because an entry only counts if it matches what is on disk")
                .hint(format!("or take one side whole: git checkout --ours (or --theirs) -- {}", path.display())),
            LockError::Broken { path, .. } => Self::usage(message)
                .hint(format!("restore it (git checkout -- {}), or move it away: then every stage runs once more", path.display())),
            LockError::Schema { .. } => {
                Self::usage(message).hint("a newer playbook wrote it; update this one, or move the file away to start anew")
            }
            LockError::Twins { second, .. } => Self::usage(message)
                .hint(format!("rename one of them; if {} is a leftover, remove it", second.display())),
            LockError::NoPlaybook { .. } => {
                Self::usage(message).hint("name one with -f FILE, or begin with 'playbook init'")
            }
            LockError::ForeignPlaybook { path } => Self::usage(message)
                .hint(format!("if you trust it, name it: playbook run -f {}", path.display())),
            LockError::Held { .. } => Self::new(Outcome::Held, message).hint("to wait for it, leave out --no-wait, or write 'concurrency: wait' under 'policy'"),
            LockError::RunLock { source, .. } => Self::new(Outcome::Surroundings, message).advised(&source),
            LockError::Unwritable { .. } => Self::usage(message).hint(OUR_FAULT),
            LockError::PlaybookNotText { .. } => Self::usage(message).hint("save it as UTF-8"),
            LockError::PlaybookName { .. } => Self::usage(message).hint("rename it: the names of its lock and its event log are made from it"),
            LockError::JournalUnreadable { path, .. } => Self::new(Outcome::Surroundings, message)
                .hint("make it readable: it says what the last run had finished and what it was in the middle of")
                .hint(format!("or, to go on without that, remove {}: then what it finished last runs again", path.display())),
            LockError::JournalFormat { .. } => Self::usage(message)
                .hint("run the playbook once with the version that wrote it: it puts right what the dead run left"),
            LockError::Unreadable { source, .. }
            | LockError::EventsUnreadable { source, .. }
            | LockError::PlaybookUnreadable { source, .. }
            | LockError::ParamsFileUnreadable { source, .. }
                if is_ours(&source) =>
            {
                Self::new(Outcome::Surroundings, message).hint(advice(&source).unwrap_or_default())
            }
            LockError::PlaybookUnreadable { source, .. } => Self::usage(message).hint(
                if source.kind() == io::ErrorKind::NotFound {
                    "name another with -f FILE, or begin with 'playbook init'"
                } else {
                    "make it readable, or name another with -f FILE"
                },
            ),
            LockError::ParamsFileUnreadable { source, .. } => Self::usage(message).hint(
                if source.kind() == io::ErrorKind::NotFound {
                    "its path is relative to where you are, not to the playbook"
                } else {
                    "make it a file that can be read, or name another"
                },
            ),
            LockError::EventsUnreadable { .. } => {
                Self::usage(message).hint("make it readable: it says what past runs did")
            }
            LockError::Unreadable { .. } => Self::usage(message)
                .hint("make it readable, or move it away: then every stage runs once more"),
            _ => Self::usage(message),
        }
    }
}

/// A param that cannot be set as asked.
fn of_override(message: String, error: OverrideError) -> CliError {
    let cli = CliError::usage(message);
    match error {
        OverrideError::Unknown {
            suggestion: Some(key),
            ..
        } => cli.hint(format!("did you mean '{key}'?")),
        OverrideError::Unknown { .. } => {
            cli.hint("only params that the playbook has can be set; add it to 'params' first")
        }
        OverrideError::NotAMap { at, .. } => {
            cli.hint(format!("set it as a whole: --set '{at}=VALUE'"))
        }
    }
}

/// A playbook with errors: each with its line, and how many there are.
fn of_findings(path: &std::path::Path, findings: &Findings) -> CliError {
    let errors = findings.errors().count();
    let own = |finding: &&Finding| finding.origin == Origin::Playbook;
    let place = match findings.errors().filter(own).count() {
        count if count == errors => "the playbook",
        0 => "its params files",
        _ => "the playbook and its params files",
    };
    let mut error = CliError::usage(format!(
        "{}: {} in {place}; nothing was run",
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
        let cli = Self::new(Outcome::Surroundings, error.to_string());
        match error {
            HashError::NotFound { .. } => {
                cli.hint("put it there, or correct the path in the playbook")
            }
            HashError::IsDirectory { .. } | HashError::NotADirectory { .. } => {
                cli.hint("correct the path in the playbook, or move away what stands there")
            }
            HashError::DanglingLink { .. } | HashError::LinkLoop { .. } => {
                cli.hint("correct the link, or remove it")
            }
            HashError::Special { .. } => cli.hint("move it away, or name it in .playbookignore"),
            HashError::Halted { .. } => cli.hint("run again to go on"),
            HashError::KeepsChanging { .. } => cli.hint("let what writes there end, and run again"),
            HashError::IgnorePattern { .. } => {
                cli.hint("correct the line: the syntax is that of .gitignore")
            }
            HashError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                cli.hint("make it readable and run again")
            }
            HashError::Io { source, .. } => cli.advised(&source),
            _ => cli,
        }
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
        self.advised(&error.source)
    }

    /// With advice on what the system refused.
    fn advised(self, error: &io::Error) -> Self {
        match advice(error) {
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
        Errno::AGAIN | Errno::NOMEM => Some(
            "the system has no room for more threads or processes: use fewer jobs (-j), or raise the limit (ulimit -u)",
        ),
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
