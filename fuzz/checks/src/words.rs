//! A second opinion on shell text: a small reader of words, written apart from the one in `playbook-types`.
//!
//! It knows words, quotes, comments, operators and `$NAME`, and says nothing at all (`None`) about text with
//! more in it, such as `$(…)`, arithmetic, arrays or here-documents.

/// What a command text is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word, each pair of quotes in it a [`QUOTES`] in front of what they hold.
    Word(Vec<Letter>),
    /// The number of a redirection.
    Descriptor(String),
    /// One character of an operator, or a newline.
    Operator(char),
    /// A comment, without its `#`.
    Comment(String),
}

/// A character of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    /// The character.
    pub is: char,
    /// It stands for itself, whatever it means elsewhere.
    pub quoted: bool,
}

/// Stands where quotes open: `a''=b` assigns nothing, and in `1''>b` is no descriptor.
pub(crate) const QUOTES: Letter = Letter {
    is: '\0',
    quoted: true,
};

/// Reads a text, or says nothing about it.
pub(crate) fn words(text: &str) -> Option<Vec<Token>> {
    let mut reader = Reader {
        rest: text.chars().collect(),
        word: None,
        tokens: Vec::new(),
    };
    while let Some(c) = reader.take() {
        reader.step(c)?;
    }
    reader.end_word(None);
    Some(reader.tokens)
}

struct Reader {
    rest: std::collections::VecDeque<char>,
    /// The word so far; one that is only quotes is empty, not absent.
    word: Option<Vec<Letter>>,
    tokens: Vec<Token>,
}

impl Reader {
    fn take(&mut self) -> Option<char> {
        self.rest.pop_front()
    }

    fn step(&mut self, c: char) -> Option<()> {
        match c {
            ' ' | '\t' => self.end_word(None),
            '<' | '(' if self.rest.front() == Some(&c) => return None,
            '(' if self.is_part_of_a_word() => return None,
            ';' | '&' | '|' | '<' | '>' | '(' | ')' | '\n' => {
                self.end_word(Some(c));
                self.tokens.push(Token::Operator(c));
            }
            '#' if self.word.is_none() => self.comment(),
            '\'' => self.single()?,
            '"' => self.double()?,
            '\\' => match self.take()? {
                '\n' => {}
                '\0' => return None,
                c => self.letter(c, true),
            },
            '$' => self.variable()?,
            '`' | '\0' => return None,
            c => self.letter(c, false),
        }
        Some(())
    }

    /// In an array, a pattern or `<(…)`, behind which the word may go on.
    fn is_part_of_a_word(&self) -> bool {
        let redirects = |token: &Token| matches!(token, Token::Operator('<' | '>'));
        self.word.is_some() || self.tokens.last().is_some_and(redirects)
    }

    fn letter(&mut self, is: char, quoted: bool) {
        self.word
            .get_or_insert_default()
            .push(Letter { is, quoted });
    }

    fn end_word(&mut self, by: Option<char>) {
        let Some(word) = self.word.take() else { return };
        let number = !word.is_empty() && word.iter().all(|c| !c.quoted && c.is.is_ascii_digit());
        self.tokens
            .push(if number && matches!(by, Some('<' | '>')) {
                Token::Descriptor(word.iter().map(|c| c.is).collect())
            } else {
                Token::Word(word)
            });
    }

    fn comment(&mut self) {
        let end = self.rest.iter().position(|c| *c == '\n');
        let text = self.rest.drain(..end.unwrap_or(self.rest.len())).collect();
        self.tokens.push(Token::Comment(text));
    }

    fn single(&mut self) -> Option<()> {
        self.word.get_or_insert_default().push(QUOTES);
        loop {
            match self.take()? {
                '\'' => return Some(()),
                '\0' => return None,
                c => self.letter(c, true),
            }
        }
    }

    fn double(&mut self) -> Option<()> {
        self.word.get_or_insert_default().push(QUOTES);
        loop {
            match self.take()? {
                '"' => return Some(()),
                '\\' => match self.take()? {
                    '\n' => {}
                    '\0' => return None,
                    c if "$`\"\\".contains(c) => self.letter(c, true),
                    c => {
                        self.letter('\\', true);
                        self.letter(c, true);
                    }
                },
                '$' => self.variable()?,
                '`' | '\0' => return None,
                c => self.letter(c, true),
            }
        }
    }

    /// `$NAME` is `$`, the name, and an end that no text has.
    fn variable(&mut self) -> Option<()> {
        let name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        if !self
            .rest
            .front()
            .is_some_and(|c| name(c) && !c.is_ascii_digit())
        {
            return None;
        }
        self.letter('$', false);
        while let Some(c) = self.rest.pop_front_if(|c| name(c) || *c == '\\') {
            match c {
                '\\' if self.rest.front() == Some(&'\n') => drop(self.take()),
                '\\' => {
                    self.rest.push_front(c);
                    break;
                }
                c => self.letter(c, false),
            }
        }
        self.letter('\0', false);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quoted characters in capitals.
    fn shown(text: &str) -> Option<String> {
        let tokens = words(text)?;
        let show = |token: &Token| match token {
            Token::Word(word) => {
                let letters = word.iter().map(|c| match *c {
                    QUOTES => '.',
                    Letter { is, quoted: true } => is.to_ascii_uppercase(),
                    Letter { is, quoted: false } => is,
                });
                format!("<{}>", letters.collect::<String>())
            }
            Token::Descriptor(number) => format!("({number})"),
            Token::Operator(c) => c.to_string(),
            Token::Comment(text) => format!("#{text}"),
        };
        Some(tokens.iter().map(show).collect())
    }

    #[test]
    fn words_as_a_shell_reads_them() {
        for (text, expected) in [
            ("a 'b c'd\"e f\"\\g", "<a><.B Cd.E FG>"),
            ("a''  \"\" ''", "<a.><.><.>"),
            ("a;b|c&&d\n(e)", "<a>;<b>|<c>&&<d>\n(<e>)"),
            ("a 2>b 2 >c x2>d '2'>e", "<a>(2)><b><2>><c><x2>><d><.2>><e>"),
            ("a #b c\nd#e", "<a>#b c\n<d#e>"),
            ("a\\\nb \"c\\\nd\"", "<ab><.CD>"),
            ("\"a\\\"\\b\"", "<.A\"\\B>"),
            ("$x\\\ny\\z", "<$xy\0Z>"),
            ("$x\"$y z\"", "<$x\0.$y\0 Z>"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn it_says_nothing_about_more() {
        for text in [
            "$(a)", "`a`", "${a}", "$1", "$", "a <<E", "((1))", "a=(b)", "<(a)", "@(a)", "'a",
            "\"a", "a\\", "\"`\"",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
