//! What can be open at a point of a command text.

use crate::template::shell::delimiter::Document;

/// Stands in a [`Shell::word`] for what is no plain literal character: a quote, an expansion, a value.
pub(super) const OPAQUE: char = '\0';

/// Something that was opened and not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Words and operators.
    Shell(Shell),
    /// `'…'`
    Single,
    /// `'` inside a `${…}` that stands in double quotes: a quote to some, a character to others.
    MaybeSingle,
    /// `$'…'`
    DollarSingle,
    /// `"…"`
    Double,
    /// Backticks.
    Backtick,
    /// `${…}`
    Parameter(Parameter),
    /// `$((…))` or `((…))`, with parentheses open inside.
    Arithmetic(usize),
    /// `$[…]`, arithmetic in bash.
    Bracket,
    /// The body of a here-document.
    Document(Document),
    /// `#` to the end of the line.
    Comment,
    /// Nothing is known any more.
    Lost,
}

/// A `${…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter {
    /// It stands in double quotes or a here-document, where shells disagree about quotes inside.
    pub(super) quoted: bool,
    pub(super) part: ParameterPart,
}

/// Which part of a `${…}` is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterPart {
    /// Just behind `${`, where `#` and `!` are no operators.
    First,
    Name,
    /// `${a[…`
    Subscript,
    /// `${a:`
    Colon,
    /// `${a:…`: arithmetic.
    Offset,
    /// `${a:-…` and its like.
    Word,
    /// `${a#…`, `${a/…` and their like.
    Pattern,
}

impl ParameterPart {
    /// The part after one more character.
    pub(super) fn after(self, c: char) -> Self {
        match (self, c) {
            (Self::First, _) | (Self::Subscript, ']') => Self::Name,
            (Self::Name, '[') => Self::Subscript,
            (Self::Name, ':') => Self::Colon,
            (Self::Name | Self::Colon, '-' | '=' | '?' | '+') => Self::Word,
            (Self::Name, '#' | '%' | '/' | '^' | ',' | '@' | '~') => Self::Pattern,
            (Self::Colon, _) => Self::Offset,
            (part, _) => part,
        }
    }
}

/// A stretch of words and operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shell {
    pub(super) kind: Kind,
    pub(super) at: Position,
    /// The word so far; what is no plain literal in it is [`OPAQUE`].
    pub(super) word: String,
    pub(super) expects: Expects,
}

impl Shell {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            at: Position::Command,
            word: String::new(),
            expects: Expects::Anything,
        }
    }

    /// Whether the word so far is `name[…` without its `]`, which bash takes for arithmetic.
    pub(super) fn in_subscript(&self) -> bool {
        let Some((name, subscript)) = self.word.split_once('[') else {
            return false;
        };
        let could_name = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == OPAQUE);
        let inside = subscript.matches(']').count() <= subscript.matches('[').count();
        could_name && inside && (!name.is_empty() || self.kind == Kind::Array)
    }
}

/// What a stretch of words and operators belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The command text itself.
    Top,
    /// `$(…)`, `<(…)` or `>(…)`
    Substitution,
    /// `(…)`
    Group,
    /// `name=(…)`
    Array,
    /// Parentheses in a pattern: `@(a|b)`.
    Pattern,
    /// `[[ … ]]`
    Conditional,
    /// `case … esac`
    Case(CasePart),
}

/// Which part of a `case` is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CasePart {
    Subject,
    In,
    Pattern,
    Body,
}

/// Whether a reserved word would be recognized here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Command,
    Argument,
}

/// What the next word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    Anything,
    /// The target of a redirection: exactly one word.
    Target,
    /// A name, behind `for` and its like.
    Name,
    /// The delimiter of a here-document, cut off by a placeholder.
    Delimiter,
}

impl Frame {
    /// Whether two scanners are in the same kind of place, whatever words brought them there.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shell(a), Self::Shell(b)) => {
                a.kind == b.kind
                    && a.at == b.at
                    && a.expects == b.expects
                    && a.word.is_empty() == b.word.is_empty()
            }
            (a, b) => a == b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> ParameterPart {
        text.chars()
            .fold(ParameterPart::First, ParameterPart::after)
    }

    #[test]
    fn parts_of_an_expansion() {
        for (text, expected) in [
            ("", ParameterPart::First),
            ("a", ParameterPart::Name),
            ("#a", ParameterPart::Name),
            ("#", ParameterPart::Name),
            ("a:-", ParameterPart::Word),
            ("a-", ParameterPart::Word),
            ("?:-", ParameterPart::Word),
            ("a:?x:1", ParameterPart::Word),
            ("a:", ParameterPart::Colon),
            ("a:1", ParameterPart::Offset),
            ("a: -", ParameterPart::Offset),
            ("a[", ParameterPart::Subscript),
            ("a[1]", ParameterPart::Name),
            ("a[1]:-", ParameterPart::Word),
            ("a##*", ParameterPart::Pattern),
            ("a//x/", ParameterPart::Pattern),
        ] {
            assert_eq!(part(text), expected, "${{{text}");
        }
    }

    #[test]
    fn subscripts() {
        let shell = |kind, word: &str| Shell {
            word: word.to_owned(),
            ..Shell::new(kind)
        };
        for word in ["a[", "a[x", "\0[", "a[1+", "a[b[1]"] {
            assert!(shell(Kind::Top, word).in_subscript(), "{word}");
        }
        for word in ["", "a", "[", "a[1]", "a[1]=", "a[0-9].txt", "./a["] {
            assert!(!shell(Kind::Top, word).in_subscript(), "{word}");
        }
        assert!(shell(Kind::Array, "[").in_subscript());
    }
}
