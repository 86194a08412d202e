//! Quoting a value for where it stands (XCU 2.2).

use crate::template::error::TemplateErrorKind;
use crate::template::shell::{Bare, Place, RESERVED, Where};
use crate::template::site::{Site, names_home};

/// One word for a shell: as it is where it needs no quoting, else in single quotes.
///
/// ```
/// use playbook_types::template::quote_word;
/// assert_eq!(quote_word("out/x.json"), "out/x.json");
/// assert_eq!(quote_word("it's"), r"'it'\''s'");
/// ```
pub fn quote_word(text: &str) -> String {
    bare(text, &Bare::default(), &Site::alone())
}

/// One word, as the place it stands in needs it.
pub(super) fn quote(
    word: &str,
    kind: &'static str,
    site: &Site,
) -> Result<String, TemplateErrorKind> {
    let refuse = |place| Err(TemplateErrorKind::NotQuotable { place, value: kind });
    if word.contains('\0') {
        return Err(TemplateErrorKind::Nul);
    }
    if let Some(place) = site.refusal(word) {
        return refuse(place);
    }
    match &site.place {
        Place::Bare(place) => Ok(bare(word, place, site)),
        Place::Double { after_name } => Ok(double(word, *after_name)),
        Place::Single => Ok(word.replace('\'', "'\\''")),
        Place::Document { strip: true } if has_tabs_in_front(word) => refuse(Where::StrippedTabs),
        Place::Document { .. } => Ok(escaped(word, &['\\', '$', '`'])),
        Place::Arithmetic => arithmetic(word).map_or_else(|| refuse(Where::Arithmetic), Ok),
        Place::Plain(place) if !is_plain(word, *place, site) => refuse(*place),
        Place::Plain(_) => Ok(word.to_owned()),
        Place::Never(place) => refuse(*place),
    }
}

fn has_tabs_in_front(word: &str) -> bool {
    word.split('\n').any(|line| line.starts_with('\t'))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn double(word: &str, after_name: bool) -> String {
    let text = escaped(word, &['\\', '$', '`', '"']);
    // Closing and opening the quotes ends the name: `"$a""b"`.
    if after_name {
        format!("\"\"{text}")
    } else {
        text
    }
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

/// Numbers and names as they are; a negative number in parentheses, lest its minus meet another.
fn arithmetic(word: &str) -> Option<String> {
    let digits =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let name = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
    };
    match word.strip_prefix('-') {
        Some(number) if digits(number) => Some(format!("({word})")),
        None if !word.is_empty() && name(word) && !RESERVED.contains(&word) => {
            Some(word.to_owned())
        }
        _ => None,
    }
}

/// Whether a value needs no quoting wherever commands, text or words may be read.
fn is_plain(word: &str, place: Where, site: &Site) -> bool {
    let commands = matches!(place, Where::Backticks | Where::Unclear);
    let safe = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_./:@%+-".contains(c));
    // A descriptor before a redirection, a reserved word, a brace sequence, a home, or no word at all.
    let means_more = word.is_empty()
        || RESERVED.iter().any(|reserved| reserved.contains(word))
        || site.before_redirection(word)
        || word.replace("../", "").contains("..")
        || site.after_home
        || site.rest.starts_with(['(', '=', '~']);
    safe && !(commands && means_more)
}

fn bare(word: &str, place: &Bare, site: &Site) -> String {
    if is_bare_safe(word, place) && !means_more(word, place, site) {
        word.to_owned()
    } else {
        single_quoted(word)
    }
}

fn is_bare_safe(word: &str, place: &Bare) -> bool {
    let extra = if place.strict { "_" } else { "_./:@%+,=-" };
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

/// Whether harmless characters mean something together with the text around them.
fn means_more(word: &str, place: &Bare, site: &Site) -> bool {
    let in_braces = place.prefix.contains('{') && (word.contains(',') || word.contains(".."));
    place.after_name
        || in_braces
        || names_home(&place.prefix)
        || site.before_parenthesis()
        || site.rest.starts_with('~')
        || site.before_redirection(word)
        || is_reserved(word, place, site)
        || is_assignment(word, place, site)
}

/// Whether the whole word is, or with other values in it could be, a reserved word.
fn is_reserved(word: &str, place: &Bare, site: &Site) -> bool {
    let whole = format!("{}{word}{}", place.prefix, site.rest);
    if whole.contains('\0') {
        RESERVED.iter().any(|reserved| reserved.contains(word))
    } else {
        RESERVED.contains(&&*whole)
    }
}

/// Whether the value makes, or is part of the name in, `NAME=…` or `NAME[…`.
fn is_assignment(word: &str, place: &Bare, site: &Site) -> bool {
    if place.prefix.contains('=') {
        return false;
    }
    let whole = format!("{}{word}{}", place.prefix, site.rest);
    let Some(end) = whole.find(['=', '[']) else {
        return false;
    };
    let name = whole.get(..end).unwrap_or("").trim_end_matches('+');
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "--a=b",
            "./a=b",
            "a,b",
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
            ("a+=b", "'a+=b'"),
            ("if", "'if'"),
            ("*", "'*'"),
            ("{a,b}", "'{a,b}'"),
            ("#", "'#'"),
            ("é", "'é'"),
        ] {
            assert_eq!(quote_word(text), quoted);
        }
    }

    #[test]
    fn numbers_in_arithmetic() {
        for (word, expected) in [
            ("5", Some("5")),
            ("1.5", Some("1.5")),
            ("-5", Some("(-5)")),
            ("n_1", Some("n_1")),
            ("", None),
            ("-", None),
            ("-n", None),
            ("a[0]", None),
            ("1+1", None),
            ("if", None),
        ] {
            assert_eq!(arithmetic(word).as_deref(), expected, "{word}");
        }
    }
}
