//! What stands between the braces.

use crate::name::{EnvName, ParamKey, is_wildcard_name};
use crate::suggest::nearest;
use crate::template::error::TemplateErrorKind;

/// What a placeholder refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `params.a.b`
    Param(ParamKey),
    /// `deps[0].path`
    Dep(usize),
    /// `deps`: all of them.
    Deps,
    /// `outs[0].path`
    Out(usize),
    /// `outs`: all of them.
    Outs,
    /// `env.NAME`
    Env(EnvName),
    /// `stage.name`
    StageName,
    /// `wildcards.sample`
    Wildcard(String),
    /// `item` or `item.model`
    Item(Vec<String>),
    /// A name that means something in a fan-out.
    FanOut(&'static str),
    /// Text in quotes, put in as it is: the way to write `{{`.
    Literal(String),
}

/// One `{{ … }}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The text, braces included.
    pub source: String,
    /// Where it stands, in bytes from the start of the template.
    pub offset: usize,
    /// What it refers to.
    pub reference: Reference,
    /// Whether its value is put in unquoted (`| raw`).
    pub raw: bool,
}

/// Names that mean something in a fan-out.
const FAN_OUT: [&str; 7] = [
    "input",
    "output",
    "inputs",
    "outputs",
    "input_stem",
    "input_dir",
    "work_dir",
];
/// First words, for suggestions.
const FIRST: [&str; 14] = [
    "params",
    "deps",
    "outs",
    "env",
    "stage",
    "wildcards",
    "item",
    "input",
    "output",
    "inputs",
    "outputs",
    "input_stem",
    "input_dir",
    "work_dir",
];

/// Reads the text between the braces; `true` if it ends in `| raw`.
pub(super) fn parse(inner: &str) -> Result<(Reference, bool), TemplateErrorKind> {
    let inner = inner.trim();
    if let Some(text) = literal(inner) {
        return Ok((Reference::Literal(text.to_owned()), true));
    }
    let (expression, raw) = match inner.split_once('|') {
        Some((expression, filter)) if filter.trim() == "raw" => (expression.trim(), true),
        Some(_) => {
            return Err(TemplateErrorKind::Malformed {
                expected: "'raw' after '|', the only filter there is",
            });
        }
        None => (inner, false),
    };
    Ok((expression_of(expression)?, raw))
}

fn literal(inner: &str) -> Option<&str> {
    ['"', '\''].iter().find_map(|quote| {
        let text = inner.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!text.contains(*quote)).then_some(text)
    })
}

fn expression_of(text: &str) -> Result<Reference, TemplateErrorKind> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    match first {
        "params" => match rest.strip_prefix('.').map(ParamKey::parse) {
            Some(Ok(key)) => Ok(Reference::Param(key)),
            _ => Err(TemplateErrorKind::Malformed {
                expected: "params.NAME, for instance params.model",
            }),
        },
        "deps" => indexed(rest, "deps[0].path, or deps for all of them")
            .map(|index| index.map_or(Reference::Deps, Reference::Dep)),
        "outs" => indexed(rest, "outs[0].path, or outs for all of them")
            .map(|index| index.map_or(Reference::Outs, Reference::Out)),
        "env" => match rest.strip_prefix('.').map(EnvName::parse) {
            Some(Ok(name)) => Ok(Reference::Env(name)),
            _ => Err(TemplateErrorKind::Malformed {
                expected: "env.NAME",
            }),
        },
        "stage" if rest == ".name" => Ok(Reference::StageName),
        "stage" => Err(TemplateErrorKind::Malformed {
            expected: "stage.name",
        }),
        "wildcards" => match rest.strip_prefix('.').filter(|name| is_wildcard_name(name)) {
            Some(name) => Ok(Reference::Wildcard(name.to_owned())),
            None => Err(TemplateErrorKind::Malformed {
                expected: "wildcards.NAME",
            }),
        },
        "item" => item(rest),
        _ => other(first, rest),
    }
}

/// `[0]`, `[0].path`, or nothing for all.
fn indexed(rest: &str, expected: &'static str) -> Result<Option<usize>, TemplateErrorKind> {
    let malformed = TemplateErrorKind::Malformed { expected };
    if rest.is_empty() {
        return Ok(None);
    }
    let Some((index, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return Err(malformed);
    };
    match index.trim().parse() {
        Ok(index) if behind.is_empty() || behind == ".path" => Ok(Some(index)),
        _ => Err(malformed),
    }
}

fn item(rest: &str) -> Result<Reference, TemplateErrorKind> {
    let parts = match rest.strip_prefix('.') {
        Some(path) => path.split('.').map(str::to_owned).collect(),
        None if rest.is_empty() => Vec::new(),
        None => {
            return Err(TemplateErrorKind::Malformed {
                expected: "item or item.NAME",
            });
        }
    };
    Ok(Reference::Item(parts))
}

fn other(first: &str, rest: &str) -> Result<Reference, TemplateErrorKind> {
    if let Some(name) = FAN_OUT
        .iter()
        .find(|name| **name == first && rest.is_empty())
    {
        return Ok(Reference::FanOut(name));
    }
    if first.is_empty() {
        return Err(TemplateErrorKind::Malformed {
            expected: "a name such as params.model or deps[0].path",
        });
    }
    let suggestion = nearest(first, FIRST).map(|word| format!("{word}{rest}"));
    Err(TemplateErrorKind::UnknownName {
        name: format!("{first}{rest}"),
        suggestion,
    })
}
