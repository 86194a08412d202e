//! Which command texts are simple enough to be read without a shell, and what they say.

/// A simple command (POSIX, XCU 2.9.1) without assignments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its name and its arguments, with the quotes taken off.
    pub(super) words: Vec<String>,
    /// In the order they are written.
    pub(super) redirections: Vec<(Direction, String)>,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// `<`
    From,
    /// `>`
    To,
    /// `>>`
    After,
}

/// Reads a command. Nothing if there is any doubt what a shell would make of it.
pub(super) fn parse(text: &str) -> Option<Simple> {
    let mut rest = text.trim_matches([' ', '\t', '\n']);
    let mut simple = Simple {
        words: Vec::new(),
        redirections: Vec::new(),
    };
    while !rest.is_empty() {
        let (direction, behind) = redirection(rest);
        let (word, behind) = word(behind)?;
        match direction {
            None if simple.words.is_empty()
                && !is_plain_name(&rest[..rest.len() - behind.len()]) =>
            {
                return None;
            }
            None => simple.words.push(word),
            Some(_) if simple.words.is_empty() || word.is_empty() => return None,
            Some(direction) => simple.redirections.push((direction, word)),
        }
        rest = behind.trim_start_matches([' ', '\t']);
    }
    let inputs = simple.redirections.iter();
    let inputs = inputs.filter(|(direction, _)| *direction == Direction::From);
    let (inputs, all) = (inputs.count(), simple.redirections.len());
    (!simple.words.is_empty() && inputs <= 1 && all - inputs <= 1).then_some(simple)
}

/// A redirection at the front of `text`, and what is behind it. What is in front of it was a blank, so no number is
/// part of it.
fn redirection(text: &str) -> (Option<Direction>, &str) {
    let blanks = [' ', '\t'];
    let found = [
        (">>", Direction::After),
        (">", Direction::To),
        ("<", Direction::From),
    ];
    for (sign, direction) in found {
        if let Some(behind) = text.strip_prefix(sign) {
            return (Some(direction), behind.trim_start_matches(blanks));
        }
    }
    (None, text)
}

/// The word at the front of `text`, without its quotes, and what is behind it: a blank or nothing.
fn word(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            ' ' | '\t' => break,
            '\'' | '"' => {
                let (inside, behind) = rest[1..].split_once(first)?;
                let meant = |c: char| first == '"' && matches!(c, '$' | '`' | '\\' | '!');
                if inside.chars().any(|c| !matches!(c, ' '..='~') || meant(c)) {
                    return None;
                }
                word.push_str(inside);
                rest = behind;
            }
            first if is_plain(first) => {
                word.push(first);
                rest = &rest[1..];
            }
            _ => return None,
        }
    }
    (rest.len() < text.len()).then_some((word, rest))
}

/// Characters that mean themselves, wherever they stand in a word.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:,@%+=-".contains(c)
}

/// Whether a shell takes the first word of a command, as it is written, for the name of a program.
fn is_plain_name(word: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_');
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    word.starts_with(begins)
        && word.chars().all(goes_on)
        && !OWN.contains(&word)
        && !LEFT.contains(&word.rsplit('/').next().unwrap_or(word))
}

/// Words that mean something to dash or bash: reserved words and what is built in.
const OWN: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "autoload",
    "bg",
    "bind",
    "break",
    "builtin",
    "bye",
    "caller",
    "case",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "float",
    "for",
    "foreach",
    "function",
    "functions",
    "getopts",
    "hash",
    "help",
    "hist",
    "history",
    "if",
    "in",
    "integer",
    "jobs",
    "kill",
    "let",
    "limit",
    "local",
    "logout",
    "mapfile",
    "nameref",
    "newgrp",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "repeat",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "stop",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unlimit",
    "unset",
    "until",
    "wait",
    "whence",
    "where",
    "which",
    "while",
];

/// Programs that show what a shell may do otherwise: the order of the environment, who leads the process group.
const LEFT: &[&str] = &["env", "printenv", "setsid"];
