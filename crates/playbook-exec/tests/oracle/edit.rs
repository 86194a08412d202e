//! Random playbooks, random edits of everything that decides about a run, and random ways to run.

use std::collections::BTreeSet;

use proptest::prelude::*;

/// Sources: files, and at last a directory.
pub(crate) const SOURCES: usize = 4;
/// The source that is a directory.
pub(crate) const DIRECTORY: usize = SOURCES - 1;
pub(crate) const PARAMS: usize = 2;

/// How a stage makes its out from what it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Everything it reads, then its salt and its param.
    Copy,
    /// Only how long what it reads is: many changes make the same out.
    Length,
    /// A directory with two files.
    Directory,
}

/// A stage of the random playbook.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) kind: Kind,
    /// Sources it reads.
    pub(crate) sources: BTreeSet<usize>,
    /// Earlier stages whose outs it reads.
    pub(crate) stages: BTreeSet<usize>,
    /// Earlier stages it is only ordered after.
    pub(crate) after: BTreeSet<usize>,
    pub(crate) salt: u8,
    pub(crate) param: Option<usize>,
    pub(crate) deterministic: bool,
    pub(crate) frozen: bool,
    /// It stands in the playbook.
    pub(crate) present: bool,
}

/// One change between two runs.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Nothing,
    /// A source gets these contents.
    Source(usize, u8),
    /// The same in place, and it keeps its mtime.
    SourceInSecret(usize, u8),
    /// A source is replaced by another file with these contents.
    SourceByRename(usize, u8),
    /// A source's time changes, its contents do not.
    Touch(usize),
    /// A source is replaced by a file of the same contents.
    Replace(usize),
    /// A source becomes a link to a file of the same contents, or is a file again.
    LinkSource(usize),
    /// A file that `.playbookignore` may name gets these contents.
    Ignorable(u8),
    /// `.playbookignore` comes or goes.
    ToggleIgnore,
    Param(usize, u8),
    Salt(usize, u8),
    /// An out disappears.
    DeleteOut(usize),
    /// An out is edited.
    Tamper(usize),
    /// An out is edited, and keeps its size and mtime.
    TamperInSecret(usize),
    /// An out's time changes.
    TouchOut(usize),
    /// An out becomes a link to what it was.
    LinkOut(usize),
    /// A stage reads one source more or less.
    ToggleSource(usize, usize),
    /// A stage leaves the playbook or comes back.
    TogglePresent(usize),
    /// A stage is frozen, or no longer.
    ToggleFrozen(usize),
    /// The deps of a stage are written in the other order.
    Reorder,
    /// The playbook says the same in another text.
    Comment,
    /// A comment is written into the lock.
    CommentInLock,
    /// The lock of an earlier moment is back.
    Checkout(usize),
    /// One of the program's own files is damaged at some byte.
    Damage(usize, usize),
    /// One of the program's own files is gone.
    Forget(usize),
}

/// How a run is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By what the stats say, as far as they say anything.
    ByStats,
    /// With everything worked out.
    Ordinary,
    /// With everything worked out and every file read.
    ReadingEverything,
    /// Of one stage and what it needs.
    Part(usize),
}

pub(crate) type Step = (Vec<Edit>, Way);

fn any_stage(index: usize) -> impl Strategy<Value = Stage> {
    let kind =
        prop_oneof![3 => Just(Kind::Copy), 2 => Just(Kind::Length), 1 => Just(Kind::Directory)];
    let sources = prop::collection::btree_set(0..SOURCES, 0..=2);
    let above = || prop::collection::btree_set(0..index.max(1), 0..=2);
    let after = prop_oneof![3 => Just(BTreeSet::new()), 1 => above()];
    let param = prop::option::weighted(0.4, 0..PARAMS);
    let deterministic = prop::bool::weighted(0.93);
    let parts = (kind, sources, above(), after, 0..3_u8, param, deterministic);
    parts.prop_map(
        move |(kind, sources, stages, mut after, salt, param, deterministic)| {
            let stages = if index == 0 { BTreeSet::new() } else { stages };
            after.retain(|stage| *stage < index && !stages.contains(stage));
            Stage {
                kind,
                sources,
                stages,
                after,
                salt,
                param,
                deterministic,
                frozen: false,
                present: true,
            }
        },
    )
}

fn any_edit(stages: usize) -> impl Strategy<Value = Edit> {
    let source = || 0..SOURCES;
    let stage = || 0..stages;
    prop_oneof![
        8 => Just(Edit::Nothing),
        4 => (source(), 0..4_u8).prop_map(|(source, to)| Edit::Source(source, to)),
        4 => (source(), 0..4_u8).prop_map(|(source, to)| Edit::SourceInSecret(source, to)),
        2 => (source(), 0..4_u8).prop_map(|(source, to)| Edit::SourceByRename(source, to)),
        3 => on_a_source(),
        2 => (0..3_u8).prop_map(Edit::Ignorable),
        2 => Just(Edit::ToggleIgnore),
        1 => (0..PARAMS, 0..3_u8).prop_map(|(param, to)| Edit::Param(param, to)),
        1 => (stage(), 0..3_u8).prop_map(|(stage, to)| Edit::Salt(stage, to)),
        8 => on_an_out(stages),
        1 => (stage(), source()).prop_map(|(stage, source)| Edit::ToggleSource(stage, source)),
        1 => stage().prop_map(Edit::TogglePresent),
        1 => stage().prop_map(Edit::ToggleFrozen),
        1 => Just(Edit::Reorder),
        1 => Just(Edit::Comment),
        1 => Just(Edit::CommentInLock),
        2 => (0..8_usize).prop_map(Edit::Checkout),
        1 => (0..OWN_FILES, 0..4096_usize).prop_map(|(file, at)| Edit::Damage(file, at)),
        1 => (0..OWN_FILES).prop_map(Edit::Forget),
    ]
}

fn on_a_source() -> impl Strategy<Value = Edit> {
    (0..SOURCES, 0..3_u8).prop_map(|(source, what)| match what {
        0 => Edit::Touch(source),
        1 => Edit::Replace(source),
        _ => Edit::LinkSource(source),
    })
}

fn on_an_out(stages: usize) -> impl Strategy<Value = Edit> {
    (0..stages, 0..8_u8).prop_map(|(stage, what)| match what {
        0 | 1 => Edit::DeleteOut(stage),
        2 | 3 => Edit::Tamper(stage),
        4 | 5 => Edit::TamperInSecret(stage),
        6 => Edit::TouchOut(stage),
        _ => Edit::LinkOut(stage),
    })
}

/// The program's own files that a run can do without.
const OWN_FILES: usize = 3;

pub(crate) const fn own_file(number: usize) -> &'static str {
    [
        ".playbook/playbook/settled",
        ".playbook/playbook/parsed",
        ".playbook/playbook/stat-cache",
    ][number]
}

pub(crate) fn any_way(stages: usize) -> impl Strategy<Value = Way> {
    prop_oneof![
        12 => Just(Way::ByStats),
        3 => Just(Way::Ordinary),
        1 => Just(Way::ReadingEverything),
        1 => (0..stages).prop_map(Way::Part),
    ]
}

pub(crate) fn any_history() -> impl Strategy<Value = (Vec<Stage>, Vec<Step>)> {
    (2..6_usize).prop_flat_map(|count| {
        let stages: Vec<_> = (0..count).map(any_stage).collect();
        let edits = prop::collection::vec(any_edit(count), 1..=2);
        let steps = prop::collection::vec((edits, any_way(count)), 5..=8);
        (stages, steps)
    })
}
