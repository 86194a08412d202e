//! What the live area shows: a pure function of where the run stands, how large the terminal is, and the time.
//!
//! One line per stage that runs (elapsed and usual time, the last line it printed), one per stage that waits for its next
//! try, one for what takes long to hash, and a total. There are hardly ever more lines than half the terminal has, and none is
//! as wide as it. Figures are shown whole or not at all: half of one says something else.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::render::live::state::{Course, Eta, Hashing, RunningStage, State, WaitingStage};
use crate::render::units::{bytes, duration};
use crate::term::{Size, Tone, paint};
use playbook_types::units::grouped;

/// Names are shown no wider than this, and on narrow terminals no narrower than that.
const NAME: (usize, usize) = (30, 4);
/// How wide the bar is: at most, and at least.
const BAR: (usize, usize) = (20, 8);
/// Below this width, lines have no word in front.
const WORDS: usize = 40;
/// A few lines are shown even if that is more than half of the terminal.
const FEW: usize = 4;
/// So little of what a stage printed is not worth showing.
const LAST: usize = 8;

/// What changes without an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Duration,
    pub(super) eta: Option<Eta>,
}

/// A stage's line in pieces.
struct Row<'s> {
    word: (Tone, &'static str),
    name: &'s str,
    time: String,
    usual: String,
    last: &'s str,
}

/// The lines of the area.
pub(super) fn frame(state: &State, moment: Moment, size: Size) -> Vec<String> {
    let room = (size.rows / 2).max(FEW).min(size.rows.saturating_sub(1));
    let hashing = state.hashing.as_ref();
    let hashing = hashing.filter(|hashing| hashing.is_long);
    // The total, and what is hashed, come before stages.
    let others = 1 + usize::from(hashing.is_some());
    let room = room.saturating_sub(others);
    let running = state.running.iter();
    let running = running.map(|(name, stage)| running_row(name.as_str(), stage, moment));
    let waiting = state.waiting.iter();
    let waiting = waiting.map(|(name, stage)| waiting_row(name.as_str(), stage, moment.now));
    let all = state.running.len() + state.waiting.len();
    let shown = if all > room {
        room.saturating_sub(1)
    } else {
        all
    };
    let rows: Vec<Row<'_>> = running.chain(waiting).take(shown).collect();
    let mut lines = stage_lines(&rows, size.columns);
    if all > shown && room > 0 {
        let mut line = Writer::new(size.columns);
        let and = if shown == 0 { "" } else { "and " };
        line.put(Some(Tone::Dim), &format!("… {and}{} more", all - shown));
        lines.push(line.text);
    }
    lines.extend(hashing.map(|hashing| hashing_line(hashing, size.columns)));
    lines.push(total(state, moment, size.columns));
    lines
}

fn running_row<'s>(name: &'s str, stage: &'s RunningStage, moment: Moment) -> Row<'s> {
    let elapsed = moment.now.saturating_sub(stage.since).as_secs_f64();
    let usual = stage.usual.filter(|usual| *usual >= 1.0);
    let usual = usual.map(|usual| format!(" of about {}", coarse(usual)));
    let jobs = stage.jobs.map(|(done, total)| {
        let left = stage.left(elapsed);
        let left = left.map_or_else(String::new, |left| format!(", {} left", coarse(left)));
        format!(" · {}/{}{left}", grouped(done), grouped(total))
    });
    Row {
        word: (Tone::Act, "now    "),
        name,
        time: coarse(elapsed),
        usual: jobs.or(usual).unwrap_or_default(),
        last: &stage.last,
    }
}

fn waiting_row<'s>(name: &'s str, stage: &WaitingStage, now: Duration) -> Row<'s> {
    let left = stage.until.saturating_sub(now).as_secs_f64();
    Row {
        word: (Tone::Warn, "wait   "),
        name,
        time: coarse(left),
        usual: format!(" until try {}", stage.attempt),
        last: "",
    }
}

/// Names and times stand below each other.
fn stage_lines(rows: &[Row<'_>], columns: usize) -> Vec<String> {
    let widest = |width: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let room = columns.saturating_sub(1 + word(columns, "now    ").len());
    let time = widest(&|row| row.time.width());
    let for_name = room.saturating_sub(2 + time).max(NAME.1);
    let name = widest(&|row| row.name.width()).min(NAME.0).min(for_name);
    let name = name.min((columns / 3).max(NAME.1));
    let left = room.saturating_sub(name + 2);
    let both = widest(&|row| row.time.width() + row.usual.width());
    // Whether there is room for the usual times is the same for all, so that what they are beside stays in its place.
    let usual = both <= left;
    let times = if usual { both } else { time };
    let lines = rows.iter().map(|row| {
        let mut line = Writer::new(columns);
        line.put(Some(row.word.0), word(columns, row.word.1));
        line.put(None, &padded(row.name, name));
        line.put(None, &format!("  {}", row.time));
        let mut width = row.time.width();
        if usual {
            line.put(Some(Tone::Dim), &row.usual);
            width += row.usual.width();
        }
        if !row.last.is_empty() && left >= times + 2 + LAST {
            let gap = " ".repeat(times - width + 2);
            line.put(Some(Tone::Dim), &format!("{gap}{}", row.last));
        }
        line.text
    });
    lines.collect()
}

/// What stands in front of a line, if there is room.
fn word(columns: usize, word: &str) -> &str {
    if columns < WORDS { "" } else { word }
}

fn hashing_line(hashing: &Hashing, columns: usize) -> String {
    let read = match hashing.size {
        Some(size) => format!("  {} of {}", bytes(hashing.read.min(size)), bytes(size)),
        None => format!("  {} read", bytes(hashing.read)),
    };
    let others = match hashing.others {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let mut line = Writer::new(columns);
    let front = if columns < WORDS { "hash " } else { "hash   " };
    line.put(Some(Tone::Act), front);
    let more = others.width() + read.width();
    let room = (columns.saturating_sub(1 + front.len())).saturating_sub(more);
    line.put(None, &cut(&hashing.path, room.max(NAME.1)));
    line.put(None, &others);
    line.put(None, &read);
    line.text
}

fn total(state: &State, moment: Moment, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    let mut pieces = pieces(state, moment);
    let width = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.width()).sum::<usize>();
    // What matters least goes first; how far the run is stays.
    while width(&pieces) > room && pieces.len() > 1 {
        let least = pieces
            .iter()
            .enumerate()
            .min_by_key(|(_, piece)| piece.weight);
        let least = least.map_or(0, |(place, _)| place);
        pieces.remove(least);
    }
    let mut line = Writer::new(columns);
    let bar = room.saturating_sub(width(&pieces) + 2).min(BAR.0);
    if bar >= BAR.1 {
        let full = (state.done * bar).checked_div(state.total);
        let full = full.unwrap_or(bar).min(bar);
        line.put(Some(Tone::Good), &"━".repeat(full));
        line.put(Some(Tone::Dim), &"─".repeat(bar - full));
        line.put(None, "  ");
    }
    for piece in &pieces {
        line.put(piece.tone, &piece.text);
    }
    line.text
}

/// A piece of the total.
struct Piece {
    weight: u8,
    tone: Option<Tone>,
    text: String,
}

fn pieces(state: &State, moment: Moment) -> Vec<Piece> {
    let piece = |weight, tone, text| Piece { weight, tone, text };
    let State { total, done, .. } = state;
    let mut pieces = vec![piece(9, Some(Tone::Strong), format!("{done}/{total}"))];
    let counts = [
        (state.running.len(), "running", 2, None),
        (state.waiting.len(), "waiting", 1, None),
        (state.failed, "failed", 6, Some(Tone::Bad)),
    ];
    for (count, what, weight, tone) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        pieces.push(piece(weight, None, " · ".to_owned()));
        pieces.push(piece(weight, tone, format!("{count} {what}")));
    }
    let course = match state.course {
        Course::Going => None,
        Course::NothingNew => Some("nothing more starts"),
        Course::Asked => Some("ending; Ctrl-C again kills"),
        Course::Killed => Some("killed"),
    };
    if let Some(course) = course {
        pieces.push(piece(7, Some(Tone::Warn), format!(" · {course}")));
    }
    let going = matches!(state.course, Course::Going | Course::NothingNew);
    match moment.eta.filter(|_| going) {
        Some(Eta { seconds, at_least }) if seconds >= 1.0 => {
            let about = if at_least { "at least" } else { "about" };
            let text = format!(" · {about} {} left", coarse(seconds));
            pieces.push(piece(4, None, text));
        }
        _ => {}
    }
    pieces
}

/// A duration that does not flicker: whole seconds.
fn coarse(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", seconds.floor());
    }
    duration(seconds.floor())
}

/// The text cut or filled to this width.
fn padded(text: &str, width: usize) -> String {
    let cut = cut(text, width);
    let fill = width.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(fill))
}

/// As much of a text as fits, with `…` where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// A line on its way: what does not fit is left out.
struct Writer {
    text: String,
    width: usize,
    limit: usize,
}

impl Writer {
    fn new(columns: usize) -> Self {
        Self {
            text: String::new(),
            width: 0,
            // A line that fills the last column wraps on some terminals.
            limit: columns.saturating_sub(1),
        }
    }

    fn put(&mut self, tone: Option<Tone>, text: &str) {
        let text = cut(text, self.limit.saturating_sub(self.width));
        self.width += text.width();
        match tone {
            Some(tone) if !text.is_empty() => self.text.push_str(&paint(tone, &text)),
            _ => self.text.push_str(&text),
        }
    }
}
