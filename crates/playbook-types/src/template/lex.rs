//! A template's text, split into what is the shell's and what is ours.

use crate::template::ast::Placeholder;
use crate::template::error::{TemplateError, TemplateErrorKind};
use crate::template::reference::{self, Expression};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The shell's text, literals in quotes (`{{ "{{" }}`) included; never two in a row.
    Text(String),
    /// A placeholder.
    Value(Placeholder),
}

/// Splits a template, or finds everything that is malformed in it.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Vec<TemplateError>> {
    let mut lexer = Lexer {
        pieces: Vec::new(),
        errors: Vec::new(),
    };
    let mut at = 0;
    while let Some(open) = find_from(text, "{{", at) {
        lexer.text(text.get(at..open).unwrap_or(""));
        at = lexer.placeholder(text, open);
    }
    lexer.text(text.get(at..).unwrap_or(""));
    if lexer.errors.is_empty() {
        Ok(lexer.pieces)
    } else {
        Err(lexer.errors)
    }
}

fn find_from(text: &str, what: &str, at: usize) -> Option<usize> {
    text.get(at..)?.find(what).map(|found| at + found)
}

struct Lexer {
    pieces: Vec<Piece>,
    errors: Vec<TemplateError>,
}

impl Lexer {
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
    use crate::template::ast::Reference;

    fn shown(text: &str) -> Vec<String> {
        let show = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Value(placeholder) => format!("<{}@{}>", placeholder.source, placeholder.offset),
        };
        split(text).unwrap().into_iter().map(show).collect()
    }

    fn errors(text: &str) -> Vec<(String, usize)> {
        split(text)
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
        assert!(split("").unwrap().is_empty());
    }

    #[test]
    fn raw_and_offsets() {
        let pieces = split("é {{ deps | raw }}").unwrap();
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
}
