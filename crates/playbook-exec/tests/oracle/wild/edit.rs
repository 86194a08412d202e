//! Random wildcard stages, and random edits of the files that they are made from.

use proptest::prelude::*;

use crate::edit::{Way, any_way};

/// What files there may be. Of some no stage is made: they begin with a dot, lie deeper, or may be ignored.
pub(crate) const NAMES: [&str; 9] = [
    ".hidden.txt",
    "0.txt",
    "A.txt",
    "a.md",
    "a.txt",
    "b.txt",
    "c.txt.txt",
    "ignored.txt",
    "sub/d.txt",
];
/// A file that says this makes its stage fail.
pub(crate) const BAD: u8 = 4;

/// How the playbook is written.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) salt: u8,
    pub(crate) param: u8,
    pub(crate) extension: &'static str,
    /// The second stages only say how long what they read is.
    pub(crate) is_short: bool,
    /// What is collected is what the second stages make.
    pub(crate) collects_second: bool,
    /// The first stages read a file that they have in common.
    pub(crate) has_common: bool,
}

/// One change between two runs.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Nothing,
    Put(usize, u8),
    /// It keeps its size and mtime.
    PutInSecret(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Common(u8),
    Param(u8),
    Salt(u8),
    Extension(&'static str),
    ToggleShort,
    ToggleCollected,
    ToggleCommon,
    /// `.playbookignore` comes or goes.
    ToggleIgnore,
    /// The nth of all outs that there are.
    Out(usize, Damage),
    /// A file of the user's that matches what is only made by stages.
    AddLeftover,
    Checkout(usize),
    Forget(usize),
}

#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Remove,
    Tamper,
    TamperInSecret,
    Touch,
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let name = || 0..NAMES.len();
    let says = || prop_oneof![12 => 0..BAD, 1 => Just(BAD)];
    let damage = prop_oneof![
        3 => Just(Damage::Remove),
        3 => Just(Damage::Tamper),
        2 => Just(Damage::TamperInSecret),
        1 => Just(Damage::Touch),
    ];
    prop_oneof![
        4 => Just(Edit::Nothing),
        6 => (name(), says()).prop_map(|(name, says)| Edit::Put(name, says)),
        3 => (name(), says()).prop_map(|(name, says)| Edit::PutInSecret(name, says)),
        4 => name().prop_map(Edit::Remove),
        4 => (name(), name()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => (0..3_u8).prop_map(Edit::Common),
        1 => (0..3_u8).prop_map(Edit::Param),
        1 => (0..3_u8).prop_map(Edit::Salt),
        1 => prop_oneof![Just("txt"), Just("md")].prop_map(Edit::Extension),
        1 => Just(Edit::ToggleShort),
        1 => Just(Edit::ToggleCollected),
        1 => Just(Edit::ToggleCommon),
        1 => Just(Edit::ToggleIgnore),
        5 => (0..32_usize, damage).prop_map(|(nth, damage)| Edit::Out(nth, damage)),
        1 => Just(Edit::AddLeftover),
        1 => (0..8_usize).prop_map(Edit::Checkout),
        1 => (0..3_usize).prop_map(Edit::Forget),
    ]
}

pub(crate) type History = (Shape, Vec<(usize, u8)>, Vec<(Vec<Edit>, Way)>);

pub(crate) fn any_history() -> impl Strategy<Value = History> {
    let flags = (prop::bool::weighted(0.3), prop::bool::ANY, prop::bool::ANY);
    let shape = flags.prop_map(|(is_short, collects_second, has_common)| Shape {
        salt: 0,
        param: 0,
        extension: "txt",
        is_short,
        collects_second,
        has_common,
    });
    let files = prop::collection::vec((0..NAMES.len(), 0..BAD), 0..=5);
    let edits = prop::collection::vec(any_edit(), 1..=3);
    let steps = prop::collection::vec((edits, any_way(6)), 5..=8);
    (shape, files, steps)
}
