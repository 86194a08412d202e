//! Quoting a value for where it stands.

use crate::template::error::TemplateErrorKind;
use crate::template::shell::{Place, Scanner};

/// Characters that mean nothing to a shell anywhere in a word.
fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@+%,-".contains(c)
}

/// Words that mean something to a shell when they stand alone where a command begins.
const RESERVED: [&str; 17] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for",
    "in", "function", "select", "time", "coproc",
];

/// One word for a shell: as it is where it needs no quoting, else in single quotes.
pub fn quote_word(text: &str) -> String {
    if needs_no_quotes(text) {
        text.to_owned()
    } else {
        single_quoted(text)
    }
}

fn needs_no_quotes(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_safe) && !RESERVED.contains(&text)
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Where a value stands, and what stands behind it.
pub(super) struct Spot<'a> {
    pub(super) scanner: &'a Scanner,
    /// The text behind it, up to the next placeholder.
    pub(super) following: &'a str,
    /// Another placeholder follows at once.
    pub(super) value_next: bool,
}

/// The text to put in for the words of a value.
pub(super) fn quote(
    words: &[String],
    is_list: bool,
    spot: &Spot<'_>,
) -> Result<String, TemplateErrorKind> {
    if words.iter().any(|word| word.contains('\0')) {
        return Err(TemplateErrorKind::Nul);
    }
    let place = spot.scanner.place();
    match (words, place) {
        ([word], _) => one(word, place, spot),
        (_, Place::Bare) if is_list && !spot.is_glued() => Ok(words
            .iter()
            .map(|word| quote_word(word))
            .collect::<Vec<_>>()
            .join(" ")),
        (_, place) => Err(TemplateErrorKind::ListInside {
            count: words.len(),
            place: name_of(place),
        }),
    }
}

fn name_of(place: Place) -> &'static str {
    match place {
        Place::Bare => "glued to other text",
        Place::Double => "in \"…\"",
        Place::Single => "in '…'",
        Place::HereDoc => "in a here-document",
        Place::Unsound(place) => place,
    }
}

impl Spot<'_> {
    /// Whether the value is only part of a word.
    fn is_glued(&self) -> bool {
        let ends = self
            .following
            .chars()
            .next()
            .is_none_or(|c| c.is_whitespace() || ";&|<>()".contains(c));
        !self.scanner.at_word_start() || self.value_next || !ends
    }
}

fn one(word: &str, place: Place, spot: &Spot<'_>) -> Result<String, TemplateErrorKind> {
    match place {
        Place::Bare => Ok(bare(word, spot)),
        Place::Double => Ok(escaped(word, &['\\', '$', '`', '"'])),
        Place::Single => Ok(word.replace('\'', "'\\''")),
        Place::HereDoc => here(word, spot),
        Place::Unsound(place) => {
            // In arithmetic a name is a variable and a minus may meet another: only digits are just a value.
            let digits_only = place.contains("arithmetic");
            let harmless = if digits_only {
                word.bytes().all(|b| b.is_ascii_digit()) && !word.is_empty()
            } else {
                needs_no_quotes(word)
            };
            let sound = harmless && !spot.scanner.is_joined();
            if sound {
                Ok(word.to_owned())
            } else {
                Err(TemplateErrorKind::NotQuotable { place })
            }
        }
    }
}

fn bare(word: &str, spot: &Spot<'_>) -> String {
    // `2>` would redirect a file descriptor instead of passing a 2.
    let before_redirection = spot.following.starts_with(['<', '>']) || spot.value_next;
    if before_redirection && word.bytes().all(|b| b.is_ascii_digit()) && !word.is_empty() {
        return single_quoted(word);
    }
    quote_word(word)
}

fn escaped(word: &str, special: &[char]) -> String {
    let mut text = String::with_capacity(word.len());
    for c in word.chars() {
        if special.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A line of the value must not be the delimiter, alone or together with the text around it.
fn here(word: &str, spot: &Spot<'_>) -> Result<String, TemplateErrorKind> {
    let Some((delimiter, strip, before)) = spot.scanner.here_line() else {
        return Ok(word.to_owned());
    };
    let text = escaped(word, &['\\', '$', '`']);
    let (behind, whole_line) = match spot.following.split_once('\n') {
        Some((behind, _)) => (behind, true),
        None => (spot.following, false),
    };
    let whole = format!("{before}{text}{behind}");
    let mut lines = whole.rsplit('\n').map(|line| {
        if strip {
            line.trim_start_matches('\t')
        } else {
            line
        }
    });
    // Where another value follows on the last line, it could still become the delimiter.
    let last = lines.next().unwrap_or("");
    let ends = last == delimiter
        || (!whole_line && delimiter.starts_with(last))
        || lines.any(|line| line == delimiter);
    // With `<<-` the shell takes tabs away from the value's own lines too.
    let loses_tabs = strip
        && (text.contains("\n\t")
            || (before.trim_matches('\t').is_empty() && text.starts_with('\t')));
    if ends {
        return Err(TemplateErrorKind::EndsHereDocument);
    }
    if loses_tabs {
        return Err(TemplateErrorKind::NotQuotable {
            place: "tabs at the start of a line in a '<<-' here-document",
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::quote_word;

    #[test]
    fn words() {
        for same in [
            "a",
            "out/x.json",
            "-1",
            "1.5",
            "a_b-c",
            "v1:2",
            "user@host",
            "50%",
        ] {
            assert_eq!(quote_word(same), same);
        }
        for (text, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$x", "'$x'"),
            ("~", "'~'"),
            ("a=b", "'a=b'"),
            ("if", "'if'"),
            ("*", "'*'"),
            ("{a,b}", "'{a,b}'"),
            ("é", "'é'"),
        ] {
            assert_eq!(quote_word(text), quoted);
        }
    }
}
