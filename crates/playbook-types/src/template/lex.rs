//! A template's text, split into what is the shell's and what is ours.

use crate::template::error::{TemplateError, TemplateErrorKind};
use crate::template::reference::{self, Placeholder};

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(String),
    Value(Placeholder),
}

/// Splits a template; all errors are found.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Vec<TemplateError>> {
    let mut pieces = Vec::new();
    let mut errors = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        if open > at {
            pieces.push(Piece::Text(text[at..open].to_owned()));
        }
        let Some(end) = close(text, open + 2) else {
            errors.push(TemplateError {
                placeholder: "{{".to_owned(),
                offset: open,
                kind: TemplateErrorKind::Unclosed,
            });
            at = text.len();
            break;
        };
        let source = text[open..end].to_owned();
        match reference::parse(&text[open + 2..end - 2]) {
            Ok((reference, raw)) => pieces.push(Piece::Value(Placeholder {
                source,
                offset: open,
                reference,
                raw,
            })),
            Err(kind) => errors.push(TemplateError {
                placeholder: source,
                offset: open,
                kind,
            }),
        }
        at = end;
    }
    if at < text.len() {
        pieces.push(Piece::Text(text[at..].to_owned()));
    }
    if errors.is_empty() {
        Ok(pieces)
    } else {
        Err(errors)
    }
}

/// Just behind the `}}` that closes a placeholder; braces in quotes do not count. A placeholder stands on one line.
fn close(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    let rest = &text[from..];
    for (i, c) in rest.char_indices() {
        match (quote, c) {
            (_, '\n') => return None,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '}') if rest[i..].starts_with("}}") => return Some(from + i + 2),
            _ => {}
        }
    }
    // A lone quote is no reason to miss the end.
    quote.and_then(|_| rest.lines().next()?.find("}}").map(|i| from + i + 2))
}
