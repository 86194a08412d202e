//! A dep or an out as it was recorded and as it is.

use std::path::{Path, PathBuf};

use playbook_exec::plan::{DataNow, ExplainedData};
use playbook_hash::{DataKind, ListingDiff};
use playbook_types::name::StageName;

use crate::render::harmless::harmless;
use crate::render::units::{bytes, to_the_second};
use crate::term::{Tone, paint};

/// So many files of each kind are named; the JSON form has all.
const NAMED: usize = 10;

/// Whether the stage reads or makes the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Reads,
    Makes,
}

/// The path as it is shown: a directory ends with a slash.
pub(super) fn shown(data: &ExplainedData<'_>) -> String {
    let path = harmless(data.path.as_str());
    match &data.now {
        DataNow::Found(found) if found.kind == DataKind::Directory => format!("{path}/"),
        DataNow::ToCome(_) if was_directory(data) => format!("{path}/"),
        DataNow::Found(_) | DataNow::Missing | DataNow::ToCome(_) | DataNow::Unreadable(_) => {
            path.into_owned()
        }
    }
}

/// The record does not say what stood there, but one file alone is most likely a file.
fn was_directory(data: &ExplainedData<'_>) -> bool {
    let recorded = data.recorded.and_then(|recorded| recorded.file_count);
    recorded.is_some_and(|files| files != 1)
}

/// What the record that data is compared with is of.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// There is one of the stage.
    pub(super) known: bool,
    /// It is of a run whose outs were discarded: those that are there are of one before.
    pub(super) put_back: bool,
}

/// What became of the data since it was recorded, in a few words.
pub(super) fn word(data: &ExplainedData<'_>, side: Side, record: Record) -> String {
    let was = data.recorded.and_then(|recorded| recorded.hash);
    match (&data.now, was) {
        _ if !data.declared => paint(Tone::Act, "no longer declared"),
        (DataNow::ToCome(makers), _) => paint(
            Tone::Warn,
            &format!("comes from {}, which is not up to date", names(makers)),
        ),
        (DataNow::Missing, _) if side == Side::Makes && data.recorded.is_none() => {
            paint(Tone::Dim, "not made yet")
        }
        (DataNow::Missing, _) => paint(Tone::Bad, "missing"),
        (DataNow::Unreadable(error), _) => paint(Tone::Bad, &harmless(error)),
        (DataNow::Found(_), _) if data.recorded.is_none() => {
            let word = if record.known {
                "newly declared"
            } else {
                "not recorded for this stage"
            };
            format!("{} ({})", paint(Tone::Act, word), amount(data))
        }
        (DataNow::Found(found), Some(was)) if found.digest == was => {
            let same = match side {
                Side::Makes if record.put_back => "as before that run",
                _ => "same",
            };
            format!("{same} ({})", amount(data))
        }
        (DataNow::Found(found), was) => {
            let change = match &data.files {
                Some(files) => counts(files),
                None => "changed".to_owned(),
            };
            let now = amount(data);
            let before = data.recorded.and_then(|recorded| {
                Some(amount_of(
                    found.kind,
                    recorded.file_count?,
                    recorded.total_bytes?,
                ))
            });
            let amounts = match before.filter(|_| was.is_some()) {
                None => now,
                Some(before) if before == now => format!("still {now}"),
                Some(before) => format!("{before} → {now}"),
            };
            format!("{} ({amounts})", paint(Tone::Act, &change))
        }
    }
}

/// Further lines: which files, and who made it anew.
pub(super) fn details(data: &ExplainedData<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let listed = data.files.is_some();
    if let DataNow::Found(found) = &data.now
        && found.kind == DataKind::Directory
        && data.recorded.is_some()
        && !data.is_same()
        && !listed
    {
        let unknown = "which of its files is not known, because the list of what it held is no longer in .playbook/; the next run writes a new one";
        lines.push(unknown.to_owned());
    }
    if let Some(files) = &data.files {
        let parts = [
            ("~", Tone::Act, &files.changed),
            ("+", Tone::Good, &files.added),
            ("-", Tone::Bad, &files.removed),
        ];
        for (sign, tone, paths) in parts {
            for path in paths.iter().take(NAMED) {
                lines.push(paint(tone, &format!("{sign} {}", below(data, path))));
            }
            if paths.len() > NAMED {
                let more = format!("{sign} and {} more", paths.len() - NAMED);
                lines.push(paint(tone, &more));
            }
        }
    }
    for maker in &data.makers {
        if let Some(made) = maker.made_anew {
            let (stage, made) = (&maker.stage, to_the_second(made));
            lines.push(format!("made anew by '{stage}' at {made}"));
        }
    }
    lines
}

fn below(data: &ExplainedData<'_>, path: &Path) -> String {
    let whole: PathBuf = Path::new(data.path.as_str()).join(path);
    harmless(&whole.to_string_lossy()).into_owned()
}

/// `2 changed, 1 added, 3 removed`.
fn counts(files: &ListingDiff) -> String {
    let parts = [
        (files.changed.len(), "changed"),
        (files.added.len(), "added"),
        (files.removed.len(), "removed"),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if shown.is_empty() {
        "changed".to_owned()
    } else {
        shown.join(", ")
    }
}

/// `1.2 MiB`, or `3 files, 1.2 MiB`.
fn amount(data: &ExplainedData<'_>) -> String {
    let DataNow::Found(found) = &data.now else {
        return String::new();
    };
    amount_of(found.kind, found.file_count, found.total_bytes)
}

fn amount_of(kind: DataKind, files: u64, size: u64) -> String {
    let size = bytes(size);
    match (kind, files) {
        (DataKind::File, _) => size,
        (DataKind::Directory, 1) => format!("1 file, {size}"),
        (DataKind::Directory, count) => format!("{count} files, {size}"),
    }
}

fn names(stages: &[StageName]) -> String {
    let quoted: Vec<String> = stages.iter().map(|stage| format!("'{stage}'")).collect();
    quoted.join(" and ")
}
