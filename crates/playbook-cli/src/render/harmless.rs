//! Text of others, made safe to show: nothing in it moves the cursor, and a name stays on its line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control characters written out (`\n`, `\x1b`). Those that only tell how it reads, such as marks for
/// text from right to left, are written out as well: with them a name could pass for another.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(harms) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            character if u32::from(character) < 0x100 && harms(character) => {
                write!(shown, "\\x{:02x}", u32::from(character)).ok();
            }
            character if harms(character) => {
                write!(shown, "\\u{{{:x}}}", u32::from(character)).ok();
            }
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn harms(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn nothing_of_a_name_reaches_the_terminal_as_a_command() {
        for (text, shown) in [
            ("plain – ü 日", "plain – ü 日"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\x1b[31mred\x07\u{9b}2J\0", "\\x1b[31mred\\x07\\x9b2J\\x00"),
            ("exe\u{202e}txt.sh", "exe\\u{202e}txt.sh"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
