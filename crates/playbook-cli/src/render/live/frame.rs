//! What the live area shows: a pure function of where the run stands, how large the terminal is, and the time.
//!
//! One line per stage that runs (elapsed and usual time, the last line it printed), one per stage that waits for its next
//! try, and a total. There are never more lines than half the terminal has, and none is as wide as it.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::render::live::state::{Eta, RunningStage, State, WaitingStage};
use crate::render::units::duration;
use crate::term::{Size, Tone, paint};

/// Names are shown no wider than this.
const NAME: usize = 30;
/// How wide the bar is.
const BAR: usize = 20;

/// What changes without an event.
pub(super) struct Moment<'a> {
    pub(super) now: Duration,
    pub(super) eta: Option<Eta>,
    /// Bytes read for digests, if nothing else goes on.
    pub(super) hashed: Option<u64>,
    /// The last line that was printed to a log.
    pub(super) last_line: &'a dyn Fn(&RunningStage) -> Option<String>,
}

/// A line and its width.
pub(super) type Line = (String, usize);

/// The lines of the area.
pub(super) fn frame(state: &State, moment: &Moment<'_>, size: Size) -> Vec<Line> {
    let room = (size.rows / 2).saturating_sub(1).max(1);
    let names = state.running.keys().chain(state.waiting.keys());
    let widest = names.map(|name| name.as_str().width()).max().unwrap_or(0);
    let width = widest.min(NAME).min(size.columns / 3);
    let all = state.running.len() + state.waiting.len();
    let shown = if all > room { room - 1 } else { all };
    let mut lines = Vec::new();
    for (name, stage) in state.running.iter().take(shown) {
        let mut line = Writer::new(size);
        line.put(Some(Tone::Act), "now    ");
        line.put(None, &padded(name.as_str(), width));
        running(&mut line, stage, moment);
        lines.push(line.finish());
    }
    let rest = shown.saturating_sub(state.running.len());
    for (name, stage) in state.waiting.iter().take(rest) {
        let mut line = Writer::new(size);
        line.put(Some(Tone::Warn), "wait   ");
        line.put(None, &padded(name.as_str(), width));
        waiting(&mut line, stage, moment.now);
        lines.push(line.finish());
    }
    if all > shown {
        let mut line = Writer::new(size);
        line.put(Some(Tone::Dim), &format!("… and {} more", all - shown));
        lines.push(line.finish());
    }
    lines.push(total(state, moment, size));
    lines
}

fn running(line: &mut Writer, stage: &RunningStage, moment: &Moment<'_>) {
    let elapsed = moment.now.saturating_sub(stage.since).as_secs_f64();
    line.put(None, &format!("  {}", coarse(elapsed)));
    if let Some(usual) = stage.usual.filter(|usual| *usual >= 1.0) {
        line.put(Some(Tone::Dim), &format!(" of about {}", coarse(usual)));
    }
    if let Some(last) = (moment.last_line)(stage) {
        line.put(Some(Tone::Dim), &format!("  {last}"));
    }
}

fn waiting(line: &mut Writer, stage: &WaitingStage, now: Duration) {
    let left = stage.until.saturating_sub(now).as_secs_f64();
    line.put(
        None,
        &format!("  try {} in {}", stage.attempt, coarse(left)),
    );
}

fn total(state: &State, moment: &Moment<'_>, size: Size) -> Line {
    let mut line = Writer::new(size);
    let State { total, done, .. } = state;
    if size.columns > 2 * BAR {
        let full = (done * BAR).checked_div(*total).unwrap_or(BAR).min(BAR);
        line.put(Some(Tone::Good), &"━".repeat(full));
        line.put(Some(Tone::Dim), &"─".repeat(BAR - full));
        line.put(None, "  ");
    }
    line.put(Some(Tone::Strong), &format!("{done}/{total}"));
    let counts = [
        (state.running.len(), "running"),
        (state.waiting.len(), "waiting"),
        (state.failed, "failed"),
    ];
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        line.put(None, &format!(" · {count} {what}"));
    }
    if let Some(hashed) = moment.hashed {
        line.put(
            None,
            &format!(" · hashing, {} read", crate::render::units::bytes(hashed)),
        );
    }
    match moment.eta {
        Some(Eta { seconds, at_least }) if seconds >= 1.0 => {
            let about = if at_least { "at least" } else { "about" };
            line.put(None, &format!(" · {about} {} left", coarse(seconds)));
        }
        _ => {}
    }
    line.finish()
}

/// A duration that does not flicker: whole seconds.
fn coarse(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", seconds.floor());
    }
    duration(seconds)
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
    fn new(size: Size) -> Self {
        Self {
            text: String::new(),
            width: 0,
            // A line that fills the last column wraps on some terminals.
            limit: size.columns.saturating_sub(1),
        }
    }

    fn put(&mut self, tone: Option<Tone>, text: &str) {
        // A tab has no width of its own.
        let text = cut(
            &text.replace('\t', " "),
            self.limit.saturating_sub(self.width),
        );
        self.width += text.width();
        match tone {
            Some(tone) if !text.is_empty() => self.text.push_str(&paint(tone, &text)),
            _ => self.text.push_str(&text),
        }
    }

    fn finish(self) -> Line {
        (self.text, self.width)
    }
}
