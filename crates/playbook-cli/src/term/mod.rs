//! The only writer to standard output and standard error.

mod area;

pub(crate) use area::{
    Size, can_draw, clear_before_panics, draw, draw_with_next, is_drawn, resume, size, suspend,
};

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use anstream::stream::RawStream;
use anstyle::{AnsiColor, Style};

use crate::args::ColorWhen;

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something went wrong.
    Bad,
    /// Something may be wrong.
    Warn,
    /// Something went well.
    Good,
    /// Something that changes.
    Act,
    /// Of less weight.
    Dim,
    /// Of more weight.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Bad => color(AnsiColor::Red).bold(),
            Self::Warn => color(AnsiColor::Yellow).bold(),
            Self::Good => color(AnsiColor::Green),
            Self::Act => color(AnsiColor::Cyan).bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// Text in a tone; the writer takes the colour away where there is none to be.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// Decides once, for both streams.
pub(crate) fn set_color(when: ColorWhen) {
    let choice = match when {
        ColorWhen::Auto => anstream::ColorChoice::Auto,
        ColorWhen::Always => anstream::ColorChoice::Always,
        ColorWhen::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Whether a stream shows colours. It is found out once: asking the system for each line costs as much as the line.
fn has_colours<S: RawStream>(stream: &S, known: &'static OnceLock<bool>) -> bool {
    let shows = || anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never;
    *known.get_or_init(shows)
}

/// Whether standard error shows colours.
fn err_has_colours() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    has_colours(&io::stderr(), &KNOWN)
}

/// The text as a stream shows it, so that it can be written in one go.
fn shown(text: Cow<'_, str>, has_colours: bool) -> Cow<'_, str> {
    if has_colours {
        return text;
    }
    Cow::Owned(anstream::adapter::strip_str(&text).to_string())
}

/// Writes what the command is for to standard output, in one go.
///
/// # Errors
///
/// When nobody reads it any more, or the disk behind it is full.
pub(crate) fn out(text: &str) -> io::Result<()> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let shown = shown(only_colours(text), has_colours(&io::stdout(), &KNOWN));
    out_bytes(shown.as_bytes())
}

/// The text with every control character written out that is neither a colour nor shapes lines. Names and values are made
/// [`harmless`](crate::render::harmless::harmless) where they are shown; this is for the one that was forgotten.
fn only_colours(text: &str) -> Cow<'_, str> {
    let harms = |byte: u8| (byte < 0x20 && !matches!(byte, b'\n' | b'\t')) || byte == 0x7f;
    if !text.bytes().any(harms) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(harms) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let length = colour(from).unwrap_or_else(|| {
            write!(shown, "\\x{:02x}", from.as_bytes()[0]).ok();
            0
        });
        shown.push_str(&from[..length]);
        rest = &from[length.max(1)..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// How long the colour is that the text begins with, if it does: `ESC [ … m`.
fn colour(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\x1b[")?;
    let end = codes.find(|character: char| !matches!(character, '0'..='9' | ';'))?;
    codes[end..].starts_with('m').then_some(2 + end + 1)
}

/// Writes bytes to standard output as they are.
///
/// # Errors
///
/// As [`out`].
pub(crate) fn out_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Whether somebody looks at standard output.
pub(crate) fn out_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Tells a person something, on standard error. Where nobody can be told, that is no reason to fail.
pub(crate) fn say(text: &str) {
    let text = only_colours(text);
    if area::say_above(&text) {
        return;
    }
    let shown = shown(text, err_has_colours());
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(shown.as_bytes())
        .and_then(|()| stderr.flush())
        .ok();
}

#[cfg(test)]
mod tests {
    use super::{Tone, only_colours, paint};

    #[test]
    fn nothing_but_colours_reaches_a_terminal() {
        let painted = paint(Tone::Bad, "error");
        for (text, shown) in [
            ("plain\n\ttext ü", "plain\n\ttext ü"),
            (painted.as_str(), painted.as_str()),
            ("a\x1b[2Jb", "a\\x1b[2Jb"),
            ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
            ("over\rwritten\x7f", "over\\x0dwritten\\x7f"),
            ("\x1b", "\\x1b"),
            ("\x1b[1;31", "\\x1b[1;31"),
        ] {
            assert_eq!(only_colours(text), shown);
        }
    }
}
