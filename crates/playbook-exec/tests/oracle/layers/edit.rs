//! Random files with params, one over the other, and random edits of them.

use proptest::prelude::*;

use crate::edit::{Way, any_way};

/// Files that may lie over the first one, which has every param.
pub(crate) const FILES: usize = 3;
/// `a`, `m.x`, `m.y`, and the list `l`.
pub(crate) const KEYS: usize = 4;
/// As they are written in every format.
pub(crate) const VALUES: [&str; 5] = ["1", "\"1\"", "2", "\"two words\"", "true"];

/// What one file says of each param, if it does; as an index of [`VALUES`].
pub(crate) type Layer = [Option<usize>; KEYS];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Yaml,
    Toml,
    Json,
}

/// A file of params as it is at first.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) says: Layer,
    pub(crate) format: Format,
    pub(crate) is_listed: bool,
}

/// One change between two runs.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Nothing,
    /// A file says this of a param, or nothing any more.
    Set(usize, usize, Option<usize>),
    /// The first file says this of a param.
    Base(usize, usize),
    /// The playbook itself does.
    Own(usize, Option<usize>),
    /// A file says something that no stage uses.
    Unused(usize, usize),
    /// The same is said with another comment.
    Comment(usize),
    /// A file has another name, or is in another directory; the playbook follows.
    Move(usize),
    /// The same is written in another format.
    Rewrite(usize, Format),
    Touch(usize),
    /// A file is named by the playbook, or no longer.
    ToggleListed(usize),
    /// The files are named in another order.
    Reorder,
    DeleteOut(usize),
    Tamper(usize),
    Checkout(usize),
    Forget(usize),
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Yaml), Just(Format::Toml), Just(Format::Json)]
}

fn any_file() -> impl Strategy<Value = File> {
    let said = || prop::option::weighted(0.5, 0..VALUES.len());
    let says = [said(), said(), said(), said()];
    let parts = (says, any_format(), prop::bool::weighted(0.7));
    parts.prop_map(|(says, format, is_listed)| File {
        says,
        format,
        is_listed,
    })
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let file = || 0..FILES;
    let key = || 0..KEYS;
    let value = || 0..VALUES.len();
    let said = || prop::option::weighted(0.7, value());
    prop_oneof![
        3 => Just(Edit::Nothing),
        8 => (file(), key(), said()).prop_map(|(file, key, to)| Edit::Set(file, key, to)),
        3 => (key(), value()).prop_map(|(key, to)| Edit::Base(key, to)),
        2 => (key(), said()).prop_map(|(key, to)| Edit::Own(key, to)),
        3 => (file(), value()).prop_map(|(file, to)| Edit::Unused(file, to)),
        2 => file().prop_map(Edit::Comment),
        2 => file().prop_map(Edit::Move),
        2 => (file(), any_format()).prop_map(|(file, format)| Edit::Rewrite(file, format)),
        1 => file().prop_map(Edit::Touch),
        2 => file().prop_map(Edit::ToggleListed),
        2 => Just(Edit::Reorder),
        1 => (0..5_usize).prop_map(Edit::DeleteOut),
        1 => (0..5_usize).prop_map(Edit::Tamper),
        1 => (0..8_usize).prop_map(Edit::Checkout),
        1 => (0..3_usize).prop_map(Edit::Forget),
    ]
}

pub(crate) type History = (Vec<File>, Vec<(Vec<Edit>, Way)>);

pub(crate) fn any_history() -> impl Strategy<Value = History> {
    let files = prop::collection::vec(any_file(), FILES);
    let edits = prop::collection::vec(any_edit(), 1..=2);
    let steps = prop::collection::vec((edits, any_way(5)), 5..=8);
    (files, steps)
}
