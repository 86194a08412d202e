//! Where here-documents begin and end.

use crate::template::shell::delimiter::{Delimiter, Document};
use crate::template::shell::frame::{Expects, Frame, Kind, Shell};
use crate::template::shell::scanner::Scanner;

impl Scanner {
    /// `<<` or `<<-` and the delimiter behind it.
    pub(super) fn here_document(&mut self, rest: &str) -> usize {
        let strip = rest.starts_with("<<-");
        let operator = if strip { 3 } else { 2 };
        let behind = rest.get(operator..).unwrap_or("");
        let word = behind.trim_start_matches([' ', '\t']);
        let front = rest.len() - word.len();
        let Some(Delimiter { text, quoted, used }) = Delimiter::read(word) else {
            return self.lost(front.max(1));
        };
        if used == word.len() {
            self.expect_delimiter();
        } else if text.is_empty() && !quoted {
            return self.lost(front);
        }
        let level = self.level();
        self.pending.push(Document {
            delimiter: text,
            quoted,
            strip,
            level,
        });
        front + used
    }

    /// The text ends within the delimiter: a placeholder that follows is part of it.
    fn expect_delimiter(&mut self) {
        if let Frame::Shell(shell) = self.top_mut() {
            shell.expects = Expects::Delimiter;
        }
    }

    fn level(&self) -> usize {
        let substitution = |frame: &&Frame| {
            matches!(
                frame,
                Frame::Shell(Shell {
                    kind: Kind::Substitution,
                    ..
                })
            )
        };
        self.below()
            .iter()
            .chain([self.top()])
            .filter(substitution)
            .count()
    }

    /// At a newline between commands the bodies of pending here-documents begin.
    pub(super) fn begin_documents(&mut self) {
        let level = self.level();
        if self.pending.iter().any(|document| document.level != level) {
            return self.lose();
        }
        self.begin_next();
    }

    fn begin_next(&mut self) {
        if !self.pending.is_empty() {
            let document = self.pending.remove(0);
            self.push(Frame::Document(document));
        }
    }

    /// Closes a substitution; a here-document of its own that never began is read differently by every shell.
    pub(super) fn close_substitution(&mut self) {
        let level = self.level();
        self.pop();
        if self.pending.iter().any(|document| document.level >= level) {
            self.lose();
        }
    }

    /// A delimiter line inside an expansion inside a here-document: bash ends the document, dash does not.
    pub(super) fn guard_documents(&mut self) {
        let ended = |frame: &Frame| matches!(frame, Frame::Document(document) if document.ends_at(&self.line));
        if self.below().iter().any(ended) {
            self.lose();
        }
    }

    pub(super) fn step_document(&mut self, c: char, rest: &str) -> usize {
        let Frame::Document(document) = self.top() else {
            return c.len_utf8();
        };
        match c {
            '\n' => {
                if document.ends_at(&self.line) {
                    self.pop();
                    self.begin_next();
                }
                1
            }
            _ if document.quoted => c.len_utf8(),
            '\\' => Self::escape(rest),
            '$' => self.dollar(rest),
            '`' => self.open(Frame::Backtick, 1),
            _ => c.len_utf8(),
        }
    }
}
