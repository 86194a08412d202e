//! Why a stage must run. Each variant has one sentence for people and one JSON form for programs.

#![deny(clippy::wildcard_enum_match_arm)]

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::model::fanout::Split;
use crate::model::shell::ShellMode;
use crate::name::{EnvName, ParamKey, StageName};
use crate::path::DataPath;
use crate::value::ParamValue;

/// One reason why a stage's recorded result does not stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum InvalidationReason {
    /// The user asked for it.
    Forced,
    /// A stage this one is ordered after ran since, or one it needs was forced in this run.
    UpstreamRerun {
        /// That stage.
        stage: StageName,
    },
    /// There is no lock file.
    NoLockFile,
    /// The lock file has no usable entry for this stage.
    StageNotInLock,
    /// The last run of this stage did not end well.
    PreviousRunIncomplete {
        /// The status it was left with.
        status: String,
    },
    /// A dep changed while the stage last ran, so its result proves nothing.
    DepMoved {
        /// That dep.
        path: DataPath,
    },
    /// It runs each time, whatever is on record.
    AlwaysRuns {
        /// Why; `None` in records of earlier versions, which did not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<AlwaysCause>,
    },
    /// The command is another one.
    CmdChanged {
        /// Of the recorded command, if known.
        old: Option<Digest>,
        /// Of the command now.
        new: Digest,
    },
    /// The contents of a dep are others.
    DepChanged {
        /// That dep.
        path: DataPath,
        /// Its recorded digest, if known.
        old: Option<Digest>,
        /// Its digest now.
        new: Digest,
        /// How many of its files differ, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<FileCounts>,
        /// It is a directory now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        directory: bool,
    },
    /// It reads something it did not read before.
    DepAdded {
        /// The new dep.
        path: DataPath,
    },
    /// It no longer reads something.
    DepRemoved {
        /// The former dep.
        path: DataPath,
    },
    /// Params it uses have other values.
    ParamsChanged {
        /// Each of them.
        changes: Vec<ParamChange>,
    },
    /// Its declared environment is another one.
    EnvChanged {
        /// Which variables differ, when that is known. What they say is never told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variables: Option<EnvChanges>,
    },
    /// Another shell reads its command.
    ShellChanged {
        /// The recorded shell.
        old: ShellMode,
        /// The shell now.
        new: ShellMode,
    },
    /// It runs in another directory.
    WdirChanged {
        /// The recorded directory; `None` is the root.
        old: Option<DataPath>,
        /// The directory now.
        new: Option<DataPath>,
    },
    /// It makes something else.
    OutsChanged {
        /// Outs it did not have.
        added: Vec<DataPath>,
        /// Outs it no longer has.
        removed: Vec<DataPath>,
    },
    /// Its input is split into jobs in another way.
    SplitChanged {
        /// The recorded way; `None` is not at all, or not known.
        old: Option<Split>,
        /// The way now; `None` is not at all.
        new: Option<Split>,
    },
    /// The key differs though no part of it is seen to differ: another generator made it.
    CacheKeyMismatch {
        /// The recorded key.
        old: Digest,
        /// The key now.
        new: Digest,
    },
    /// An out is gone.
    OutputMissing {
        /// That out.
        path: DataPath,
    },
    /// An out is not what the stage made.
    OutputModified {
        /// That out.
        path: DataPath,
        /// Its recorded digest, if known.
        old: Option<Digest>,
        /// Its digest now.
        new: Digest,
        /// How many of its files differ, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<FileCounts>,
        /// It is a directory now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        directory: bool,
    },
}

/// Why a stage runs each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlwaysCause {
    /// It is declared `deterministic: false`.
    NotDeterministic,
    /// It has no outs, deps, params or `after`.
    NothingToDecideBy,
    /// It is a check of `compliance`, and nobody says what it looks at.
    ComplianceCheck,
    /// The policy says `lock_file: false`.
    NothingRecorded,
}

/// A param whose value changed. `None` is a param that was not, or is no longer, used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParamChange {
    /// Its dotted key.
    pub param: ParamKey,
    /// Its recorded value.
    pub old: Option<ParamValue>,
    /// Its value now.
    pub new: Option<ParamValue>,
}

/// Which variables of a declared environment differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvChanges {
    /// Only declared now.
    pub added: Vec<EnvName>,
    /// Only declared before.
    pub removed: Vec<EnvName>,
    /// Declared both times, with other values.
    pub changed: Vec<EnvName>,
}

/// How many files of a directory differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// Only there now.
    pub added: u64,
    /// Only there before.
    pub removed: u64,
    /// There both times, with other contents.
    pub changed: u64,
}

impl InvalidationReason {
    /// The stable name of the variant, as in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::UpstreamRerun { .. } => "upstream_rerun",
            Self::NoLockFile => "no_lock_file",
            Self::StageNotInLock => "stage_not_in_lock",
            Self::PreviousRunIncomplete { .. } => "previous_run_incomplete",
            Self::DepMoved { .. } => "dep_moved",
            Self::AlwaysRuns { .. } => "always_runs",
            Self::CmdChanged { .. } => "cmd_changed",
            Self::DepChanged { .. } => "dep_changed",
            Self::DepAdded { .. } => "dep_added",
            Self::DepRemoved { .. } => "dep_removed",
            Self::ParamsChanged { .. } => "params_changed",
            Self::EnvChanged { .. } => "env_changed",
            Self::ShellChanged { .. } => "shell_changed",
            Self::WdirChanged { .. } => "wdir_changed",
            Self::OutsChanged { .. } => "outs_changed",
            Self::SplitChanged { .. } => "split_changed",
            Self::CacheKeyMismatch { .. } => "cache_key_mismatch",
            Self::OutputMissing { .. } => "output_missing",
            Self::OutputModified { .. } => "output_modified",
        }
    }
}

/// One line a person understands.
impl fmt::Display for InvalidationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forced => f.write_str("forced (--force)"),
            Self::UpstreamRerun { stage } => {
                write!(f, "'{stage}' has run since this stage last did (after)")
            }
            Self::NoLockFile => f.write_str("no lock file found (first run)"),
            Self::StageNotInLock => f.write_str("not in the lock file (new stage)"),
            Self::PreviousRunIncomplete { status } => {
                write!(f, "previous run did not complete ({status})")
            }
            Self::DepMoved { path } => write!(
                f,
                "{path} changed while the stage last ran (if its own command writes {path}, that is so each time)"
            ),
            Self::AlwaysRuns { cause: None } => f.write_str("always runs"),
            Self::AlwaysRuns { cause: Some(cause) } => write!(f, "always runs ({cause})"),
            Self::CmdChanged { .. } => f.write_str("command changed"),
            Self::DepChanged { path, files, directory, .. } => match files {
                Some(counts) => write!(f, "{path}/: {counts}"),
                None => write!(f, "{path}{} changed", slash(*directory)),
            },
            Self::DepAdded { path } => write!(f, "{path} is a new dep"),
            Self::DepRemoved { path } => write!(f, "{path} is no longer a dep"),
            Self::ParamsChanged { changes } => write_changes(f, changes),
            Self::EnvChanged { variables } => match variables {
                Some(variables) => write!(f, "env: {variables}"),
                None => f.write_str("declared environment changed (which variables is not known)"),
            },
            Self::ShellChanged { old, new } => write!(f, "shell: {} → {}", old.word(), new.word()),
            Self::WdirChanged { old, new } => write!(
                f,
                "wdir: {} → {}",
                wdir_word(old.as_ref()),
                wdir_word(new.as_ref())
            ),
            Self::OutsChanged { added, removed } => write_outs(f, added, removed),
            Self::SplitChanged { old, new } => write_split(f, old.as_ref(), new.as_ref()),
            Self::CacheKeyMismatch { .. } => f.write_str(
                "the lock has another cache_key for it, though all that it is made of is the same; probably another version of playbook wrote that, and one run sets it right",
            ),
            Self::OutputMissing { path } => write!(f, "{path} is missing"),
            Self::OutputModified { path, files, directory, .. } => match files {
                Some(counts) => write!(f, "{path}/ was modified since it was made: {counts}"),
                None => write!(f, "{path}{} was modified since it was made", slash(*directory)),
            },
        }
    }
}

/// What stands behind the path of a directory.
fn slash(directory: bool) -> &'static str {
    if directory { "/" } else { "" }
}

fn write_split(
    f: &mut fmt::Formatter<'_>,
    old: Option<&Split>,
    new: Option<&Split>,
) -> fmt::Result {
    match (old, new) {
        (Some(old), Some(new)) => write!(f, "split into jobs: {old} → {new}"),
        (None, Some(new)) => write!(f, "its input is now split into jobs: {new}"),
        (_, None) => f.write_str("its input is no longer split into jobs"),
    }
}

fn wdir_word(wdir: Option<&DataPath>) -> &str {
    wdir.map_or(".", DataPath::as_str)
}

fn write_changes(f: &mut fmt::Formatter<'_>, changes: &[ParamChange]) -> fmt::Result {
    f.write_str(if changes.len() == 1 {
        "param "
    } else {
        "params "
    })?;
    for (i, change) in changes.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        match (&change.old, &change.new) {
            (Some(old), Some(new)) => write!(f, "{}: {old} → {new}", change.param)?,
            (None, Some(new)) => write!(f, "{}: {new}, newly declared", change.param)?,
            (Some(old), None) => write!(f, "{}: {old}, no longer declared", change.param)?,
            (None, None) => write!(f, "{}", change.param)?,
        }
    }
    Ok(())
}

fn write_outs(f: &mut fmt::Formatter<'_>, added: &[DataPath], removed: &[DataPath]) -> fmt::Result {
    f.write_str("outs changed (")?;
    let signed = added
        .iter()
        .map(|path| ('+', path))
        .chain(removed.iter().map(|path| ('-', path)));
    for (i, (sign, path)) in signed.enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{sign}{path}")?;
    }
    f.write_str(")")
}

/// What stands behind "always runs".
impl fmt::Display for AlwaysCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDeterministic => "deterministic: false",
            Self::NothingToDecideBy => "it has no outs, deps, params or 'after' to decide by",
            Self::ComplianceCheck => "as every check of compliance",
            Self::NothingRecorded => "policy.lock_file is false, so nothing is on record",
        })
    }
}

/// `MODE changed, LANG newly declared`.
impl fmt::Display for EnvChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (&self.changed, "changed"),
            (&self.added, "newly declared"),
            (&self.removed, "no longer declared"),
        ];
        let all = parts
            .into_iter()
            .flat_map(|(names, what)| names.iter().map(move |name| (name, what)));
        for (n, (name, what)) in all.enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            write!(f, "{comma}{name} {what}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FileCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.changed, "changed"),
            (self.added, "added"),
            (self.removed, "removed"),
        ];
        let mut first = true;
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            if first {
                write!(
                    f,
                    "{count} {} {what}",
                    if count == 1 { "file" } else { "files" }
                )?;
                first = false;
            } else {
                write!(f, ", {count} {what}")?;
            }
        }
        if first {
            f.write_str("an empty directory or a link changed")
        } else {
            Ok(())
        }
    }
}
