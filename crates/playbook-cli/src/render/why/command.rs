//! The command as it was and as it is.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::render::harmless::harmless;
use crate::render::why::Story;
use crate::term::{Tone, paint};

/// A command with more lines is not shown where nothing in it changed.
const SHORT: usize = 6;
/// Lines without a change that are shown around one.
const AROUND: usize = 2;

/// How the command compares with the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing is recorded.
    New,
    Same,
    /// It differs, but only in what the params and paths put into it.
    ByParams,
    Changed,
}

pub(super) fn compared(story: &Story<'_>) -> Compared {
    let explained = &story.explained;
    let recorded = explained.entry.and_then(|entry| entry.cmd_hash);
    let now = explained.resolved.map(|resolved| resolved.cmd_hash);
    match (recorded, now) {
        (None, _) => Compared::New,
        (old, new) if old == new => Compared::Same,
        _ if explained.same_template => Compared::ByParams,
        _ => Compared::Changed,
    }
}

/// Lines about the command.
pub(super) fn lines(story: &Story<'_>) -> Vec<String> {
    let now = story
        .explained
        .resolved
        .map_or("", |resolved| resolved.shown.as_str());
    match compared(story) {
        Compared::New => whole(now).collect(),
        Compared::Same if now.trim_end().lines().count() > SHORT => {
            let (stage, count) = (&story.explained.stage.name, now.trim_end().lines().count());
            vec![format!(
                "same ({count} lines; 'playbook debug {stage}' shows them)"
            )]
        }
        Compared::Same => std::iter::once("same".to_owned())
            .chain(whole(now))
            .collect(),
        Compared::ByParams => {
            let note = "same, but for the params and paths filled in".to_owned();
            std::iter::once(note).chain(diff(story, now)).collect()
        }
        Compared::Changed => std::iter::once(paint(Tone::Act, "changed"))
            .chain(diff(story, now))
            .collect(),
    }
}

fn diff(story: &Story<'_>, now: &str) -> Vec<String> {
    let Some(run) = &story.run else {
        let unknown =
            "what it was is not known: the lock has only its digest, and the event log no longer has that run. It is now:".to_owned();
        return std::iter::once(unknown).chain(whole(now)).collect();
    };
    if run.command == now {
        // What is masked cannot be shown to differ.
        return vec![
            "the difference is in a value from the environment, which is not shown".to_owned(),
        ];
    }
    let diff = TextDiff::from_lines(run.command.as_str(), now);
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if n > 0 {
            lines.push(dim("…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = harmless(change.value().trim_end_matches('\n'));
            let mut line = String::new();
            match change.tag() {
                ChangeTag::Delete => line.push_str(&paint(Tone::Bad, &format!("- {text}"))),
                ChangeTag::Insert => line.push_str(&paint(Tone::Good, &format!("+ {text}"))),
                ChangeTag::Equal => {
                    write!(line, "  {text}").ok();
                }
            }
            lines.push(line);
        }
    }
    lines
}

fn whole(command: &str) -> impl Iterator<Item = String> {
    command.trim_end().lines().map(dim)
}

fn dim(line: &str) -> String {
    paint(Tone::Dim, &harmless(line))
}
