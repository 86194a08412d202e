//! The live area: lines at the end of the terminal that are drawn anew while a run goes on.
//!
//! It belongs to the writer, not to who fills it: whatever else is said on standard error comes above it, in the same
//! write, so nothing flickers and nothing is torn. Lines are overwritten in place and what is left of the old ones is
//! cleared behind the new text. The cursor stands below the area and is never hidden, so nothing has to be put right if
//! the program dies. Escapes used are those of ECMA-48: cursor up (CUU), erase in line (EL) and in page (ED).

use std::fmt::Write as _;
use std::io::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::termios::tcgetwinsize;

/// How large the terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What is drawn now: each line with its width.
static DRAWN: Mutex<Vec<(String, usize)>> = Mutex::new(Vec::new());

fn drawn() -> MutexGuard<'static, Vec<(String, usize)>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether standard error is a terminal that lines can be drawn on again.
pub(crate) fn can_draw() -> bool {
    let able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    able && io::stderr().is_terminal()
}

/// The size of the terminal, as it is now.
pub(crate) fn size() -> Size {
    let asked = tcgetwinsize(io::stderr()).ok();
    let or = |count: Option<u16>, usual| match count {
        None | Some(0) => usual,
        Some(count) => usize::from(count),
    };
    Size {
        columns: or(asked.map(|size| size.ws_col), 80),
        rows: or(asked.map(|size| size.ws_row), 24),
    }
}

/// Draws these lines, each with its width, in place of those drawn before. None takes the area away.
pub(crate) fn draw(lines: Vec<(String, usize)>) {
    let mut drawn = drawn();
    if *drawn == lines {
        return;
    }
    let text = redrawn(&drawn, "", &lines, size().columns);
    *drawn = lines;
    write(&text);
}

/// Writes text above the area. False if there is none, and nothing was written.
pub(super) fn say_above(text: &str) -> bool {
    let drawn = drawn();
    if drawn.is_empty() {
        return false;
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let text = redrawn(&drawn, &format!("{text}{end}"), &drawn, size().columns);
    write(&text);
    true
}

/// What has to be written to have `text`, and `new` below it, where `old` was.
fn redrawn(old: &[(String, usize)], text: &str, new: &[(String, usize)], columns: usize) -> String {
    // A terminal that has become narrower shows a line on several rows.
    let rows = |width: &usize| width.div_ceil(columns.max(1)).max(1);
    let up: usize = old.iter().map(|(_, width)| rows(width)).sum();
    let mut all = String::new();
    if up > 0 {
        write!(all, "\r\x1b[{up}A").ok();
    }
    let lines = text
        .lines()
        .chain(new.iter().map(|(line, _)| line.as_str()));
    for line in lines {
        all.push_str(line);
        all.push_str("\x1b[K\n");
    }
    all.push_str("\x1b[J");
    all
}

/// Colours are taken away where there are to be none; what moves the cursor stays.
fn write(text: &str) {
    let colourless = anstream::stderr().current_choice() == anstream::ColorChoice::Never;
    let text = if colourless {
        without_colours(text)
    } else {
        text.to_owned()
    };
    let mut stderr = io::stderr().lock();
    // Where nobody can be told, that is no reason to fail.
    stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush())
        .ok();
}

/// The text without SGR sequences: `ESC [ … m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end {
            Some(end) if part[end..].starts_with('m') => plain.push_str(&part[end + 1..]),
            _ => {
                plain.push_str("\x1b[");
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<(String, usize)> {
        let line = |text: &&str| ((*text).to_owned(), text.len());
        texts.iter().map(line).collect()
    }

    #[test]
    fn what_is_drawn_takes_the_place_of_what_was() {
        let (none, two) = (lines(&[]), lines(&["ab", "cd"]));
        assert_eq!(redrawn(&none, "", &two, 80), "ab\x1b[K\ncd\x1b[K\n\x1b[J");
        assert_eq!(
            redrawn(&two, "said\n", &two, 80),
            "\r\x1b[2Asaid\x1b[K\nab\x1b[K\ncd\x1b[K\n\x1b[J"
        );
        assert_eq!(redrawn(&two, "", &none, 80), "\r\x1b[2A\x1b[J");
        assert_eq!(
            redrawn(&two, "", &none, 1),
            "\r\x1b[4A\x1b[J",
            "each is on two rows by now"
        );
    }

    #[test]
    fn colours_go_and_movements_stay() {
        assert_eq!(
            without_colours("\x1b[1m\x1b[32mok\x1b[0m\x1b[K\x1b[2A\x1b[m"),
            "ok\x1b[K\x1b[2A"
        );
        assert_eq!(without_colours("plain"), "plain");
    }
}
