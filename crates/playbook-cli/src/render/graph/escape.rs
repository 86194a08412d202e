//! Text of users in the languages of pictures: whatever it holds, it stays text.

use std::fmt::Write as _;

/// For XML and HTML, between tags and in quoted attributes. What XML cannot hold at all is replaced.
pub(crate) fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            _ => safe.push(visible(c)),
        }
    }
    safe
}

/// Text that a script puts on a page: what would move a cursor or turn text around is replaced.
pub(crate) fn plain(text: &str) -> String {
    let kept = |c: char| matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if kept(c) { c } else { visible(c) })
        .collect()
}

/// JSON for a `<script>` element: nothing in it can end the element, begin a comment, or end a line of a script.
pub(crate) fn script_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Outside strings JSON has none of these.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(safe, "\\u{:04x}", u32::from(c)).ok();
            }
            _ => safe.push(c),
        }
    }
    safe
}

/// For a quoted string of DOT that is shown: a backslash would begin one of Graphviz's own escapes, an ampersand an entity.
pub(crate) fn dot(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => safe.push_str("\\\""),
            '\\' => safe.push_str("\\\\"),
            '&' => safe.push_str("&amp;"),
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push(' '),
            _ => safe.push(visible(c)),
        }
    }
    safe
}

/// For a quoted text of Mermaid, which is HTML and Markdown within: all but what is surely only text is a number.
pub(crate) fn mermaid(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match visible(c) {
            c if c.is_alphanumeric() || " ./@_-".contains(c) => safe.push(c),
            c => {
                write!(safe, "#{};", u32::from(c)).ok();
            }
        }
    }
    safe
}

/// A control character is shown as a replacement: it would move a cursor, or be no XML. So would what turns text around.
fn visible(c: char) -> char {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns || matches!(c, '\u{fffe}' | '\u{ffff}') {
        '\u{fffd}'
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\"b</script><!-- &amp; \\N #quot; `x` \u{1b}[31m \u{202e}z\u{2028}\n|]";

    #[test]
    fn each_language_keeps_text_text() {
        assert_eq!(
            xml(HOSTILE),
            "a&quot;b&lt;/script&gt;&lt;!-- &amp;amp; \\N #quot; `x` \u{fffd}[31m \u{fffd}z\u{2028}\n|]"
        );
        assert_eq!(
            dot(HOSTILE),
            "a\\\"b</script><!-- &amp;amp; \\\\N #quot; `x` \u{fffd}[31m \u{fffd}z\u{2028}\\n|]"
        );
        let mermaid = mermaid(HOSTILE);
        assert!(
            mermaid
                .chars()
                .all(|c| c.is_alphanumeric() || " ./@_-#;".contains(c)),
            "{mermaid}"
        );
    }

    #[test]
    fn a_script_element_gets_back_what_went_in() {
        let json = serde_json::to_string(HOSTILE).unwrap();
        let safe = script_json(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), HOSTILE);
    }
}
