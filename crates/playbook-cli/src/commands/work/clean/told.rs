//! What is said of things that are removed, would be, or stay.

use std::fmt::Write as _;
use std::path::Path;

use playbook_exec::clean::{LeftOut, Spare, SpareKind};
use playbook_lock::Project;
use playbook_types::units::counted;

use crate::render::harmless::harmless;
use crate::render::units::bytes;
use crate::term::{Tone, paint};

/// So many work directories are named one by one.
const FEW: usize = 5;

/// How things are told of.
pub(super) struct Telling<'a> {
    pub(super) project: &'a Project,
    /// It is about some stages only.
    pub(super) some_stages: bool,
    /// They are gone; else they would go.
    pub(super) removed: bool,
}

impl Telling<'_> {
    /// Things of one kind.
    pub(super) fn tell(&self, text: &mut String, kind: SpareKind, spares: &[&Spare]) {
        let word = if self.removed {
            paint(Tone::Good, "removed")
        } else {
            paint(Tone::Act, "would go")
        };
        let mut line = |what: &str, size: u64| {
            writeln!(text, "{word}  {what} ({})", bytes(size)).ok();
        };
        let total = spares.iter().map(|spare| spare.bytes).sum();
        let count = |what: &str| counted(spares.len(), what);
        match kind {
            SpareKind::HalfWritten => {
                line(&count("half-written file"), total);
            }
            SpareKind::OldLogs | SpareKind::RecentLogs if self.some_stages => {
                line(&count("log"), total);
            }
            SpareKind::OldLogs => line(&format!("logs of {}", count("old run")), total),
            SpareKind::RecentLogs => line(&format!("logs of {}", count("recent run")), total),
            SpareKind::Cache => line("what only saves time", total),
            SpareKind::Failed
            | SpareKind::Kept
            | SpareKind::Jobs
            | SpareKind::GoneJobs
            | SpareKind::Out => {
                for spare in spares {
                    line(&self.described(spare), spare.bytes);
                }
            }
            SpareKind::WorkDirs => {
                for spare in spares {
                    writeln!(
                        text,
                        "{word}  {} ({})",
                        work_dirs(spare),
                        bytes(spare.bytes)
                    )
                    .ok();
                    for dir in spare.dirs.iter().take(FEW) {
                        writeln!(text, "            {}", self.shown(dir)).ok();
                    }
                    if spare.dirs.len() > FEW {
                        writeln!(text, "            and {} more", spare.dirs.len() - FEW).ok();
                    }
                }
            }
        }
    }

    fn described(&self, spare: &Spare) -> String {
        let path = self.shown(&spare.path);
        match (&spare.stage, spare.kind) {
            (Some(stage), SpareKind::Failed) => format!("{path}, left by '{stage}' when it failed"),
            (Some(stage), SpareKind::Kept) => {
                format!("{path}, yours: it stood where '{stage}' makes its outs")
            }
            (Some(stage), SpareKind::Jobs) => {
                format!(
                    "{path}, on record of the jobs of '{stage}': without it all of them run again"
                )
            }
            (Some(stage), SpareKind::GoneJobs) => {
                format!(
                    "{path}, on record of jobs of '{stage}', which is no fan-out of the playbook any more"
                )
            }
            (Some(stage), _) => format!("{path}, made by '{stage}'"),
            (None, _) => path,
        }
    }

    fn shown(&self, path: &Path) -> String {
        let root = self.project.root().as_path();
        let path = path.strip_prefix(root).unwrap_or(path);
        harmless(&path.to_string_lossy()).into_owned()
    }
}

/// Whose work directories they are.
fn work_dirs(spare: &Spare) -> String {
    let count = spare.dirs.len();
    match &spare.stage {
        Some(stage) => format!("what {} of '{stage}' left", counted(count, "failed job")),
        None => format!("what {} left", counted(count, "other job")),
    }
}

/// An out that stays.
pub(super) fn tell_left(text: &mut String, out: &LeftOut) {
    let LeftOut { stage, path, why } = out;
    let word = paint(Tone::Warn, "stays  ");
    let path = harmless(path.as_str());
    writeln!(text, "{word}  {path} of '{stage}': {why}").ok();
}
