//! Random fan-outs and random edits of everything that decides about their jobs.

use proptest::prelude::*;

use crate::edit::{Way, any_way};

/// What files there may be in the directory that is split, in the order of their bytes.
pub(crate) const NAMES: [&str; 7] = [
    "-b.txt",
    "a.txt",
    "d.md",
    "q'uo\"te.txt",
    "sub/a.txt",
    "sub/deep/$g.txt",
    "sub/e f.txt",
];
/// An input that says this makes its job fail.
pub(crate) const BAD: u8 = 4;
pub(crate) const PARAMS: usize = 2;
/// The param that no command mentions: who uses it says so.
pub(crate) const DECLARED: usize = 1;
pub(crate) const GLOBS: [Option<&str>; 4] = [None, Some("*.txt"), Some("**/*.txt"), Some("sub/**")];

/// A stage that is split.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says a thing of its own"
)]
pub(crate) struct Fan {
    /// Files of a job; `None` for one by one.
    pub(crate) size: Option<u8>,
    pub(crate) glob: usize,
    pub(crate) has_ext: bool,
    pub(crate) salt: u8,
    pub(crate) env: u8,
    /// Jobs only say how long what they read is: many changes make the same.
    pub(crate) short: bool,
    pub(crate) param: Option<usize>,
    pub(crate) extra: Extra,
    pub(crate) is_after: bool,
    pub(crate) deterministic: bool,
    /// Decides about no result.
    pub(crate) workers: u8,
}

/// What every job reads besides its own input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Extra {
    Nothing,
    /// A file.
    Source,
    /// What another stage makes.
    Made,
}

/// One change between two runs.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Nothing,
    /// An input gets these contents, or comes into being.
    Put(usize, u8),
    /// The same in place, and it keeps its size and mtime.
    PutInSecret(usize, u8),
    Remove(usize),
    /// An input gets another name, perhaps one that another had.
    Rename(usize, usize),
    /// What the stage before all others reads.
    Source(u8),
    /// What every job may read.
    Extra(u8),
    Param(usize, u8),
    Fan(usize, Change),
    Out(usize, Damage),
    Record(usize, Lost),
    /// The lock of an earlier moment is back.
    Checkout(usize),
    /// One of the program's own files is gone.
    Forget(usize),
}

/// A stage is written in another way.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Size(Option<u8>),
    Glob(usize),
    Ext,
    Salt(u8),
    Env(u8),
    Extra(Extra),
    Workers(u8),
}

/// Something is done to an out by hand.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Remove(usize),
    Tamper(usize),
    /// It keeps its size and mtime.
    TamperInSecret(usize),
    Touch(usize),
    /// A file of the user's among the outputs.
    Add(usize),
    Gone,
    /// A file of the user's in place of the directory.
    File,
}

/// Something happens to the record of jobs.
#[derive(Debug, Clone)]
pub(crate) enum Lost {
    All,
    /// One bit is another one.
    Bit(usize),
    /// It ends here.
    Tail(usize),
    /// It is that of an earlier moment.
    Old(usize),
}

fn any_extra() -> impl Strategy<Value = Extra> {
    prop_oneof![
        3 => Just(Extra::Nothing),
        2 => Just(Extra::Source),
        2 => Just(Extra::Made),
    ]
}

fn any_size() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.4, 1..4_u8)
}

fn any_fan() -> impl Strategy<Value = Fan> {
    let param = prop::option::weighted(0.5, 0..PARAMS);
    let flags = (
        prop::bool::ANY,
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.25),
        prop::bool::weighted(0.9),
    );
    let parts = (any_size(), 0..GLOBS.len(), flags, param, any_extra());
    parts.prop_map(|(size, glob, flags, param, extra)| {
        let (has_ext, short, is_after, deterministic) = flags;
        Fan {
            size,
            glob,
            has_ext,
            salt: 0,
            env: 0,
            short,
            param,
            extra,
            is_after,
            deterministic,
            workers: 0,
        }
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_size().prop_map(Change::Size),
        (0..GLOBS.len()).prop_map(Change::Glob),
        Just(Change::Ext),
        (0..3_u8).prop_map(Change::Salt),
        (0..3_u8).prop_map(Change::Env),
        any_extra().prop_map(Change::Extra),
        (0..4_u8).prop_map(Change::Workers),
    ]
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let nth = || 0..NAMES.len();
    prop_oneof![
        3 => nth().prop_map(Damage::Remove),
        3 => nth().prop_map(Damage::Tamper),
        2 => nth().prop_map(Damage::TamperInSecret),
        1 => nth().prop_map(Damage::Touch),
        3 => nth().prop_map(Damage::Add),
        1 => Just(Damage::Gone),
        1 => Just(Damage::File),
    ]
}

fn any_loss() -> impl Strategy<Value = Lost> {
    prop_oneof![
        Just(Lost::All),
        (0..8192_usize).prop_map(Lost::Bit),
        (0..8192_usize).prop_map(Lost::Tail),
        (0..8_usize).prop_map(Lost::Old),
    ]
}

fn any_edit(fans: usize) -> impl Strategy<Value = Edit> {
    let name = || 0..NAMES.len();
    // Few are bad.
    let says = || prop_oneof![12 => 0..BAD, 1 => Just(BAD)];
    prop_oneof![
        4 => Just(Edit::Nothing),
        6 => (name(), says()).prop_map(|(name, says)| Edit::Put(name, says)),
        4 => (name(), says()).prop_map(|(name, says)| Edit::PutInSecret(name, says)),
        3 => name().prop_map(Edit::Remove),
        3 => (name(), name()).prop_map(|(from, to)| Edit::Rename(from, to)),
        2 => (0..4_u8).prop_map(Edit::Source),
        1 => (0..3_u8).prop_map(Edit::Extra),
        2 => (0..PARAMS, 0..3_u8).prop_map(|(param, to)| Edit::Param(param, to)),
        4 => (0..fans, any_change()).prop_map(|(fan, change)| Edit::Fan(fan, change)),
        6 => (0..fans, any_damage()).prop_map(|(fan, damage)| Edit::Out(fan, damage)),
        2 => (0..fans, any_loss()).prop_map(|(fan, loss)| Edit::Record(fan, loss)),
        1 => (0..8_usize).prop_map(Edit::Checkout),
        1 => (0..3_usize).prop_map(Edit::Forget),
    ]
}

pub(crate) type History = (Vec<Fan>, Vec<(usize, u8)>, Vec<(Vec<Edit>, Way)>);

pub(crate) fn any_history() -> impl Strategy<Value = History> {
    (1..3_usize).prop_flat_map(|count| {
        let fans = prop::collection::vec(any_fan(), count);
        let files = prop::collection::vec((0..NAMES.len(), 0..BAD), 1..=5);
        let edits = prop::collection::vec(any_edit(count), 1..=3);
        let steps = prop::collection::vec((edits, any_way(count + 2)), 5..=8);
        (fans, files, steps)
    })
}
