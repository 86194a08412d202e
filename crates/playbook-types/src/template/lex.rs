//! A template's text, split into what is the shell's and what is ours.

use std::ops::Range;

use crate::name::is_wildcard_name;
use crate::template::ast::{Placeholder, Reference};
use crate::template::error::{TemplateError, TemplateErrorKind};
use crate::template::reference::{self, Expression};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The shell's text, literals in quotes (`{{ "{{" }}`) included; never two in a row.
    Text(String),
    /// A placeholder.
    Value(Placeholder),
}

/// Splits a template, or finds everything that is malformed in it. `{name}` is one of its placeholders where the name
/// is bound and no `$` stands before it: `${name}` is the shell's.
pub(crate) fn split(
    text: &str,
    is_bound: &dyn Fn(&str) -> bool,
) -> Result<Vec<Piece>, Vec<TemplateError>> {
    let mut lexer = Lexer {
        pieces: Vec::new(),
        errors: Vec::new(),
        is_bound,
    };
    let mut at = 0;
    while let Some(open) = find_from(text, "{{", at) {
        lexer.own_text(text, at..open);
        at = lexer.placeholder(text, open);
    }
    lexer.own_text(text, at..text.len());
    if lexer.errors.is_empty() {
        Ok(lexer.pieces)
    } else {
        Err(lexer.errors)
    }
}

fn find_from(text: &str, what: &str, at: usize) -> Option<usize> {
    text.get(at..)?.find(what).map(|found| at + found)
}

/// The first `{name}` in a text, `$` or not, and where its name is in it.
fn find_wildcard(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(open) = find_from(text, "{", from) {
        from = open + 1;
        let behind = text.get(from..)?;
        let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let Some((name, rest)) = end.map(|end| behind.split_at(end)) else {
            continue;
        };
        if rest.starts_with('}') && is_wildcard_name(name) {
            return Some(from..from + name.len());
        }
    }
    None
}

struct Lexer<'b> {
    pieces: Vec<Piece>,
    errors: Vec<TemplateError>,
    is_bound: &'b dyn Fn(&str) -> bool,
}

impl Lexer<'_> {
    /// Takes text outside of `{{ }}`, with the wildcards in it.
    fn own_text(&mut self, text: &str, range: Range<usize>) {
        let mut at = range.start;
        let mut from = at;
        while let Some(name) = text.get(from..range.end).and_then(find_wildcard) {
            let name = from + name.start..from + name.end;
            let (open, end) = (name.start - 1, name.end + 1);
            from = end;
            if text[..open].ends_with('$') || !(self.is_bound)(&text[name.clone()]) {
                continue;
            }
            self.text(&text[at..open]);
            self.pieces.push(Piece::Value(Placeholder {
                source: text[open..end].to_owned(),
                offset: open,
                reference: Reference::Wildcard(text[name].to_owned()),
                raw: false,
            }));
            at = end;
        }
        self.text(&text[at..range.end]);
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Takes the placeholder at `open` and returns where it ends.
    fn placeholder(&mut self, text: &str, open: usize) -> usize {
        let inside = text.get(open + 2..).unwrap_or("");
        let Some(length) = length(inside) else {
            self.error("{{", open, TemplateErrorKind::Unclosed);
            return open + 2;
        };
        let end = open + 2 + length + 2;
        let source = text.get(open..end).unwrap_or("{{");
        match reference::parse(inside.get(..length).unwrap_or("")) {
            Ok(Expression::Literal(literal)) => self.text(&literal),
            Ok(Expression::Value { reference, raw }) => {
                let source = source.to_owned();
                let placeholder = Placeholder {
                    source,
                    offset: open,
                    reference,
                    raw,
                };
                self.pieces.push(Piece::Value(placeholder));
            }
            Err(kind) => self.error(source, open, kind),
        }
        end
    }

    fn error(&mut self, placeholder: &str, offset: usize, kind: TemplateErrorKind) {
        self.errors.push(TemplateError {
            placeholder: placeholder.to_owned(),
            offset,
            kind,
        });
    }
}

/// How long the text before the closing `}}` is. It stands on one line, and opens no second placeholder.
fn length(inside: &str) -> Option<usize> {
    let line = inside.split('\n').next().unwrap_or("");
    let from = literal_end(line).unwrap_or(0);
    let end = find_from(line, "}}", from)?;
    let second = find_from(line, "{{", from).is_some_and(|open| open < end);
    (!second).then_some(end)
}

/// Behind the text in quotes that a placeholder may begin with.
fn literal_end(line: &str) -> Option<usize> {
    let trimmed = line.trim_start();
    let quote = trimmed.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let start = line.len() - trimmed.len() + 1;
    find_from(line, quote.encode_utf8(&mut [0; 4]), start).map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Value(placeholder) => format!("<{}@{}>", placeholder.source, placeholder.offset),
        };
        split(text, &|_| false)
            .unwrap()
            .into_iter()
            .map(show)
            .collect()
    }

    fn errors(text: &str) -> Vec<(String, usize)> {
        split(text, &|_| false)
            .unwrap_err()
            .into_iter()
            .map(|error| (error.placeholder, error.offset))
            .collect()
    }

    #[test]
    fn pieces() {
        assert_eq!(
            shown("a{{deps}}{{ outs }}b"),
            ["a", "<{{deps}}@1>", "<{{ outs }}@9>", "b"]
        );
        assert_eq!(shown("${V:-{{deps}}}"), ["${V:-", "<{{deps}}@5>", "}"]);
        assert_eq!(shown("{a} ${b} }}"), ["{a} ${b} }}"]);
        assert_eq!(shown("a{{ \"{{\" }}b{{'}}'}}c"), ["a{{b}}c"]);
        assert!(split("", &|_| false).unwrap().is_empty());
    }

    #[test]
    fn raw_and_offsets() {
        let pieces = split("é {{ deps | raw }}", &|_| false).unwrap();
        let Some(Piece::Value(placeholder)) = pieces.get(1) else {
            panic!("{pieces:?}")
        };
        assert_eq!((placeholder.offset, placeholder.raw), (3, true));
        assert_eq!(placeholder.reference, Reference::Deps);
    }

    #[test]
    fn all_errors_are_found() {
        let expected = [("{{", 0), ("{{ nope }}", 8), ("{{", 19)];
        let found = errors("{{ deps {{ nope }} {{\n}}");
        assert_eq!(
            found,
            expected.map(|(text, offset)| (text.to_owned(), offset))
        );
        assert_eq!(errors("x {{ \"a }}"), [("{{ \"a }}".to_owned(), 2)]);
    }

    #[test]
    fn wildcards_where_they_are_bound() {
        let shown = |text: &str| {
            let show = |piece: Piece| match piece {
                Piece::Text(text) => text,
                Piece::Value(placeholder) => {
                    let Placeholder { source, offset, .. } = placeholder;
                    assert_eq!(
                        text.get(offset..offset + source.len()),
                        Some(source.as_str())
                    );
                    format!("<{source}>")
                }
            };
            let pieces = split(text, &|name| name == "a" || name == "b").unwrap();
            pieces.into_iter().map(show).collect::<Vec<_>>()
        };
        assert_eq!(shown("x {a}.{b} y"), ["x ", "<{a}>", ".", "<{b}>", " y"]);
        assert_eq!(shown("é{{ deps }}{a}"), ["é", "<{{ deps }}>", "<{a}>"]);
        assert_eq!(shown("${a} {c} {a b} {} {"), ["${a} {c} {a b} {} {"]);
        assert_eq!(shown("{x{a}}"), ["{x", "<{a}>", "}"]);
        assert_eq!(shown("awk '{print {a}}'"), ["awk '{print ", "<{a}>", "}'"]);
        assert_eq!(shown("{{ \"{a}\" }}"), ["{a}"]);
    }
}
