//! Words, operators and the compound commands whose parentheses do not pair up.

use crate::template::shell::frame::{CasePart, Expects, Frame, Kind, OPAQUE, Position, Shell};
use crate::template::shell::scanner::Scanner;

/// Words a shell gives a meaning where a command begins (XCU 2.4, and bash's own).
pub(in crate::template) const RESERVED: [&str; 17] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for",
    "in", "function", "select", "time", "coproc",
];

/// What the end of a word does to the stack.
enum Effect {
    None,
    Open(Kind),
    Close,
    Lose,
}

impl Shell {
    fn finish(&mut self, word: &str) -> Effect {
        if matches!(self.expects, Expects::Target | Expects::Name) {
            self.expects = Expects::Anything;
            return Effect::None;
        }
        match self.kind {
            Kind::Case(CasePart::Body) | Kind::Top | Kind::Substitution | Kind::Group => {
                self.command_word(word)
            }
            Kind::Case(part) => self.case_word(part, word),
            Kind::Conditional if word == "]]" => Effect::Close,
            // Were it a list of commands after all, as in dash, its parentheses would not pair up.
            Kind::Conditional | Kind::Pattern if word == "case" => Effect::Lose,
            Kind::Conditional | Kind::Array | Kind::Pattern => Effect::None,
        }
    }

    fn case_word(&mut self, part: CasePart, word: &str) -> Effect {
        match part {
            CasePart::Subject => self.kind = Kind::Case(CasePart::In),
            CasePart::In if word == "in" => self.kind = Kind::Case(CasePart::Pattern),
            CasePart::In => return Effect::Lose,
            CasePart::Pattern if word == "esac" && self.at == Position::Command => {
                return Effect::Close;
            }
            CasePart::Pattern | CasePart::Body => self.at = Position::Argument,
        }
        Effect::None
    }

    fn command_word(&mut self, word: &str) -> Effect {
        if self.at == Position::Argument {
            return Effect::None;
        }
        match word {
            "case" => return Effect::Open(Kind::Case(CasePart::Subject)),
            "[[" => return Effect::Open(Kind::Conditional),
            "esac" if self.kind == Kind::Case(CasePart::Body) => return Effect::Close,
            "esac" => return Effect::Lose,
            // Behind these a command begins; `-p` is an option of `time`.
            "{" | "}" | "!" | "-p" => {}
            "for" | "select" | "function" | "coproc" => self.expects = Expects::Name,
            // The words of a loop follow, up to the next operator.
            "in" => self.at = Position::Argument,
            word if RESERVED.contains(&word) || is_assignment(word) => {}
            _ => self.at = Position::Argument,
        }
        Effect::None
    }
}

/// `NAME=…`, `NAME+=…` or `NAME[…]=…`.
fn is_assignment(word: &str) -> bool {
    let Some((front, _)) = word.split_once('=') else {
        return false;
    };
    let name = front.split(['[', '+']).next().unwrap_or("");
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Scanner {
    pub(super) fn step_shell(&mut self, c: char, rest: &str) -> usize {
        match c {
            '\\' => self.step_escape(rest),
            '\'' => self.part_of_word(Frame::Single),
            '"' => self.part_of_word(Frame::Double),
            '`' => self.part_of_word(Frame::Backtick),
            '$' => {
                self.mark();
                self.dollar(rest)
            }
            '#' if self.between_words() => self.comment(),
            '\n' => self.newline(),
            ' ' | '\t' => self.blank(),
            ';' | '&' | '|' => self.operator(rest),
            '<' | '>' => self.redirection(rest),
            '(' => self.open_parenthesis(rest),
            ')' => self.close_parenthesis(),
            _ => self.letter(c),
        }
    }

    /// What `#` begins; in patterns shells disagree.
    fn comment(&mut self) -> usize {
        match self.top() {
            Frame::Shell(Shell {
                kind: Kind::Conditional | Kind::Pattern,
                ..
            }) => self.lost(1),
            _ => self.open(Frame::Comment, 1),
        }
    }

    fn part_of_word(&mut self, frame: Frame) -> usize {
        self.mark();
        self.open(frame, 1)
    }

    fn letter(&mut self, c: char) -> usize {
        if let Frame::Shell(shell) = self.top_mut() {
            shell.word.push(c);
        }
        c.len_utf8()
    }

    fn step_escape(&mut self, rest: &str) -> usize {
        if !rest.starts_with("\\\n") {
            self.mark();
        }
        Self::escape(rest)
    }

    fn between_words(&self) -> bool {
        matches!(self.top(), Frame::Shell(shell) if shell.word.is_empty())
    }

    fn blank(&mut self) -> usize {
        self.end_word();
        1
    }

    /// Ends the word so far, if there is one.
    fn end_word(&mut self) {
        let Frame::Shell(shell) = self.top_mut() else {
            return;
        };
        // To bash a subscript goes on over blanks and operators.
        if shell.in_subscript() {
            return self.lose();
        }
        let word = std::mem::take(&mut shell.word);
        if word.is_empty() {
            return;
        }
        match shell.finish(&word) {
            Effect::None => {}
            Effect::Open(kind) => self.push(Frame::Shell(Shell::new(kind))),
            Effect::Close => {
                self.pop();
                self.after_compound();
            }
            Effect::Lose => self.lose(),
        }
    }

    /// Behind a compound command reserved words are recognized.
    pub(super) fn after_compound(&mut self) {
        if let Frame::Shell(shell) = self.top_mut()
            && shell.word.is_empty()
        {
            shell.at = Position::Command;
        }
    }

    fn newline(&mut self) -> usize {
        self.end_word();
        match self.top_mut() {
            // To dash `[[` is a command like others, and ends here.
            Frame::Shell(Shell {
                kind: Kind::Conditional | Kind::Pattern,
                ..
            }) => return self.lost(1),
            Frame::Shell(shell) => shell.at = Position::Command,
            _ => {}
        }
        self.begin_documents();
        1
    }

    /// `;`, `&`, `|` and what begins with them.
    fn operator(&mut self, rest: &str) -> usize {
        self.end_word();
        let Frame::Shell(shell) = self.top_mut() else {
            return 1;
        };
        let next_pattern = [";;&", ";;", ";&"]
            .into_iter()
            .find(|operator| rest.starts_with(operator));
        match (shell.kind, next_pattern) {
            (Kind::Case(CasePart::Body), Some(operator)) => {
                shell.kind = Kind::Case(CasePart::Pattern);
                shell.at = Position::Command;
                return operator.len();
            }
            (Kind::Case(CasePart::Pattern), _) if rest.starts_with('|') => {
                shell.at = Position::Argument;
            }
            (Kind::Conditional | Kind::Pattern, _) if rest.starts_with('|') => {}
            (Kind::Conditional | Kind::Pattern, _) if rest.starts_with("&&") => return 2,
            (Kind::Top | Kind::Substitution | Kind::Group | Kind::Case(CasePart::Body), None) => {
                shell.at = Position::Command;
            }
            _ => return self.lost(1),
        }
        1
    }

    /// `<`, `>` and what begins with them.
    fn redirection(&mut self, rest: &str) -> usize {
        self.end_word();
        if rest.trim_start_matches(['<', '>']).starts_with("\\\n") {
            return self.lost(1);
        }
        let Frame::Shell(shell) = self.top_mut() else {
            return 1;
        };
        let substitution = rest.starts_with("<(") || rest.starts_with(">(");
        match shell.kind {
            Kind::Conditional if !rest.starts_with("<<") => return 1,
            Kind::Top | Kind::Substitution | Kind::Group | Kind::Case(CasePart::Body) => {}
            Kind::Array if substitution => {}
            // Here a redirection is an error, and to each shell another one.
            _ => return self.lost(1),
        }
        if substitution {
            shell.word.push(OPAQUE);
            return self.open(Frame::Shell(Shell::new(Kind::Substitution)), 2);
        }
        if rest.starts_with("<<") && !rest.starts_with("<<<") {
            return self.here_document(rest);
        }
        shell.expects = Expects::Target;
        let operator = ["<<<", "<>", "<&", ">>", ">|", ">&"]
            .into_iter()
            .find(|operator| rest.starts_with(operator));
        operator.map_or(1, str::len)
    }

    fn open_parenthesis(&mut self, rest: &str) -> usize {
        if rest.starts_with("(\\\n") {
            return self.lost(1);
        }
        let Frame::Shell(shell) = self.top_mut() else {
            return 1;
        };
        let kind = match (shell.kind, shell.word.chars().last()) {
            (Kind::Case(CasePart::Pattern), None) if shell.at == Position::Command => {
                shell.at = Position::Argument;
                return 1;
            }
            (Kind::Case(CasePart::Subject | CasePart::In), _) => return self.lost(1),
            (Kind::Array, last) if !last.is_some_and(|c| "?*+@!".contains(c)) => {
                return self.lost(1);
            }
            (Kind::Conditional | Kind::Pattern | Kind::Case(CasePart::Pattern), _)
            | (_, Some('?' | '*' | '+' | '@' | '!')) => Kind::Pattern,
            (_, Some('=')) => Kind::Array,
            (_, None) if rest.starts_with("((") => return self.open(Frame::Arithmetic(0), 2),
            _ => Kind::Group,
        };
        if kind == Kind::Group {
            self.end_word();
        } else {
            self.mark();
        }
        self.open(Frame::Shell(Shell::new(kind)), 1)
    }

    fn close_parenthesis(&mut self) -> usize {
        self.end_word();
        let Frame::Shell(shell) = self.top_mut() else {
            return self.lost(1);
        };
        match shell.kind {
            Kind::Case(CasePart::Pattern) => {
                shell.kind = Kind::Case(CasePart::Body);
                shell.at = Position::Command;
            }
            Kind::Group => {
                self.pop();
                self.after_compound();
            }
            Kind::Array | Kind::Pattern => self.pop(),
            Kind::Substitution => self.close_substitution(),
            Kind::Top | Kind::Conditional | Kind::Case(_) => self.lose(),
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::is_assignment;

    #[test]
    fn assignments() {
        for yes in ["a=", "A_1=b", "a+=b", "a[1]=b"] {
            assert!(is_assignment(yes), "{yes}");
        }
        for no in ["a", "=b", "1=b", "--a=b", "./a=b", "\0=b"] {
            assert!(!is_assignment(no), "{no}");
        }
    }
}
