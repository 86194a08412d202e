//! The delimiter of a here-document, and the line that ends one (XCU 2.7.4).

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) delimiter: String,
    /// Any part of the delimiter is quoted: the body is verbatim.
    pub(super) quoted: bool,
    /// `<<-`: tabs at the start of lines are taken away.
    pub(super) strip: bool,
    /// How many substitutions its operator stands in.
    pub(super) level: usize,
}

impl Document {
    pub(super) fn ends_at(&self, line: &str) -> bool {
        let line = if self.strip {
            line.trim_start_matches('\t')
        } else {
            line
        };
        line == self.delimiter
    }
}

/// The delimiter behind a `<<`, read from literal text.
pub(super) struct Delimiter {
    pub(super) text: String,
    pub(super) quoted: bool,
    /// How many bytes it takes.
    pub(super) used: usize,
}

impl Delimiter {
    /// `None` where it cannot be made out.
    pub(super) fn read(rest: &str) -> Option<Self> {
        let mut found = Self {
            text: String::new(),
            quoted: false,
            used: 0,
        };
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            match c {
                '$' | '`' => return None,
                '\\' => found.take_quoted(chars.next().filter(|c| *c != '\n')?),
                '\'' | '"' => found.take_quotes(c, &mut chars)?,
                c if " \t\n;&|<>()".contains(c) => return Some(found),
                c => found.text.push(c),
            }
            found.used = rest.len() - chars.as_str().len();
        }
        Some(found)
    }

    fn take_quoted(&mut self, c: char) {
        self.quoted = true;
        self.text.push(c);
    }

    fn take_quotes(&mut self, end: char, chars: &mut std::str::Chars<'_>) -> Option<()> {
        self.quoted = true;
        loop {
            match chars.next()? {
                c if c == end => return Some(()),
                '\n' | '\\' | '$' | '`' => return None,
                c => self.text.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Delimiter;

    #[test]
    fn delimiters() {
        for (rest, text, quoted, used) in [
            ("E\n", "E", false, 1),
            ("'E F'\n", "E F", true, 5),
            ("\"E\";", "E", true, 3),
            ("\\E x", "E", true, 2),
            ("E'F'G|", "EFG", true, 5),
            ("''\n", "", true, 2),
            ("E", "E", false, 1),
        ] {
            let found = Delimiter::read(rest).unwrap();
            assert_eq!(
                (found.text.as_str(), found.quoted, found.used),
                (text, quoted, used),
                "{rest}"
            );
        }
        for rest in ["$E\n", "'E\n", "`E\n", "E\\"] {
            assert!(Delimiter::read(rest).is_none(), "{rest}");
        }
    }
}
