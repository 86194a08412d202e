//! Texts of a stage in which `{sample}`, `{{ item.model }}` and `{{ key }}` stand for something.

use indexmap::IndexMap;

use crate::expand::pattern::Part;
use crate::model::spread::Item;
use crate::template::{Piece, Reference, TemplateError, TemplateErrorKind, split};
use crate::value::ParamValue;

/// What is wrong with a text, and which part of it.
#[derive(Debug, Clone)]
pub(super) struct TextError {
    /// What is wrong.
    pub(super) message: String,
    /// The placeholder it is about.
    pub(super) placeholder: String,
    /// Which of several equal ones, from 0.
    pub(super) nth: usize,
    /// What to do about it, where that is known.
    pub(super) hint: Option<&'static str>,
}

/// Takes a path apart. Where there is an item its values are put in; wildcards stay.
pub(super) fn path_parts(text: &str, item: Option<&Item>) -> Result<Vec<Part>, Vec<TextError>> {
    let pieces = split(text, &|_| true).map_err(|errors| {
        let wrong = |error: TemplateError| wrong(text, &error, None);
        errors.into_iter().map(wrong).collect::<Vec<_>>()
    })?;
    let mut parts = Vec::new();
    let mut errors = Vec::new();
    for piece in pieces {
        let placeholder = match piece {
            Piece::Text(text) => {
                parts.push(Part::Text(text));
                continue;
            }
            Piece::Value(placeholder) => placeholder,
        };
        let value = match (&placeholder.reference, item) {
            (Reference::Wildcard(name), _) => {
                parts.push(Part::Wildcard(name.clone()));
                continue;
            }
            (Reference::Key | Reference::Item(_), Some(item)) => {
                value(item, &placeholder.reference)
            }
            (Reference::Key, None) => Err(TemplateErrorKind::ItemOnly { name: "key" }),
            (Reference::Item(_), None) => Err(TemplateErrorKind::ItemOnly { name: "item" }),
            _ => {
                let error = TemplateError {
                    placeholder: placeholder.source,
                    offset: placeholder.offset,
                    kind: TemplateErrorKind::Malformed { expected: "" },
                };
                let message = "only 'item', 'key' and wildcards can stand in a path";
                errors.push(TextError {
                    hint: Some("write the path out; params can be used in 'cmd', or give a 'foreach' its items"),
                    ..wrong(text, &error, Some(message))
                });
                continue;
            }
        };
        match value {
            // An empty one would make another path of what is around it: `{{ item }}/x` would be `/x`.
            Ok(value) if value.is_empty() => errors.push(TextError {
                message: format!(
                    "{} is empty here, and no part of a path",
                    placeholder.source
                ),
                placeholder: placeholder.source.clone(),
                nth: nth(text, &placeholder.source, placeholder.offset),
                hint: None,
            }),
            Ok(value) => parts.push(Part::Text(value)),
            Err(kind) => errors.push(wrong(
                text,
                &TemplateError {
                    placeholder: placeholder.source,
                    offset: placeholder.offset,
                    kind,
                },
                None,
            )),
        }
    }
    if errors.is_empty() {
        Ok(parts)
    } else {
        Err(errors)
    }
}

/// A text for people or for the environment with what the stage binds put in. All else stays as it is written.
pub(super) fn filled(
    text: &str,
    values: &IndexMap<String, String>,
    item: Option<&Item>,
) -> Result<String, TextError> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let Ok(pieces) = split(text, &|name| values.contains_key(name)) else {
        return Ok(text.to_owned());
    };
    let mut filled = String::with_capacity(text.len());
    for piece in pieces {
        let placeholder = match piece {
            Piece::Text(text) => {
                filled.push_str(&text);
                continue;
            }
            Piece::Value(placeholder) => placeholder,
        };
        let value = match (&placeholder.reference, item) {
            (Reference::Wildcard(name), _) => Ok(values.get(name).cloned()),
            (reference @ (Reference::Key | Reference::Item(_)), Some(item)) => {
                value(item, reference).map(Some)
            }
            _ => Ok(None),
        };
        match value {
            Ok(Some(value)) => filled.push_str(&value),
            Ok(None) => filled.push_str(&placeholder.source),
            Err(kind) => {
                let error = TemplateError {
                    placeholder: placeholder.source,
                    offset: placeholder.offset,
                    kind,
                };
                return Err(wrong(text, &error, None));
            }
        }
    }
    Ok(filled)
}

/// What `key` or `item.a` stands for, as text.
fn value(item: &Item, reference: &Reference) -> Result<String, TemplateErrorKind> {
    let Reference::Item(names) = reference else {
        return Ok(item.key.clone());
    };
    let value = item.get(names)?;
    value
        .scalar_text()
        .ok_or_else(|| TemplateErrorKind::ItemIsNoWord {
            name: std::iter::once("item")
                .chain(names.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join("."),
            kind: ParamValue::kind(value),
        })
}

fn wrong(text: &str, error: &TemplateError, message: Option<&str>) -> TextError {
    TextError {
        message: message.map_or_else(|| error.to_string(), str::to_owned),
        nth: nth(text, &error.placeholder, error.offset),
        placeholder: error.placeholder.clone(),
        hint: None,
    }
}

fn nth(text: &str, placeholder: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or("");
    before.matches(placeholder).count()
}
