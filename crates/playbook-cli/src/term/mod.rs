//! The only writer to standard output and standard error.

mod area;

pub(crate) use area::{
    Size, can_draw, clear_before_panics, draw, draw_with_next, is_drawn, resume, size, suspend,
};

use std::borrow::Cow;
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
fn shown(text: &str, has_colours: bool) -> Cow<'_, str> {
    if has_colours {
        return Cow::Borrowed(text);
    }
    Cow::Owned(anstream::adapter::strip_str(text).to_string())
}

/// Writes what the command is for to standard output, in one go.
///
/// # Errors
///
/// When nobody reads it any more, or the disk behind it is full.
pub(crate) fn out(text: &str) -> io::Result<()> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let shown = shown(text, has_colours(&io::stdout(), &KNOWN));
    out_bytes(shown.as_bytes())
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
    if area::say_above(text) {
        return;
    }
    let shown = shown(text, err_has_colours());
    let mut stderr = io::stderr().lock();
    stderr
        .write_all(shown.as_bytes())
        .and_then(|()| stderr.flush())
        .ok();
}
