//! The delimiter of a here-document: read from behind `<<`, and what it says of the lines that follow.

/// How a here-document ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delimiter {
    pub(super) word: String,
    /// Any part of it was quoted: nothing in the lines is expanded.
    pub(super) quoted: bool,
    /// `<<-`: tabs at the start of lines are taken away.
    pub(super) strip: bool,
}

/// A delimiter while it is read.
#[derive(Debug)]
pub(super) struct Reading {
    delimiter: Delimiter,
    /// The quote it is in, or a backslash just before.
    quote: Option<char>,
    begun: bool,
}

/// What one more character comes to.
#[derive(Debug)]
pub(super) enum Step {
    More,
    /// The delimiter ended before this character.
    Ended(Delimiter),
    /// No shell agrees with another on what this means.
    Lost,
}

impl Reading {
    pub(super) fn new(strip: bool) -> Self {
        let delimiter = Delimiter {
            word: String::new(),
            quoted: false,
            strip,
        };
        Self {
            delimiter,
            quote: None,
            begun: false,
        }
    }

    pub(super) fn read(&mut self, c: char) -> Step {
        match (self.quote, c) {
            (Some('\\'), c) => {
                self.quote = None;
                self.delimiter.word.push(c);
            }
            (Some(quote), c) if c == quote => self.quote = None,
            (Some(_), c) => self.delimiter.word.push(c),
            (None, '\\' | '\'' | '"') => {
                self.delimiter.quoted = true;
                self.quote = Some(c);
                self.begun = true;
            }
            (None, ' ' | '\t') if !self.begun => {}
            (None, '$' | '`') => return Step::Lost,
            (None, c) if c.is_whitespace() || ";&|<>()".contains(c) => {
                return Step::Ended(self.delimiter.clone());
            }
            (None, c) => {
                self.begun = true;
                self.delimiter.word.push(c);
            }
        }
        Step::More
    }
}
