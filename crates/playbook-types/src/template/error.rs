//! What can be wrong with a template.

use std::fmt;

use crate::name::{EnvName, ParamKey};
use crate::template::shell::Where;
use crate::units::counted;

/// Something wrong at one place of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TemplateError {
    /// The text to underline.
    pub placeholder: String,
    /// Where it stands, in bytes from the start of the template.
    pub offset: usize,
    /// What is wrong.
    pub kind: TemplateErrorKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateErrorKind {
    /// `{{` without `}}`.
    Unclosed,
    /// Nothing that can stand between braces.
    Malformed {
        /// What it should have been.
        expected: &'static str,
    },
    /// A name no template knows.
    UnknownName {
        /// The name.
        name: String,
        /// The nearest that is known.
        suggestion: Option<String>,
    },
    /// A param the playbook does not have.
    UnknownParam {
        /// Its key.
        key: ParamKey,
        /// The nearest that exists.
        suggestion: Option<String>,
    },
    /// A dep the stage does not have.
    NoSuchDep {
        /// Its index.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// An out the stage does not have.
    NoSuchOut {
        /// Its index.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A variable that is not declared.
    UnknownEnv {
        /// Its name.
        name: EnvName,
        /// The nearest that is declared.
        suggestion: Option<String>,
    },
    /// A name that means something only in a fan-out.
    FanOutOnly {
        /// The name.
        name: &'static str,
    },
    /// A name that means something only in one of the stages of a `matrix` or `foreach`.
    ItemOnly {
        /// The name.
        name: &'static str,
    },
    /// Something the item does not have.
    UnknownItem {
        /// As it is written: `item.model`.
        name: String,
        /// The nearest that there is.
        suggestion: Option<String>,
    },
    /// An item that is no word: null, a map, or a list with such in it.
    ItemIsNoWord {
        /// As it is written: `item.model`.
        name: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// A name of a fan-out that splits in another way.
    OtherStrategy {
        /// The name.
        name: &'static str,
        /// Whether the jobs get several files.
        chunked: bool,
    },
    /// A wildcard the stage does not bind.
    WildcardUnbound {
        /// Its name.
        name: String,
    },
    /// A param without a value.
    NullParam {
        /// Its key.
        key: ParamKey,
    },
    /// A param that is a map.
    MapParam {
        /// Its key.
        key: ParamKey,
    },
    /// A list with something in it that is no single word.
    NestedList {
        /// The key of the param.
        key: ParamKey,
    },
    /// A value with a NUL byte, which no command can be given.
    Nul,
    /// A list where only one word can stand.
    ListInside {
        /// How many items it has.
        count: usize,
        /// Where it stands.
        place: String,
    },
    /// A list of any length where only one word can stand.
    OpenListInside {
        /// Where it stands.
        place: String,
    },
    /// A value that needs quoting where no quoting is sound.
    NotQuotable {
        /// Where it stands.
        place: Where,
        /// The kind of value, with its article.
        value: &'static str,
    },
    /// A value that would end the here-document it stands in.
    EndsHereDocument,
}

fn meant(suggestion: Option<&String>) -> String {
    suggestion
        .map(|word| format!("; did you mean '{word}'?"))
        .unwrap_or_default()
}

impl fmt::Display for TemplateErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => {
                f.write_str("'{{' is not closed by '}}' (for literal braces write {{ \"{{\" }})")
            }
            Self::Malformed { expected } => {
                write!(f, "this template is malformed: expected {expected}")
            }
            Self::UnknownName { name, suggestion } => write!(
                f,
                "a template knows no '{name}'{}{}",
                meant(suggestion.as_ref()),
                if suggestion.is_none() {
                    " (it knows params.…, deps[0].path, outs[0].path, env.…, stage.name)"
                } else {
                    ""
                }
            ),
            Self::UnknownParam { key, suggestion } => {
                write!(f, "there is no param '{key}'{}", meant(suggestion.as_ref()))
            }
            Self::NoSuchDep { index, count } => write!(
                f,
                "there is no deps[{index}]: the stage has {}",
                counted(*count, "dep")
            ),
            Self::NoSuchOut { index, count } => write!(
                f,
                "there is no outs[{index}]: the stage has {}",
                counted(*count, "out")
            ),
            Self::UnknownEnv { name, suggestion } => write!(
                f,
                "'{name}' is not declared under 'env'{}; only what is declared there is part of the cache key",
                meant(suggestion.as_ref())
            ),
            Self::FanOutOnly { name } => write!(
                f,
                "'{name}' means something only in a stage with 'parallel'"
            ),
            Self::ItemOnly { name } => write!(
                f,
                "'{name}' means something only in a stage with 'matrix' or 'foreach'"
            ),
            Self::UnknownItem { name, suggestion } => {
                write!(f, "there is no '{name}'{}", meant(suggestion.as_ref()))
            }
            Self::OtherStrategy { name, chunked } => write_strategy(f, name, *chunked),
            Self::WildcardUnbound { name } => {
                write!(f, "the stage's name has no wildcard '{{{name}}}'")
            }
            value => value.fmt_value(f),
        }
    }
}

impl TemplateErrorKind {
    /// What is wrong with a value, and not with what is written.
    fn fmt_value(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullParam { key } => write!(
                f,
                "the param '{key}' is null; give it a value, or \"\" for an empty argument"
            ),
            Self::MapParam { key } => {
                write!(f, "the param '{key}' is a map; name one of its values")
            }
            Self::ItemIsNoWord { name, kind } => {
                write!(f, "'{name}' is {kind}, and no word of a command")
            }
            Self::NestedList { key } => {
                write!(f, "the list '{key}' holds something that is no single word")
            }
            Self::Nul => f.write_str("a value with a NUL byte cannot be part of a command"),
            Self::ListInside { count, place } => {
                write!(
                    f,
                    "a list of {count} items cannot stand {place}: it must be a word of its own"
                )
            }
            Self::OpenListInside { place } => write!(
                f,
                "a list cannot stand {place}: it must be a word of its own"
            ),
            Self::NotQuotable { place, value } => write_not_quotable(f, *place, value),
            Self::EndsHereDocument => {
                f.write_str("the value would end the here-document it stands in")
            }
            _ => Ok(()),
        }
    }
}

fn write_strategy(f: &mut fmt::Formatter<'_>, name: &str, chunked: bool) -> fmt::Result {
    if chunked {
        write!(
            f,
            "a job of the strategy 'chunked' has several files: use {{{{ inputs }}}} and {{{{ outputs }}}}, not '{name}'"
        )
    } else {
        write!(
            f,
            "a job of the strategy 'per_file' has one file: use {{{{ input }}}} and {{{{ output }}}}, not '{name}'"
        )
    }
}

fn write_not_quotable(f: &mut fmt::Formatter<'_>, place: Where, value: &str) -> fmt::Result {
    if place.takes_no_value() {
        return write!(f, "no value can stand {place}");
    }
    write!(
        f,
        "{value} that needs quoting cannot stand {place}: there is no sound way to quote it there; put it in a variable or an argument first"
    )
}
