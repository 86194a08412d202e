//! Rust text taken apart just far enough to tell code from comments and string literals.
//!
//! A rule about code must not fire on a sentence about it, and a rule about paths looks at strings alone.

/// A string literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// Where it begins, from 1.
    pub(super) line: usize,
    /// What is between the quotes; an escape stands as one space.
    pub(super) text: String,
}

/// The parts of a text.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The text with comments and literals blanked; every line is where it was.
    pub(super) code: String,
    pub(super) strings: Vec<Literal>,
}

/// Takes a text apart.
pub(super) fn scan(text: &str) -> Scanned {
    let mut scanned = Scanned::default();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let piece = Piece::first_of(rest);
        let (taken, after) = rest.split_at(piece.len);
        match piece.kind {
            Kind::Code => scanned.code.push_str(taken),
            Kind::Blank => blank(taken, &mut scanned.code),
            Kind::String(text) => {
                scanned.strings.push(Literal { line, text });
                blank(taken, &mut scanned.code);
            }
        }
        line += taken.matches('\n').count();
        rest = after;
    }
    scanned
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

enum Kind {
    Code,
    /// A comment or a character.
    Blank,
    String(String),
}

struct Piece {
    len: usize,
    kind: Kind,
}

impl Piece {
    fn first_of(rest: &str) -> Self {
        let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if word > 0 {
            return Self::at_word(rest, word);
        }
        if rest.starts_with("//") {
            return Self {
                len: rest.find('\n').unwrap_or(rest.len()),
                kind: Kind::Blank,
            };
        }
        if rest.starts_with("/*") {
            return Self {
                len: block_comment(rest),
                kind: Kind::Blank,
            };
        }
        if rest.starts_with('"') {
            return quoted(rest, 0);
        }
        if let Some(len) = character(rest) {
            return Self {
                len,
                kind: Kind::Blank,
            };
        }
        Self {
            len: rest.chars().next().map_or(1, char::len_utf8),
            kind: Kind::Code,
        }
    }

    /// A name, a number, or the prefix of a literal.
    fn at_word(rest: &str, word: usize) -> Self {
        let (name, after) = rest.split_at(word);
        match name {
            "b" | "c" if after.starts_with('"') => quoted(rest, word),
            "b" if after.starts_with('\'') => {
                let len = character(after).unwrap_or(0);
                Self {
                    len: word + len,
                    kind: Kind::Blank,
                }
            }
            "r" | "br" | "cr" => raw(rest, word).unwrap_or(Self {
                len: word,
                kind: Kind::Code,
            }),
            _ => Self {
                len: word,
                kind: Kind::Code,
            },
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// A string with escapes, whose opening quote is at `start`.
fn quoted(rest: &str, start: usize) -> Piece {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip_while(|(at, _)| *at <= start);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                return Piece {
                    len: at + 1,
                    kind: Kind::String(text),
                };
            }
            '\\' => text.push(if chars.next().is_some_and(|(_, c)| c == '\n') {
                '\n'
            } else {
                ' '
            }),
            _ => text.push(c),
        }
    }
    Piece {
        len: rest.len(),
        kind: Kind::String(text),
    }
}

/// A raw string whose hashes, if any, begin at `start`; `r#name` is none.
fn raw(rest: &str, start: usize) -> Option<Piece> {
    let after = rest.get(start..)?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inside = after.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close).unwrap_or(inside.len());
    let len = (start + hashes + 1 + end + close.len()).min(rest.len());
    Some(Piece {
        len,
        kind: Kind::String(inside[..end].to_owned()),
    })
}

/// The length of a character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
    }
    let (at, next) = chars.next()?;
    if next == '\'' {
        return Some(1 + at + 1);
    }
    if first != '\\' {
        return None;
    }
    // '\u{…}' and '\x41'
    inside.get(at..)?.find('\'').map(|end| 1 + at + end + 1)
}

fn blank(text: &str, into: &mut String) {
    into.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, strings: &[&str]) {
        let scanned = scan(text);
        let squeezed = scanned
            .code
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(squeezed, code, "{text}");
        let found: Vec<_> = scanned
            .strings
            .iter()
            .map(|literal| literal.text.as_str())
            .collect();
        assert_eq!(found, strings, "{text}");
        assert_eq!(
            scanned.code.matches('\n').count(),
            text.matches('\n').count(),
            "{text}"
        );
    }

    #[test]
    fn comments_are_not_code() {
        check("a // b\nc", "a c", &[]);
        check("a /* b /* c */ d */ e", "a e", &[]);
        check("/// \"no string\"\nfn f() {}", "fn f() {}", &[]);
        check("a /* never closed", "a", &[]);
    }

    #[test]
    fn strings_are_not_code() {
        check(r#"f("a // b", x)"#, "f( , x)", &["a // b"]);
        check(r#""a\"b" c"#, "c", &["a b"]);
        check(r#"r"a\" b"#, "b", &[r"a\"]);
        check("r#\"a\"b\"# c", "c", &["a\"b"]);
        check(r#"b"a" c"d" e"#, "e", &["a", "d"]);
        check(r##"br#"a"# e"##, "e", &["a"]);
        check(r#"x"never closed"#, "x", &["never closed"]);
    }

    #[test]
    fn names_and_lifetimes_are_code() {
        check("r#type = for_r", "r#type = for_r", &[]);
        check(
            "fn f<'a>(x: &'a str, c: char) -> &'static str",
            "fn f<'a>(x: &'a str, c: char) -> &'static str",
            &[],
        );
        check(r#"'"' a '\'' b '\u{22}' c b'"' d 'é' e"#, "a b c d e", &[]);
    }

    #[test]
    fn lines_are_kept() {
        let scanned = scan("/* a\n */ \"b\n c\"\n\"d\"");
        let lines: Vec<_> = scanned.strings.iter().map(|literal| literal.line).collect();
        assert_eq!(lines, [2, 4]);
        assert_eq!(line_of("a\nb\nc", 2), 2);
    }
}
