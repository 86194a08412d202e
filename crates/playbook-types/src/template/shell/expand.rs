//! Inside quotes and expansions: what `$`, a backslash and a closing character do there.

use crate::template::shell::frame::{Frame, Kind, Parameter, ParameterPart, Shell};
use crate::template::shell::scanner::Scanner;

impl Scanner {
    /// A step inside quotes or an expansion.
    pub(super) fn step_quoting(&mut self, c: char, rest: &str) -> usize {
        match self.top() {
            Frame::Double => self.step_double(c, rest),
            Frame::Backtick => self.step_backtick(c, rest),
            Frame::DollarSingle => self.step_dollar_single(c, rest),
            Frame::MaybeSingle => self.step_maybe_single(c),
            Frame::Parameter(parameter) => self.step_parameter(*parameter, c, rest),
            Frame::Arithmetic(open) => self.step_arithmetic(*open, c, rest),
            Frame::Bracket => self.step_bracket(c),
            _ => c.len_utf8(),
        }
    }

    fn step_double(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\\' => Self::escape(rest),
            '"' => self.close(1),
            '$' => self.dollar(rest),
            '`' => self.open(Frame::Backtick, 1),
            _ => c.len_utf8(),
        }
    }

    /// The first backtick that is not escaped ends it, quotes or not (XCU 2.6.3).
    fn step_backtick(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\\' => Self::escape(rest),
            '`' => self.close(1),
            _ => c.len_utf8(),
        }
    }

    /// Where `$'…'` is unknown, as in dash, a `\'` ends the quote; elsewhere it does not.
    fn step_dollar_single(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\\' if rest.starts_with("\\'") => self.lost(2),
            '\\' => Self::escape(rest),
            '\'' => self.close(1),
            _ => c.len_utf8(),
        }
    }

    /// `${$}` and `${#a}` have names; `${'` has none, and shells go on with it each in its own way.
    fn step_first(&mut self, parameter: Parameter, c: char) -> usize {
        if !c.is_ascii_alphanumeric() && !"_@*#?-$!".contains(c) {
            return self.lost(c.len_utf8());
        }
        let part = parameter.part.after(c);
        *self.top_mut() = Frame::Parameter(Parameter { part, ..parameter });
        1
    }

    fn step_maybe_single(&mut self, c: char) -> usize {
        match c {
            '\'' => self.close(1),
            '}' | '"' | '$' | '`' | '\\' | '\n' => self.lost(1),
            _ => c.len_utf8(),
        }
    }

    fn step_parameter(&mut self, parameter: Parameter, c: char, rest: &str) -> usize {
        if parameter.part == ParameterPart::First {
            return self.step_first(parameter, c);
        }
        if c == '}' {
            return self.close(1);
        }
        let part = parameter.part.after(c);
        if part == ParameterPart::Name && !c.is_ascii_alphanumeric() && !"_]*@".contains(c) {
            return self.lost(c.len_utf8());
        }
        *self.top_mut() = Frame::Parameter(Parameter { part, ..parameter });
        match c {
            '\\' => Self::escape(rest),
            '\'' if parameter.quoted => self.open(Frame::MaybeSingle, 1),
            '\'' => self.open(Frame::Single, 1),
            '"' => self.open(Frame::Double, 1),
            '$' => self.dollar(rest),
            '`' => self.open(Frame::Backtick, 1),
            _ => c.len_utf8(),
        }
    }

    /// `$((a) | b)` is a command substitution after all: known only at its end, and too late.
    fn step_arithmetic(&mut self, open: usize, c: char, rest: &str) -> usize {
        match c {
            '(' => self.arithmetic(open + 1),
            ')' if open > 0 => self.arithmetic(open - 1),
            ')' if rest.starts_with("))") => {
                self.close(2);
                self.after_compound();
                2
            }
            // To dash `((` is two subshells, where lines and comments mean something.
            ')' | '\'' | '\n' => self.lost(1),
            '#' if !self.line.ends_with(|c: char| c.is_ascii_alphanumeric()) => self.lost(1),
            _ => self.step_double_inside(c, rest),
        }
    }

    fn step_double_inside(&mut self, c: char, rest: &str) -> usize {
        if c == '"' {
            self.open(Frame::Double, 1)
        } else {
            self.step_double(c, rest)
        }
    }

    fn arithmetic(&mut self, open: usize) -> usize {
        *self.top_mut() = Frame::Arithmetic(open);
        1
    }

    fn step_bracket(&mut self, c: char) -> usize {
        match c {
            ']' => self.close(1),
            // To dash all of it is text, so what means something there is no arithmetic either.
            ' ' | '+' | '-' | '*' | '/' | '%' | '_' => 1,
            c if c.is_ascii_alphanumeric() => 1,
            c => self.lost(c.len_utf8()),
        }
    }

    /// What begins with `$`.
    pub(super) fn dollar(&mut self, rest: &str) -> usize {
        let behind = rest.get(1..).unwrap_or("");
        let quoted = self.is_quoted();
        match behind.chars().next() {
            Some('\\') if behind.starts_with("\\\n") => self.lost(1),
            Some('(') if behind.starts_with("((") => self.open(Frame::Arithmetic(0), 3),
            Some('(') => self.open(Frame::Shell(Shell::new(Kind::Substitution)), 2),
            // Bash 5.3 runs commands in `${ …; }`.
            Some('{') if is_function_substitution(behind) => self.lost(2),
            Some('{') => self.open(
                Frame::Parameter(Parameter {
                    quoted,
                    part: ParameterPart::First,
                }),
                2,
            ),
            Some('[') => self.open(Frame::Bracket, 2),
            Some('\'') if !quoted => self.open(Frame::DollarSingle, 2),
            // `$$(` is the process id and a parenthesis.
            Some('$' | '@' | '*' | '#' | '?' | '-' | '!' | '0'..='9') => 2,
            _ => 1,
        }
    }

    /// Whether double quotes or a here-document are the nearest thing that is open.
    fn is_quoted(&self) -> bool {
        match self.top() {
            Frame::Shell(_) => false,
            Frame::Parameter(parameter) => parameter.quoted,
            _ => true,
        }
    }

    pub(super) fn open(&mut self, frame: Frame, used: usize) -> usize {
        self.push(frame);
        used
    }

    pub(super) fn close(&mut self, used: usize) -> usize {
        self.pop();
        used
    }

    pub(super) fn lost(&mut self, used: usize) -> usize {
        self.lose();
        used
    }
}

fn is_function_substitution(behind: &str) -> bool {
    behind
        .get(1..)
        .is_some_and(|inside| inside.starts_with([' ', '\t', '\n', '|']))
}
