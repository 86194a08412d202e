//! What verifying came to, as JSON: an object for each path, then one for each stage that cannot be verified.

use std::path::PathBuf;

use playbook_hash::{DataKind, ListingDiff, PathDigest};
use playbook_lock::{Checked, Finding, Unverified, Verification, WhyNot};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use serde::Serialize;

/// One path.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a DataPath,
    result: &'static str,
    made_by: &'a [StageName],
    read_by: &'a [StageName],
    recorded: Data,
    /// Null if nothing that has a digest stands there.
    found: Option<Data>,
    /// The files that differ, if what was in the directory is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    hash: Option<Digest>,
    file_count: Option<u64>,
    total_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Files {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

/// One stage that cannot be verified, or one of its paths.
#[derive(Serialize)]
struct Unknown<'a> {
    stage: &'a StageName,
    result: &'static str,
    because: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "<[DataPath]>::is_empty")]
    paths: &'a [DataPath],
}

pub(super) fn lines(found: &Verification) -> String {
    let checked = found.checked.iter().map(|it| line(&row(it)));
    let unknown = found.unverified.iter().map(|it| line(&unknown(it)));
    checked.chain(unknown).collect()
}

fn line(row: &impl Serialize) -> String {
    // Nothing in it is what JSON cannot say.
    serde_json::to_string(row).unwrap_or_default() + "\n"
}

fn row(checked: &Checked) -> Row<'_> {
    let Checked {
        recorded,
        whose,
        finding,
    } = checked;
    let row = |result, now: Option<&PathDigest>| Row {
        path: &recorded.path,
        result,
        made_by: &whose.made_by,
        read_by: &whose.read_by,
        recorded: Data {
            kind: None,
            hash: recorded.hash,
            file_count: recorded.file_count,
            total_bytes: recorded.total_bytes,
        },
        found: now.map(data),
        files: None,
        error: None,
    };
    match finding {
        Finding::Same(now) => row("same", Some(now)),
        Finding::Missing => row("missing", None),
        Finding::Differs { now, was, files } => {
            let mut row = row("changed", Some(now));
            row.recorded.kind = was.map(word);
            row.files = files.as_ref().map(names);
            row
        }
        Finding::NoDigest(error) => Row {
            error: Some(error.to_string()),
            ..row("unread", None)
        },
    }
}

fn data(now: &PathDigest) -> Data {
    Data {
        kind: Some(word(now.kind)),
        hash: Some(now.digest),
        file_count: Some(now.file_count),
        total_bytes: Some(now.total_bytes),
    }
}

fn word(kind: DataKind) -> &'static str {
    match kind {
        DataKind::File => "file",
        DataKind::Directory => "directory",
    }
}

fn names(files: &ListingDiff) -> Files {
    let list = |paths: &[PathBuf]| {
        let paths = paths.iter();
        paths.map(|path| path.display().to_string()).collect()
    };
    Files {
        added: list(&files.added),
        removed: list(&files.removed),
        changed: list(&files.changed),
    }
}

fn unknown(unverified: &Unverified) -> Unknown<'_> {
    let Unverified { stage, why } = unverified;
    let because = |because| Unknown {
        stage,
        result: "unknown",
        because,
        status: None,
        paths: &[],
    };
    match why {
        WhyNot::NotInLock => because("not_in_lock"),
        WhyNot::Gone => because("not_in_playbook"),
        WhyNot::BeingRun { pid: _ } => because("running"),
        WhyNot::NotCompleted(status) => Unknown {
            status: Some(status.word()),
            ..because("not_completed")
        },
        WhyNot::NoKey { moved } => Unknown {
            paths: moved,
            ..because("no_key")
        },
        WhyNot::NoDigest(path) => Unknown {
            paths: std::slice::from_ref(path),
            ..because("no_digest")
        },
    }
}
