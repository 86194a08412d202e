//! The live area: lines at the end of the terminal that are drawn anew while a run goes on.
//!
//! It belongs to the writer, not to who fills it: whatever else is said on standard error comes above it, in the same
//! write, so nothing flickers and nothing is torn. Lines are overwritten in place and what is left of the old ones is
//! cleared behind the new text.
//!
//! The cursor rests on an empty line above the area. There it stays right whatever happens to the lines below it: a
//! terminal that becomes narrower may wrap them or cut them, and what is typed appears on the empty line; everything from the
//! cursor on is the area, and is cleared in one go. The cursor is never hidden, so nothing has to be put right if the program
//! dies. Escapes used are those of ECMA-48: cursor up (CUU), erase in line (EL) and in page (ED).
//!
//! A run in the background leaves the terminal to whoever is in the foreground: it has no area.

use std::fmt::Write as _;
use std::io::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

/// How large the terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What there is of the area.
#[derive(Debug)]
struct Area {
    /// What is drawn now.
    drawn: Vec<String>,
    /// What is drawn with the next thing that is said.
    next: Option<Vec<String>>,
    /// Nothing is drawn while the program is stopped, nor while it is about to be.
    is_suspended: bool,
}

static AREA: Mutex<Area> = Mutex::new(Area {
    drawn: Vec::new(),
    next: None,
    is_suspended: false,
});

fn area() -> MutexGuard<'static, Area> {
    AREA.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Whether the terminal is this program's to draw on. One that is nobody's in particular is.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stderr()).map_or(true, |foreground| foreground == getpgrp())
}

/// Draws these lines in place of those drawn before. None takes the area away.
pub(crate) fn draw(lines: Vec<String>) {
    area().draw(lines);
}

/// Has these lines drawn with what is said next, if there is an area.
pub(crate) fn draw_with_next(lines: Vec<String>) {
    let mut area = area();
    if !area.drawn.is_empty() {
        area.next = Some(lines);
    }
}

/// Whether there is an area now.
pub(crate) fn is_drawn() -> bool {
    !area().drawn.is_empty()
}

/// Takes the area away until the program goes on.
pub(crate) fn suspend() {
    let mut area = area();
    area.draw(Vec::new());
    area.is_suspended = true;
}

/// The program goes on.
pub(crate) fn resume() {
    area().is_suspended = false;
}

/// Has a panic's message stand where the area was, not in it.
pub(crate) fn clear_before_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Whoever panics while drawing must not wait for itself.
        if let Ok(mut area) = AREA.try_lock() {
            area.draw(Vec::new());
            area.is_suspended = true;
        }
        usual(panic);
    }));
}

/// Writes text above the area. False if there is none, and nothing was written.
pub(super) fn say_above(text: &str) -> bool {
    let mut area = area();
    if area.drawn.is_empty() {
        return false;
    }
    if !is_in_foreground() {
        area.drawn.clear();
        return false;
    }
    if let Some(next) = area.next.take() {
        area.drawn = next;
    }
    write(&redrawn(text, fitting(&area.drawn)));
    true
}

impl Area {
    fn draw(&mut self, lines: Vec<String>) {
        self.next = None;
        if self.is_suspended || self.drawn == lines {
            return;
        }
        if !is_in_foreground() {
            self.drawn.clear();
            return;
        }
        self.drawn = lines;
        write(&redrawn("", fitting(&self.drawn)));
    }
}

/// The last of the lines that fit below the empty one: what scrolls away cannot be drawn over.
fn fitting(lines: &[String]) -> &[String] {
    let room = size().rows.saturating_sub(1);
    &lines[lines.len().saturating_sub(room)..]
}

/// What has to be written to have `text`, and `new` below it, where the area was.
fn redrawn(text: &str, new: &[String]) -> String {
    let mut all = "\r".to_owned();
    for line in text.lines() {
        all.push_str(line);
        all.push_str("\x1b[K\r\n");
    }
    if new.is_empty() {
        all.push_str("\x1b[J");
        return all;
    }
    all.push_str("\x1b[K");
    for line in new {
        all.push_str("\r\n");
        all.push_str(line);
        all.push_str("\x1b[K");
    }
    write!(all, "\x1b[J\r\x1b[{}A", new.len()).ok();
    all
}

/// Colours are taken away where there are to be none; what moves the cursor stays.
fn write(text: &str) {
    let text = if super::err_has_colours() {
        text.to_owned()
    } else {
        without_colours(text)
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

    /// A terminal on which these were written one after the other, and the row the cursor is on.
    fn screen(written: &[String]) -> (String, u16) {
        let mut terminal = vt100::Parser::new(6, 20, 0);
        for text in written {
            terminal.process(text.as_bytes());
        }
        let (row, column) = terminal.screen().cursor_position();
        assert_eq!(column, 0);
        (terminal.screen().contents(), row)
    }

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_drawn_takes_the_place_of_what_was() {
        let first = redrawn("said\n", &lines(&["ab", "cd"]));
        assert_eq!(
            screen(std::slice::from_ref(&first)),
            ("said\n\nab\ncd".to_owned(), 1)
        );
        let second = redrawn("more\n", &lines(&["x"]));
        let both = [first, second];
        assert_eq!(screen(&both), ("said\nmore\n\nx".to_owned(), 2));
        let [first, second] = both;
        let end = redrawn("", &[]);
        assert_eq!(screen(&[first, second, end]), ("said\nmore".to_owned(), 2));
    }

    #[test]
    fn at_the_bottom_of_the_terminal_nothing_that_was_said_is_drawn_over() {
        let area = lines(&["ab", "cd"]);
        let long = "a line that is longer than the terminal is wide\n";
        let mut written: Vec<String> = (0..9).map(|n| redrawn(&format!("{n}\n"), &area)).collect();
        assert_eq!(screen(&written), ("6\n7\n8\n\nab\ncd".to_owned(), 3));
        written.push(redrawn(long, &area));
        let wrapped = "a line that is longe\nr than the terminal \nis wide";
        assert_eq!(
            screen(&written),
            (
                format!("{wrapped}\n\nab\ncd")
                    .replace("e\nr", "er")
                    .replace(" \nis", " is"),
                3
            )
        );
        written.push(redrawn("", &[]));
        assert_eq!(screen(&written).1, 3);
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
