//! What a value may be.

use crate::value::ParamValue;

/// A map with these fields and no others.
#[derive(Debug)]
pub(crate) struct Fields {
    /// In the order a person reads about them.
    pub(crate) all: &'static [Field],
    /// What holds between fields, as a part of a JSON Schema.
    pub(crate) between: Option<fn() -> ParamValue>,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What it may be.
    pub(crate) shape: Shape,
    /// What it is for, as an editor shows it.
    pub(crate) about: &'static str,
    /// It cannot be left out.
    pub(crate) required: bool,
    /// It is read and checked, and `run` refuses it.
    pub(crate) not_yet: bool,
    /// What it is where it is left out, if that can be written.
    pub(crate) default: Option<&'static str>,
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The version of the language.
    Version,
    /// Any text.
    Text,
    /// Text that says something.
    Filled,
    /// The path of data.
    Path,
    /// The path of data that a stage reads or makes.
    DataPath,
    /// A map of lists of any values; each, or all, may be a param.
    Matrix,
    /// A list of any values, or a param.
    Axis,
    /// A list or a map of any values, or a param.
    Foreach,
    /// A name.
    Name(Key),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number of at least this.
    Count(u32),
    /// A number of at least this.
    Number(u32),
    /// A duration; `positive` if it has to be longer than nothing.
    Duration { positive: bool },
    /// One of these words.
    Words(fn() -> Vec<(&'static str, &'static str)>),
    /// A text, a number or a boolean.
    Scalar,
    /// Any value a param may have.
    Param,
    /// A map with known fields.
    Map(&'static Fields),
    /// A map from names to values.
    MapOf {
        key: Key,
        value: &'static Self,
        least: u32,
    },
    /// A list.
    List { of: &'static Self, least: u32 },
    /// A list, or a lone text that stands for a list of one.
    ListOrOne { of: &'static Self, least: u32 },
    /// A text of the first kind, or a map of the second.
    TextOr(&'static Self, &'static Fields),
}

/// The rule for a name, as the pattern of a regular expression.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// What JSON Schema and people's editors check. It may let more through than the parser, never less.
    pub(crate) pattern: &'static str,
    /// The rule in words.
    pub(crate) rule: &'static str,
}

impl Fields {
    pub(crate) const fn new(all: &'static [Field]) -> Self {
        Self { all, between: None }
    }

    /// Whether there is a field of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|field| field.name == name)
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.all.iter().map(|field| field.name)
    }

    /// The names as a message lists them.
    pub(crate) fn list(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}

impl Field {
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self {
            name,
            shape,
            about,
            required: false,
            not_yet: false,
            default: None,
        }
    }

    pub(crate) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    pub(crate) const fn not_yet(self) -> Self {
        Self {
            not_yet: true,
            ..self
        }
    }

    pub(crate) const fn default(self, word: &'static str) -> Self {
        Self {
            default: Some(word),
            ..self
        }
    }
}
