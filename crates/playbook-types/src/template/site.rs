//! The surroundings of a placeholder: where it stands and what its word goes on with.

use crate::template::lex::Piece;
use crate::template::shell::{Bare, Place, Scanner, Where, joined};

/// Characters that end a word outside quotes.
const ENDS_WORD: [char; 10] = [' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'];

/// The surroundings of a placeholder.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) place: Place,
    /// The rest of the word, each other placeholder in it a NUL.
    pub(super) rest: String,
    /// What ends the word, if anything follows it.
    end: Option<char>,
    /// The literal text before it ends in `~` or in the front of a name behind one.
    pub(super) after_home: bool,
    /// It stands in an expansion inside a here-document.
    nested_in_document: bool,
    /// It stands in `[[ … ]]`.
    conditional: bool,
}

impl Site {
    /// Surroundings without any text.
    pub(super) fn alone() -> Self {
        Self {
            place: Place::Bare(Bare::default()),
            rest: String::new(),
            end: None,
            after_home: false,
            nested_in_document: false,
            conditional: false,
        }
    }

    fn at(scanner: &Scanner, before: &str, following: &[Piece]) -> Self {
        let (rest, end) = rest_of_word(following);
        Self {
            place: scanner.place(before),
            rest,
            end,
            after_home: joined(before)
                .rsplit(|c| ENDS_WORD.contains(&c) || c == '`')
                .next()
                .is_some_and(names_home),
            nested_in_document: scanner.is_nested_in_document(),
            conditional: scanner.is_conditional(),
        }
    }

    /// What stands against a value here, however it is quoted.
    pub(super) fn refusal(&self, word: &str) -> Option<Where> {
        // Bash evaluates the subscripts in what it takes for a number, command substitutions included.
        let evaluated = self.conditional && word.contains('[') && word.contains(['$', '`']);
        if evaluated {
            Some(Where::Conditional)
        } else if self.nested_in_document && word.contains('\n') {
            Some(Where::NestedInHereDocument)
        } else {
            None
        }
    }

    /// Whether the word would name a function, or begin a pattern such as `@(a|b)`.
    pub(super) fn before_parenthesis(&self) -> bool {
        self.end == Some('(')
    }

    /// Whether the value would make the number of a file descriptor.
    pub(super) fn before_redirection(&self, word: &str) -> bool {
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '\0');
        matches!(self.end, Some('<' | '>')) && digits(word) && digits(&self.rest)
    }

    /// Whether a list of several words, or none, can stand here.
    pub(super) fn takes_many(&self) -> bool {
        matches!(&self.place, Place::Bare(bare) if bare.many)
            && self.rest.is_empty()
            && self.end != Some('(')
    }

    /// Whether a here-document is around it.
    pub(super) fn is_in_document(&self) -> bool {
        self.nested_in_document
            || matches!(
                self.place,
                Place::Document { .. } | Place::Plain(Where::QuotedHereDocument)
            )
    }

    /// The place in words, for a list that cannot stand there.
    pub(super) fn described(&self) -> String {
        match &self.place {
            Place::Bare(_) => "as part of a word or where one word is expected".to_owned(),
            Place::Double { .. } => "in \"…\"".to_owned(),
            Place::Single => "in '…'".to_owned(),
            Place::Document { .. } => "in a here-document".to_owned(),
            Place::Arithmetic => Where::Arithmetic.to_string(),
            Place::Plain(place) | Place::Never(place) => place.to_string(),
        }
    }
}

/// The sites of all placeholders, in order.
pub(super) fn sites(pieces: &[Piece]) -> Vec<Site> {
    let mut scanner = Scanner::new();
    let mut found = Vec::new();
    let mut before = "";
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => {
                scanner.read(text);
                before = text;
            }
            Piece::Value(_) => {
                found.push(Site::at(
                    &scanner,
                    before,
                    pieces.get(i + 1..).unwrap_or(&[]),
                ));
                scanner.opaque();
                before = "";
            }
        }
    }
    found
}

/// Whether a shell would read what follows as whose home `~` is: in front of a word, or in `NAME=~…:~…`.
pub(super) fn names_home(prefix: &str) -> bool {
    prefix.rsplit_once('~').is_some_and(|(before, name)| {
        (before.is_empty() || before.ends_with(['=', ':'])) && !name.contains('/')
    })
}

fn rest_of_word(following: &[Piece]) -> (String, Option<char>) {
    let mut rest = String::new();
    for piece in following {
        match piece {
            Piece::Value(_) => rest.push('\0'),
            Piece::Text(text) => {
                let text = joined(text);
                match text.find(ENDS_WORD) {
                    Some(end) => {
                        let (word, behind) = text.split_at(end);
                        rest.push_str(word);
                        return (rest, behind.chars().next());
                    }
                    None => rest.push_str(&text),
                }
            }
        }
    }
    (rest, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::lex::split;

    #[test]
    fn rests_of_words() {
        let rest = |text: &str| rest_of_word(&split(text, &|_| false).unwrap());
        assert_eq!(rest(""), (String::new(), None));
        assert_eq!(rest("a b"), ("a".to_owned(), Some(' ')));
        assert_eq!(rest("{{deps}}=x;"), ("\0=x".to_owned(), Some(';')));
        assert_eq!(rest("12>f"), ("12".to_owned(), Some('>')));
    }
}
