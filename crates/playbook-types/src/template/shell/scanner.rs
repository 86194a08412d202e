//! The scanner: a stack of what is open, moved on by literal text and by values.

use crate::template::shell::delimiter::Document;
use crate::template::shell::frame::{Expects, Frame, Kind, OPAQUE, Shell};

/// Reads a command text from left to right.
#[derive(Debug, Clone)]
pub(in crate::template) struct Scanner {
    top: Frame,
    below: Vec<Frame>,
    /// Here-documents whose bodies begin at the next newline.
    pub(super) pending: Vec<Document>,
    /// The line so far, as a here-document would compare it with its delimiter.
    pub(super) line: String,
}

impl Scanner {
    pub(in crate::template) fn new() -> Self {
        Self {
            top: Frame::Shell(Shell::new(Kind::Top)),
            below: Vec::new(),
            pending: Vec::new(),
            line: String::new(),
        }
    }

    pub(super) fn top(&self) -> &Frame {
        &self.top
    }

    pub(super) fn top_mut(&mut self) -> &mut Frame {
        &mut self.top
    }

    /// What the top stands in, innermost last.
    pub(super) fn below(&self) -> &[Frame] {
        &self.below
    }

    /// Opens a frame.
    pub(super) fn push(&mut self, frame: Frame) {
        self.below.push(std::mem::replace(&mut self.top, frame));
    }

    /// Closes the top; closing what was never opened loses the way.
    pub(super) fn pop(&mut self) {
        match self.below.pop() {
            Some(frame) => self.top = frame,
            None => self.lose(),
        }
    }

    /// Gives up: nothing is known from here on.
    pub(super) fn lose(&mut self) {
        self.below.clear();
        self.pending.clear();
        self.top = Frame::Lost;
    }

    /// Reads literal text.
    pub(in crate::template) fn read(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let used = self.step(rest);
            rest = rest.get(used..).unwrap_or("");
        }
    }

    /// Reads the first token of `rest` and returns its length in bytes, at least one character.
    pub(in crate::template) fn step(&mut self, rest: &str) -> usize {
        let Some(c) = rest.chars().next() else {
            return 0;
        };
        if c == '\n' {
            self.guard_documents();
        }
        let used = match &self.top {
            Frame::Shell(_) => self.step_shell(c, rest),
            Frame::Single => self.until(c, '\''),
            Frame::Lost => c.len_utf8(),
            Frame::Comment => self.step_comment(c, rest),
            Frame::Document(_) => self.step_document(c, rest),
            _ => self.step_quoting(c, rest),
        };
        self.note_line(rest.get(..used).unwrap_or(rest));
        used
    }

    /// Stands for a value that is part of a word and has no meaning of its own.
    pub(in crate::template) fn opaque(&mut self) {
        self.line.push(OPAQUE);
        match &mut self.top {
            Frame::Shell(Shell {
                expects: Expects::Delimiter,
                ..
            }) => self.lose(),
            Frame::Shell(shell) => shell.word.push(OPAQUE),
            Frame::Parameter(parameter) => parameter.part = parameter.part.after(OPAQUE),
            _ => {}
        }
    }

    /// Whether two scanners that read the same literal text, with other values in it, saw the same shape.
    pub(in crate::template) fn same_shape(&self, other: &Self) -> bool {
        self.below.len() == other.below.len()
            && self.pending.len() == other.pending.len()
            && self.top.same_shape(&other.top)
            && self
                .below
                .iter()
                .zip(&other.below)
                .all(|(a, b)| a.same_shape(b))
    }

    fn until(&mut self, c: char, end: char) -> usize {
        if c == end {
            self.pop();
        }
        c.len_utf8()
    }

    fn step_comment(&mut self, c: char, rest: &str) -> usize {
        if c != '\n' {
            return c.len_utf8();
        }
        self.pop();
        self.step_shell(c, rest)
    }

    /// A backslash takes the next character along, if that is literal too.
    pub(super) fn escape(rest: &str) -> usize {
        rest.chars().take(2).map(char::len_utf8).sum()
    }

    /// Marks that the word so far is not plain.
    pub(super) fn mark(&mut self) {
        if let Frame::Shell(shell) = &mut self.top {
            shell.word.push(OPAQUE);
        }
    }

    fn note_line(&mut self, read: &str) {
        match read {
            "\n" => self.line.clear(),
            // A continued line is no delimiter, whatever stands on its second half.
            text if text.contains('\n') => self.line.push(OPAQUE),
            text => self.line.push_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::shell::{Place, Where};

    /// The place of a value behind a text.
    fn place(text: &str) -> Place {
        let mut scanner = Scanner::new();
        scanner.read(text);
        scanner.place(text)
    }

    #[test]
    fn bare_words() {
        for text in [
            "",
            "echo ",
            "\"a\" ",
            "'a' ",
            "\"$(",
            "\"$(echo '",
            "$(echo ",
            "a; ",
            "x=",
            "(",
            "f() { ",
            "{a,",
            "echo # it's\n",
            "cat <<E\n'\nE\n",
            "cat <<'E'\n$( ` \"\nE\n",
            "cat <<A <<-B\n'\nA\n\"\n\tB\n",
            "case x in a) ",
            "$(case x in a) ",
            "$(case x in (a) b;; esac) ",
            "case x in ",
            "case ",
            "[[ -f ",
            "a=(b ",
            "${V:-",
            "${V:-a} ",
            "$(( (1) )) ",
            "cat <<<",
            "echo $$ ",
            "x=$((1)); (a) ",
            "<(cat ",
            "\"${V}\" ",
            "`echo '` ",
            "if case x in x) a;; esac; then ",
            "[[ a =~ ^(b|c)$ ]] && ",
            "a[1]=",
            "$(echo case) ",
            "arr=(case a) ",
            "time -p case x in a) ",
        ] {
            // The quote in the middle of the list opens a single quote.
            let quoted = text.ends_with('\'');
            let found = place(text);
            assert!(
                quoted || matches!(found, Place::Bare(_)),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn quotes() {
        for text in [
            "\"",
            "a\"b",
            "\"$(echo \"",
            "\"\\\"",
            "\"$(echo ')')",
            "${V:-\"",
            "\"`a`",
            "\"'",
            "\"${V}",
        ] {
            assert!(
                matches!(place(text), Place::Double { .. }),
                "{text}: {:?}",
                place(text)
            );
        }
        for text in ["'", "'\\", "\"a\"'", "$(echo '", "'\"", "'#"] {
            assert_eq!(place(text), Place::Single, "{text}");
        }
        assert_eq!(place("cat <<E\n"), Place::Document { strip: false });
        assert_eq!(place("cat <<-E\n\""), Place::Document { strip: true });
    }

    #[test]
    fn arithmetic() {
        for text in [
            "$((",
            "$((1+(",
            "((",
            "$[",
            "a[",
            "a[\"",
            "${a:",
            "${a:1:",
            "${a[",
            "$((\"",
            "a=([",
            "for ((i=0; i<",
        ] {
            assert_eq!(place(text), Place::Arithmetic, "{text}");
        }
    }

    #[test]
    fn where_no_quoting_is_sound() {
        for (text, expected) in [
            ("`", Where::Backticks),
            ("$'", Where::DollarQuote),
            ("# ", Where::Comment),
            ("a #", Where::Comment),
            ("cat <<'E'\n", Where::QuotedHereDocument),
            ("cat <<\\E\n", Where::QuotedHereDocument),
            ("cat <<\"E\"\n", Where::QuotedHereDocument),
            ("\"${V:-", Where::QuotedParameter),
            ("\"${V:-\"", Where::QuotedParameter),
            ("cat <<E\n${V:-", Where::QuotedParameter),
            ("$'a\\'", Where::Unclear),
            ("a)", Where::Unclear),
            ("$((a) | b) ", Where::Unclear),
            ("\"${V:-it's}", Where::Unclear),
            ("cat <<E\n$(\nE\n", Where::Unclear),
            ("x esac; esac; ", Where::Unclear),
            ("a[ ", Where::Unclear),
        ] {
            assert_eq!(place(text), Place::Plain(expected), "{text}");
        }
        for (text, expected) in [
            ("$", Where::AfterDollar),
            ("\"$", Where::AfterDollar),
            ("\\", Where::AfterBackslash),
            ("${", Where::ParameterName),
            ("cat <<", Where::HereDelimiter),
            ("cat <<- E", Where::HereDelimiter),
            ("cat <<E\n$a", Where::AfterVariable),
        ] {
            assert_eq!(place(text), Place::Never(expected), "{text}");
        }
    }
}
