//! What verifying came to, for a person.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use playbook_hash::{DataKind, ListingDiff, PathDigest};
use playbook_lock::{Checked, Finding, Unverified, Verification, Whose, WhyNot};
use playbook_types::name::StageName;
use playbook_types::record::lock::{DataEntry, EntryStatus};

use crate::render::harmless::harmless;
use crate::render::units::bytes;
use crate::render::units::duration;
use crate::term::{Tone, paint};

/// So many files of each kind are named; the JSON form has all.
const NAMED: usize = 20;
/// What stands in front of a line that goes on.
const INDENT: &str = "         ";

/// Each difference, what cannot be verified and, if asked for with how long it took, a summary. What is as recorded is named
/// only if that is asked for.
pub(super) fn told(found: &Verification, took: Option<Duration>, all: bool) -> String {
    let mut text = String::new();
    for checked in &found.checked {
        one(&mut text, checked, all);
    }
    for Unverified { stage, why } in &found.unverified {
        let stage = harmless(stage.as_str());
        let word = paint(Tone::Warn, "unknown");
        writeln!(text, "{word}  stage '{stage}' {}", why_not(why)).ok();
    }
    if let Some(took) = took {
        writeln!(text, "{}", summary(found, took)).ok();
    }
    text
}

fn one(text: &mut String, checked: &Checked, all: bool) {
    let Checked {
        recorded,
        whose,
        finding,
    } = checked;
    let path = harmless(recorded.path.as_str());
    match finding {
        Finding::Same(_) if !all => {}
        Finding::Same(now) => {
            let word = paint(Tone::Good, "same   ");
            writeln!(text, "{word}  {path}: {} ({})", amount(now), who(whose)).ok();
        }
        Finding::Missing => {
            let word = paint(Tone::Bad, "missing");
            writeln!(text, "{word}  {path}\n{INDENT}{}", who(whose)).ok();
        }
        Finding::NoDigest(error) => {
            let (word, error) = (paint(Tone::Bad, "unread "), error.to_string());
            writeln!(text, "{word}  {}\n{INDENT}{}", harmless(&error), who(whose)).ok();
        }
        Finding::Differs { now, was, files } => {
            let word = paint(Tone::Act, "changed");
            let change = change(recorded, now, *was, files.as_ref());
            writeln!(text, "{word}  {path}: {change}\n{INDENT}{}", who(whose)).ok();
            if let Some(files) = files {
                name_files(text, &path, files);
            }
        }
    }
}

/// What is not as recorded: the kind, the files, or both digests and both sizes.
fn change(
    recorded: &DataEntry,
    now: &PathDigest,
    was: Option<DataKind>,
    files: Option<&ListingDiff>,
) -> String {
    let old = recorded
        .hash
        .map_or_else(|| "unknown".to_owned(), |hash| hash.short());
    let digests = paint(
        Tone::Dim,
        &format!("({old} → {new})", new = now.digest.short()),
    );
    let what = match (was, now.kind, files) {
        (Some(DataKind::Directory), DataKind::File, _) => {
            "was a directory, is a file now".to_owned()
        }
        (Some(DataKind::File), DataKind::Directory, _) => {
            "was a file, is a directory now".to_owned()
        }
        (_, _, Some(files)) if !files.is_empty() => counts(files),
        _ => "contents changed".to_owned(),
    };
    let before = recorded_amount(recorded, now.kind);
    let after = match (was, now.kind, recorded.file_count) {
        // What was one file may have been a directory of one.
        (None, DataKind::Directory, Some(1)) => format!("a directory of {}", amount(now)),
        _ => amount(now),
    };
    let amounts = match before {
        Some(before) if before != after => format!(", {before} → {after}"),
        Some(_) => format!(", {after}"),
        None => String::new(),
    };
    format!("{what} {digests}{amounts}")
}

fn name_files(text: &mut String, path: &str, files: &ListingDiff) {
    let parts = [
        ("~", Tone::Act, &files.changed),
        ("+", Tone::Good, &files.added),
        ("-", Tone::Bad, &files.removed),
    ];
    for (sign, tone, paths) in parts {
        let mut line = |what: &str| {
            writeln!(text, "{INDENT}{}", paint(tone, &format!("{sign} {what}"))).ok();
        };
        for file in paths.iter().take(NAMED) {
            line(&below(path, file));
        }
        if paths.len() > NAMED {
            line(&format!(
                "and {} more (--json has all)",
                paths.len() - NAMED
            ));
        }
    }
}

fn below(path: &str, file: &Path) -> String {
    format!("{path}/{}", harmless(&file.to_string_lossy()))
}

fn counts(files: &ListingDiff) -> String {
    let parts = [
        (files.changed.len(), "changed"),
        (files.added.len(), "added"),
        (files.removed.len(), "removed"),
    ];
    let shown = parts.into_iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    shown.join(", ")
}

fn amount(now: &PathDigest) -> String {
    of_kind(now.kind, now.file_count, now.total_bytes)
}

fn recorded_amount(recorded: &DataEntry, now: DataKind) -> Option<String> {
    let (count, total) = (recorded.file_count?, recorded.total_bytes?);
    // One file may also have been a directory of one.
    let kind = if count == 1 { now } else { DataKind::Directory };
    Some(of_kind(kind, count, total))
}

fn of_kind(kind: DataKind, count: u64, total: u64) -> String {
    match (kind, count) {
        (DataKind::File, _) => bytes(total),
        (DataKind::Directory, 1) => format!("1 file, {}", bytes(total)),
        (DataKind::Directory, count) => format!("{count} files, {}", bytes(total)),
    }
}

/// `made by 'a', read by 'b' and 'c'`.
fn who(whose: &Whose) -> String {
    let sides = [("made by", &whose.made_by), ("read by", &whose.read_by)];
    let sides = sides.into_iter().filter(|(_, stages)| !stages.is_empty());
    let told: Vec<String> = sides
        .map(|(how, stages)| format!("{how} {}", names(stages)))
        .collect();
    told.join(", ")
}

fn names(stages: &[StageName]) -> String {
    const FEW: usize = 3;
    let quoted = stages
        .iter()
        .take(FEW)
        .map(|stage| format!("'{}'", harmless(stage.as_str())));
    let mut names: Vec<String> = quoted.collect();
    if stages.len() > FEW {
        names.push(format!("{} more", stages.len() - FEW));
    }
    match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    }
}

fn why_not(why: &WhyNot) -> String {
    match why {
        WhyNot::NotInLock => "is not in the lock: it has not run yet".to_owned(),
        WhyNot::Gone => "is no longer in the playbook".to_owned(),
        WhyNot::BeingRun { pid } => format!("is being run now (pid {pid})"),
        WhyNot::NotCompleted(EntryStatus::Failed) => "failed when it ran last".to_owned(),
        WhyNot::NotCompleted(EntryStatus::Running) => "was interrupted when it ran last".to_owned(),
        WhyNot::NotCompleted(other) => {
            format!("has the status '{}' in the lock", harmless(other.word()))
        }
        WhyNot::NoKey { moved } if moved.is_empty() => {
            "has no key in the lock: nothing relies on its entry".to_owned()
        }
        WhyNot::NoKey { moved } => {
            let moved: Vec<_> = moved.iter().map(|path| harmless(path.as_str())).collect();
            format!("read what changed while it ran ({})", moved.join(", "))
        }
        WhyNot::NoDigest(path) => {
            format!("has no digest of {} in the lock", harmless(path.as_str()))
        }
    }
}

/// `1 changed · 41 as recorded · 1 stage not verified (read 43 files, 1.2 GiB, in 0.41 s)`.
fn summary(found: &Verification, took: Duration) -> String {
    let count = |of: fn(&Finding) -> bool| {
        let all = found.checked.iter();
        all.filter(|checked| of(&checked.finding)).count()
    };
    let stages: std::collections::BTreeSet<&StageName> =
        found.unverified.iter().map(|it| &it.stage).collect();
    let parts = [
        (
            count(|it| matches!(it, Finding::Differs { .. })),
            Tone::Act,
            "changed",
        ),
        (
            count(|it| matches!(it, Finding::Missing)),
            Tone::Bad,
            "missing",
        ),
        (
            count(|it| matches!(it, Finding::NoDigest(_))),
            Tone::Bad,
            "unread",
        ),
    ];
    let mut told: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, tone, what)| paint(tone, &format!("{count} {what}")))
        .collect();
    let same = count(|it| matches!(it, Finding::Same(_)));
    told.push(format!("{same} as recorded"));
    match stages.len() {
        0 => {}
        1 => told.push("1 stage not verified".to_owned()),
        count => told.push(format!("{count} stages not verified")),
    }
    let read = of_kind(DataKind::Directory, found.files, found.bytes);
    let took = duration(took.as_secs_f64());
    format!("{} (read {read}, in {took})", told.join(" · "))
}
