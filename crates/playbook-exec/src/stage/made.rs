//! What stands at a stage's outs: before it runs, whether the lock knows it; after, its digests.

use std::path::Path;

use playbook_hash::{DigestMemo, HashError, IgnoreRules};
use playbook_types::model::stage::{Out, Stage};
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, StageEntry};

use crate::outputs::{OldOut, Places};
use crate::stage::cause::FailureCause;

/// The means to look at data.
#[derive(Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub(super) places: &'a Places,
    pub(super) memo: &'a DigestMemo,
    pub(super) ignore: &'a IgnoreRules,
}

impl Eyes<'_> {
    /// The outs of a stage that is about to run, each with whether the lock records what stands there.
    pub(super) fn old_outs(&self, stage: &Stage, entry: Option<&StageEntry>) -> Vec<OldOut> {
        stage
            .outs
            .iter()
            .map(|out| self.old_out(out, entry))
            .collect()
    }

    fn old_out(&self, out: &Out, entry: Option<&StageEntry>) -> OldOut {
        let recorded =
            entry.and_then(|entry| entry.outs.iter().find(|recorded| recorded.path == out.path));
        let known = recorded.and_then(|recorded| recorded.hash);
        let same = || {
            let found = self
                .memo
                .digest(&self.places.resolve(&out.path), self.ignore);
            let ignored = recorded.and_then(|recorded| recorded.ignored).unwrap_or(0);
            found.is_ok_and(|found| Some(found.digest) == known && found.ignored == ignored)
        };
        OldOut {
            path: out.path.clone(),
            persist: out.persist,
            // What was adopted its stage did not make, and could perhaps not make again.
            recorded: !out.persist
                && known.is_some()
                && entry.is_some_and(|entry| !entry.adopted)
                && same(),
            symlink: recorded.and_then(|recorded| recorded.symlink.clone()),
        }
    }

    /// Digests of everything the stage was to make.
    pub(crate) fn made(&self, stage: &Stage) -> Result<Vec<DataEntry>, FailureCause> {
        let mut made = Vec::new();
        let mut missing = Vec::new();
        for out in &stage.outs {
            match self.entry(&out.path) {
                Ok(entry) => made.push(entry),
                Err(error) if error.is_not_found() => missing.push(out.path.clone()),
                Err(HashError::Halted { .. }) => return Err(FailureCause::Interrupted),
                Err(error) => return Err(FailureCause::Outs(error)),
            }
        }
        if missing.is_empty() {
            Ok(made)
        } else {
            Err(FailureCause::OutsNotMade { outs: missing })
        }
    }

    /// Digests of the reports that a gate wrote, whichever these are; `None` if one of them cannot be digested.
    pub(super) fn reports(&self, stage: &Stage) -> Option<Vec<DataEntry>> {
        let mut reports = Vec::new();
        for out in &stage.outs {
            match self.entry(&out.path) {
                Ok(entry) => reports.push(entry),
                Err(error) if error.is_not_found() => {}
                Err(_) => return None,
            }
        }
        Some(reports)
    }

    pub(crate) fn entry(&self, path: &DataPath) -> Result<DataEntry, HashError> {
        let place = self.places.resolve(path);
        let found = self.memo.digest(&place, self.ignore)?;
        Ok(DataEntry {
            path: path.clone(),
            hash: Some(found.digest),
            file_count: Some(found.file_count),
            total_bytes: Some(found.total_bytes),
            ignored: Some(found.ignored).filter(|count| *count > 0),
            symlink: link_text(&place),
        })
    }

    /// Deps that are no longer what the stage was decided on.
    pub(crate) fn moved(&self, deps: &[playbook_hash::DataDigest]) -> Vec<DataPath> {
        let same = |dep: &&playbook_hash::DataDigest| {
            let found = self
                .memo
                .digest(&self.places.resolve(&dep.path), self.ignore);
            found.is_ok_and(|found| found.digest == dep.digest)
        };
        deps.iter()
            .filter(|dep| !same(dep))
            .map(|dep| dep.path.clone())
            .collect()
    }
}

/// The text of a symbolic link; none where no link stands.
fn link_text(path: &Path) -> Option<String> {
    std::fs::read_link(path)
        .ok()
        .map(|target| target.to_string_lossy().into_owned())
}
