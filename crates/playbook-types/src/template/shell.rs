//! A shell's view of a command text: at any point, in what does the next character stand?
//!
//! The scanner is fed the text character by character. It keeps to what POSIX shells and bash agree on;
//! where it cannot tell, it is [`Place::Lost`] from there on, and values that need quoting are refused
//! rather than quoted on a guess.

use crate::template::delimiter::{Delimiter, Reading, Step};
use crate::template::frame::Frame;

/// What a value would stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A word outside quotes.
    Bare,
    /// `"…"`
    Double,
    /// `'…'`
    Single,
    /// The body of a here-document whose delimiter is not quoted.
    HereDoc,
    /// Somewhere that has no sound quoting; the text says where.
    Unsound(&'static str),
}

/// Scans a command text.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    frames: Vec<Frame>,
    /// Here-documents that begin at the next newline.
    pending: Vec<Delimiter>,
    reading: Option<Reading>,
    /// The line of the here-document so far, as the shell will read it.
    line: String,
    /// The word so far, in a bare place; empty between words.
    word: String,
    /// Characters just seen that may begin an operator: `$`, `$(`, `<`, `<<`, `(`, `\`.
    held: String,
    /// A `case` was seen inside a command substitution, where its `)` cannot be told from the end.
    case_inside: bool,
    /// The name of a variable goes on as long as name characters follow: `$a`.
    in_name: bool,
    lost: bool,
}

impl Scanner {
    /// Reads literal text.
    pub(super) fn text(&mut self, text: &str) {
        text.chars().for_each(|c| self.read(c));
    }

    /// To be called before a value is placed: settles operators that what follows completes.
    pub(super) fn expect_value(&mut self) {
        match self.held.as_str() {
            "<<" => self.lost = true,
            "<" | "(" | "$(" => {
                // A stand-in for the value; it is no part of the text.
                self.read('x');
                self.word.clear();
            }
            _ => {}
        }
    }

    /// Reads a value as it was put in: it is part of a word, whatever it looks like.
    pub(super) fn value(&mut self, rendered: &str) {
        self.held.clear();
        self.in_name = false;
        if let Some(Frame::HereDoc(_)) = self.frames.last() {
            self.line
                .push_str(rendered.rsplit('\n').next().unwrap_or(""));
        } else if !rendered.is_empty() {
            // Something that is no reserved word and no number.
            self.word.push('\u{1}');
        }
        if self.reading.take().is_some() {
            self.lost = true;
        }
    }

    /// In what a value would stand here.
    pub(super) fn place(&self) -> Place {
        if self.lost || self.reading.is_some() {
            return Place::Unsound("in a place this program cannot make out");
        }
        if self.held == "$" {
            return Place::Unsound("right after a '$'");
        }
        if self.held == "\\" {
            return Place::Unsound("right after a backslash");
        }
        if self.in_name {
            return Place::Unsound("right after the name of a variable (write ${NAME})");
        }
        match self.frames.last() {
            None | Some(Frame::CommandSubstitution | Frame::Subshell) => Place::Bare,
            Some(Frame::Double) => Place::Double,
            Some(Frame::Single) => Place::Single,
            Some(Frame::HereDoc(delimiter)) if !delimiter.quoted => Place::HereDoc,
            Some(Frame::HereDoc(_)) => Place::Unsound("in a here-document with a quoted delimiter"),
            Some(Frame::DollarSingle) => Place::Unsound("in $'…'"),
            Some(Frame::Backtick) => Place::Unsound("in backticks (write $(…) instead)"),
            Some(Frame::Expansion) => Place::Unsound("in ${…}"),
            Some(Frame::Arithmetic { .. }) => Place::Unsound("in arithmetic"),
            Some(Frame::Comment) => Place::Unsound("in a comment"),
        }
    }

    /// Whether a `$` or backslash just before would change what the value means, whatever it is.
    pub(super) fn is_joined(&self) -> bool {
        self.held == "$" || self.held == "\\" || self.in_name
    }

    /// Whether the value would begin a word.
    pub(super) fn at_word_start(&self) -> bool {
        self.word.is_empty() && self.held.is_empty()
    }

    /// The delimiter that ends the here-document a value would stand in, and the line so far.
    pub(super) fn here_line(&self) -> Option<(&str, bool, &str)> {
        match self.frames.last() {
            Some(Frame::HereDoc(delimiter)) => Some((&delimiter.word, delimiter.strip, &self.line)),
            _ => None,
        }
    }

    fn read(&mut self, c: char) {
        self.in_name = self.in_name && (c.is_ascii_alphanumeric() || c == '_');
        if self.reading.is_some() {
            return self.read_delimiter(c);
        }
        match self.frames.last().cloned() {
            Some(Frame::Single) => self.close_at(c, '\''),
            Some(Frame::DollarSingle) => self.dollar_single(c),
            Some(Frame::Backtick) => self.backtick(c),
            Some(Frame::Comment) => {
                if c == '\n' {
                    self.frames.pop();
                    self.bare(c);
                }
            }
            Some(Frame::Double) => self.double(c),
            Some(Frame::Expansion) => self.expansion(c),
            Some(Frame::Arithmetic { .. }) => self.arithmetic(c),
            Some(Frame::HereDoc(delimiter)) => self.here_doc(c, &delimiter),
            None | Some(Frame::CommandSubstitution | Frame::Subshell) => self.bare(c),
        }
    }

    fn hold(&mut self, text: &str) {
        self.held.clear();
        self.held.push_str(text);
    }

    fn open(&mut self, frame: Frame) {
        self.held.clear();
        if matches!(frame, Frame::CommandSubstitution | Frame::Subshell) {
            self.word.clear();
        } else if !matches!(frame, Frame::Comment | Frame::HereDoc(_)) {
            self.word.push('\u{1}');
        }
        self.frames.push(frame);
    }

    fn close(&mut self) {
        self.held.clear();
        self.frames.pop();
        // What was closed is part of the word it stands in.
        self.word.clear();
        self.word.push('\u{1}');
    }

    fn close_at(&mut self, c: char, end: char) {
        if c == end {
            self.close();
        }
    }

    fn dollar_single(&mut self, c: char) {
        match (self.held.as_str(), c) {
            // Where $'…' is unknown, as in dash, the quote ends here.
            ("\\", '\'') => self.lost = true,
            ("\\", _) => self.held.clear(),
            (_, '\\') => self.hold("\\"),
            (_, '\'') => self.close(),
            _ => {}
        }
    }

    fn backtick(&mut self, c: char) {
        match (self.held.as_str(), c) {
            ("\\", _) => self.held.clear(),
            (_, '\\') => self.hold("\\"),
            (_, '`') => self.close(),
            _ => {}
        }
    }

    /// What `$` and backslash begin, in every place where they mean something. Whether `c` was used up.
    fn dollar(&mut self, c: char) -> bool {
        match (self.held.as_str(), c) {
            // An escaped character, and a parameter of one character such as `$?`.
            ("\\", _) | ("$", '$' | '?' | '!' | '#' | '@' | '*' | '-') => {
                self.held.clear();
                self.word.push('\u{1}');
                true
            }
            ("$", '(') => {
                self.hold("$(");
                true
            }
            ("$(", '(') => {
                self.open(Frame::Arithmetic { open: 0 });
                true
            }
            ("$(", _) => {
                self.open(Frame::CommandSubstitution);
                // The character is the first of the substitution.
                self.read(c);
                true
            }
            ("$", '{') => {
                self.open(Frame::Expansion);
                true
            }
            ("$", '[') => {
                self.lost = true;
                true
            }
            ("$", _) => {
                self.held.clear();
                self.word.push('\u{1}');
                self.in_name = c.is_ascii_alphabetic() || c == '_';
                false
            }
            (_, '$') if self.held.is_empty() => {
                self.hold("$");
                true
            }
            (_, '\\') if self.held.is_empty() => {
                self.hold("\\");
                true
            }
            (_, '`') if self.held.is_empty() => {
                self.open(Frame::Backtick);
                true
            }
            _ => false,
        }
    }

    fn double(&mut self, c: char) {
        if !self.dollar(c) && c == '"' {
            self.close();
        }
    }

    /// Inside `${…}` quotes mean different things to different shells, depending on what is around them.
    fn expansion(&mut self, c: char) {
        if self.dollar(c) {
            return;
        }
        match c {
            '}' => self.close(),
            '\'' | '"' => self.lost = true,
            _ => {}
        }
    }

    fn arithmetic(&mut self, c: char) {
        let Some(Frame::Arithmetic { open }) = self.frames.last_mut() else {
            return;
        };
        match c {
            '(' => *open += 1,
            ')' if *open > 0 => *open -= 1,
            ')' if self.held == ")" => self.close(),
            ')' => {
                self.hold(")");
                return;
            }
            // `$((` was a command substitution that begins with a subshell after all.
            _ if self.held == ")" => self.lost = true,
            '\'' | '"' | '`' | '\\' | '#' => self.lost = true,
            _ => {}
        }
        if !matches!(self.frames.last(), Some(Frame::Arithmetic { .. })) {
            return;
        }
        self.held.clear();
    }

    fn here_doc(&mut self, c: char, delimiter: &Delimiter) {
        if c == '\n' && self.held != "\\" {
            let line = if delimiter.strip {
                self.line.trim_start_matches('\t')
            } else {
                &self.line
            };
            let ends = line == delimiter.word;
            self.line.clear();
            self.held.clear();
            if ends {
                self.frames.pop();
                self.word.clear();
                self.next_here_doc();
            }
            return;
        }
        if delimiter.quoted {
            self.line.push(c);
            return;
        }
        if self.held == "\\" && c == '\n' {
            // A continued line is one line to the shell; what it may end is not worth finding out.
            self.lost = true;
            return;
        }
        self.line.push(c);
        self.dollar(c);
    }

    fn next_here_doc(&mut self) {
        if !self.pending.is_empty() {
            let delimiter = self.pending.remove(0);
            self.line.clear();
            self.open(Frame::HereDoc(delimiter));
        }
    }

    fn bare(&mut self, c: char) {
        if self.operator(c) || self.dollar_or_quote(c) {
            return;
        }
        match c {
            '\'' => self.open(Frame::Single),
            '"' => self.open(Frame::Double),
            '#' if self.word.is_empty() => self.open(Frame::Comment),
            '\n' => {
                self.end_word();
                self.next_here_doc();
            }
            '(' => {
                self.end_word();
                self.hold("(");
            }
            ')' => self.close_paren(),
            '<' => {
                self.end_word();
                self.hold("<");
            }
            c if c.is_whitespace() || ";&|>".contains(c) => self.end_word(),
            c => self.word.push(c),
        }
    }

    /// `$'…'` and `$"…"`, which only a bare place has; then everything that `$` begins.
    fn dollar_or_quote(&mut self, c: char) -> bool {
        match (self.held.as_str(), c) {
            ("$", '\'') => {
                self.open(Frame::DollarSingle);
                true
            }
            ("$", '"') => {
                self.open(Frame::Double);
                true
            }
            ("\\", '\n') => {
                self.held.clear();
                true
            }
            _ => self.dollar(c),
        }
    }

    /// Operators of more than one character: `<<`, `<<-`, `<<<`, `((`. Whether `c` was used up.
    fn operator(&mut self, c: char) -> bool {
        match (self.held.as_str(), c) {
            ("<", '<') => self.hold("<<"),
            // A here-string: a word follows.
            ("<<", '<') => self.held.clear(),
            ("<<", '-') => {
                self.held.clear();
                self.reading = Some(Reading::new(true));
            }
            ("<<", _) => {
                self.held.clear();
                self.reading = Some(Reading::new(false));
                self.read_delimiter(c);
            }
            ("(", '(') => self.open(Frame::Arithmetic { open: 0 }),
            ("(", _) => {
                self.open(Frame::Subshell);
                self.read(c);
            }
            ("<", _) => {
                self.held.clear();
                return false;
            }
            _ => return false,
        }
        true
    }

    fn close_paren(&mut self) {
        self.end_word();
        if self.case_inside && self.frames.contains(&Frame::CommandSubstitution) {
            self.lost = true;
        }
        if matches!(
            self.frames.last(),
            Some(Frame::CommandSubstitution | Frame::Subshell)
        ) {
            self.close();
        }
    }

    fn end_word(&mut self) {
        if self.word == "case" && self.frames.contains(&Frame::CommandSubstitution) {
            self.case_inside = true;
        }
        self.word.clear();
    }

    fn read_delimiter(&mut self, c: char) {
        let Some(reading) = &mut self.reading else {
            return;
        };
        match reading.read(c) {
            Step::More => {}
            Step::Lost => self.lost = true,
            Step::Ended(delimiter) => {
                self.reading = None;
                self.pending.push(delimiter);
                self.word.clear();
                self.read(c);
            }
        }
    }
}
