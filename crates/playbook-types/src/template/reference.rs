//! Reading what stands between the braces.

use crate::name::{EnvName, ParamKey, is_wildcard_name};
use crate::suggest::nearest;
use crate::template::ast::{FAN_OUT, Reference};
use crate::template::error::TemplateErrorKind;

/// What stands between the braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Text in quotes, put in as it is: the way to write `{{`.
    Literal(String),
    /// A reference, perhaps with `| raw`.
    Value { reference: Reference, raw: bool },
}

/// Names that begin a reference, besides those of a fan-out.
const ROOTS: [&str; 8] = [
    "params",
    "deps",
    "outs",
    "env",
    "stage",
    "wildcards",
    "item",
    "key",
];

/// Reads the text between the braces.
pub(super) fn parse(inner: &str) -> Result<Expression, TemplateErrorKind> {
    let inner = inner.trim();
    if let Some(text) = literal(inner) {
        return Ok(Expression::Literal(text.to_owned()));
    }
    let (text, raw) = match inner.split_once('|') {
        Some((text, filter)) if filter.trim() == "raw" => (text.trim(), true),
        Some(_) => return malformed("'raw' after '|', the only filter there is"),
        None => (inner, false),
    };
    Ok(Expression::Value {
        reference: reference(text)?,
        raw,
    })
}

fn literal(inner: &str) -> Option<&str> {
    ['"', '\''].iter().find_map(|quote| {
        let text = inner.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!text.contains(*quote)).then_some(text)
    })
}

fn malformed<T>(expected: &'static str) -> Result<T, TemplateErrorKind> {
    Err(TemplateErrorKind::Malformed { expected })
}

fn reference(text: &str) -> Result<Reference, TemplateErrorKind> {
    let (first, rest) = text.split_at(text.find(['.', '[']).unwrap_or(text.len()));
    match first {
        "params" => match rest.strip_prefix('.').map(ParamKey::parse) {
            Some(Ok(key)) => Ok(Reference::Param(key)),
            _ => malformed("params.NAME, for instance params.model"),
        },
        "deps" => indexed(rest, "deps[0].path, or deps for all of them")
            .map(|index| index.map_or(Reference::Deps, Reference::Dep)),
        "outs" => indexed(rest, "outs[0].path, or outs for all of them")
            .map(|index| index.map_or(Reference::Outs, Reference::Out)),
        "env" => match rest.strip_prefix('.').map(EnvName::parse) {
            Some(Ok(name)) => Ok(Reference::Env(name)),
            _ => malformed("env.NAME"),
        },
        "stage" if rest == ".name" => Ok(Reference::StageName),
        "stage" => malformed("stage.name"),
        "wildcards" => match rest.strip_prefix('.').filter(|name| is_wildcard_name(name)) {
            Some(name) => Ok(Reference::Wildcard(name.to_owned())),
            None => malformed("wildcards.NAME"),
        },
        "item" => item(rest),
        "key" if rest.is_empty() => Ok(Reference::Key),
        "key" => malformed("key"),
        _ => other(first, rest),
    }
}

/// `[0]`, `[0].path`, or nothing for all.
fn indexed(rest: &str, expected: &'static str) -> Result<Option<usize>, TemplateErrorKind> {
    if rest.is_empty() {
        return Ok(None);
    }
    let parts = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let Some((index, behind)) = parts else {
        return malformed(expected);
    };
    let index = index.trim();
    match index.parse() {
        Ok(number)
            if index.starts_with(|c: char| c.is_ascii_digit())
                && matches!(behind, "" | ".path") =>
        {
            Ok(Some(number))
        }
        _ => malformed(expected),
    }
}

fn item(rest: &str) -> Result<Reference, TemplateErrorKind> {
    let names: Vec<String> = match rest.strip_prefix('.') {
        Some(path) => path.split('.').map(str::to_owned).collect(),
        None if rest.is_empty() => Vec::new(),
        None => return malformed("item or item.NAME"),
    };
    if names.iter().all(|name| crate::name::is_param_part(name)) {
        Ok(Reference::Item(names))
    } else {
        malformed("item or item.NAME")
    }
}

fn other(first: &str, rest: &str) -> Result<Reference, TemplateErrorKind> {
    if let Some((_, reference)) = FAN_OUT
        .iter()
        .find(|(name, _)| *name == first && rest.is_empty())
    {
        return Ok(reference.clone());
    }
    if !first.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return malformed("a name such as params.model or deps[0].path");
    }
    let known = ROOTS
        .into_iter()
        .chain(FAN_OUT.iter().map(|(name, _)| *name));
    let suggestion = nearest(first, known).map(|word| format!("{word}{rest}"));
    Err(TemplateErrorKind::UnknownName {
        name: format!("{first}{rest}"),
        suggestion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Reference {
        match parse(text) {
            Ok(Expression::Value {
                reference,
                raw: false,
            }) => reference,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn references() {
        let key = |text| Reference::Param(ParamKey::parse(text).unwrap());
        for (text, expected) in [
            ("params.a.b", key("a.b")),
            (" params.x-y ", key("x-y")),
            ("deps", Reference::Deps),
            ("deps[0]", Reference::Dep(0)),
            ("deps[ 12 ].path", Reference::Dep(12)),
            ("outs[1].path", Reference::Out(1)),
            ("env.LANG", Reference::Env(EnvName::parse("LANG").unwrap())),
            ("stage.name", Reference::StageName),
            ("wildcards.sample", Reference::Wildcard("sample".to_owned())),
            ("item", Reference::Item(Vec::new())),
            (
                "item.a.b",
                Reference::Item(vec!["a".to_owned(), "b".to_owned()]),
            ),
            ("input_stem", Reference::InputStem),
            ("outputs", Reference::Outputs),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn filters_and_literals() {
        for text in ["deps | raw", "deps|raw"] {
            assert_eq!(
                parse(text),
                Ok(Expression::Value {
                    reference: Reference::Deps,
                    raw: true
                }),
                "{text}"
            );
        }
        for text in ["\"{{\"", " '{{' "] {
            assert_eq!(
                parse(text),
                Ok(Expression::Literal("{{".to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn refusals() {
        for text in [
            "",
            "params",
            "params.",
            "params.a b",
            "deps[",
            "deps[-1]",
            "deps[+1]",
            "deps[0].pth",
            "deps.0",
            "env",
            "env.1",
            "stage",
            "stage.x",
            "wildcards.a-b",
            "item.",
            "item[0]",
            ".Names",
            "deps | upper",
            "\"a",
            "{x",
        ] {
            assert!(
                matches!(parse(text), Err(TemplateErrorKind::Malformed { .. })),
                "{text}"
            );
        }
        let suggested = |text| match parse(text) {
            Err(TemplateErrorKind::UnknownName { suggestion, .. }) => suggestion,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(suggested("parms.x").as_deref(), Some("params.x"));
        assert_eq!(suggested("dep[0].path").as_deref(), Some("deps[0].path"));
        assert_eq!(suggested("frobnicate"), None);
    }
}
