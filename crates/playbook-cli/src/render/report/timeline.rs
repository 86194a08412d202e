//! Which stage ran when: a bar each, in as many lanes as stages ran at once.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::render::graph::State;
use crate::render::graph::escape::xml;
use crate::render::units::duration;

/// When a stage ran.
pub(super) struct Span<'a> {
    pub(super) stage: &'a str,
    pub(super) state: State,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// The height of a lane, and of the bar in it.
const LANE: usize = 28;
const BAR: usize = 24;

/// Marks on the scale, about.
const MARKS: f64 = 8.0;

/// How wide the page is on a small screen, and a letter of a name, in pixels.
const PAGE: f64 = 700.0;
const LETTER: f64 = 8.0;

/// The timeline from the start of a run to its end, and how many lanes it has.
pub(super) fn timeline(spans: &[Span<'_>], from: Timestamp, to: Timestamp) -> (String, usize) {
    let placed = lanes(spans);
    let lanes = placed.iter().map(|lane| lane + 1).max().unwrap_or(0);
    let seconds = |at: Timestamp| at.duration_since(from).as_secs_f64().max(0.0);
    let whole = spans
        .iter()
        .map(|span| seconds(span.to))
        .fold(seconds(to), f64::max);
    let scale = if whole > 0.0 { 100.0 / whole } else { 0.0 };
    let height = lanes * LANE + 26;
    let mut svg = format!(
        "<svg class=\"timeline\" width=\"100%\" height=\"{height}\" role=\"group\" aria-label=\"Timeline\">\n"
    );
    let (step, count) = marks(whole);
    for mark in 0..=count {
        let at = step * f64::from(mark);
        let x = at * scale;
        let (anchor, nudge) = if x > 97.0 { ("end", -4) } else { ("start", 4) };
        writeln!(
            svg,
            "<line x1=\"{x:.3}%\" x2=\"{x:.3}%\" y1=\"0\" y2=\"{height}\"/><text x=\"{x:.3}%\" dx=\"{nudge}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            height - 8,
            mark_text(at, step)
        )
        .ok();
    }
    for (span, lane) in spans.iter().zip(&placed) {
        bar(
            &mut svg,
            span,
            lane * LANE,
            (
                seconds(span.from) * scale,
                (seconds(span.to) - seconds(span.from)) * scale,
            ),
        );
    }
    svg.push_str("</svg>\n");
    (svg, lanes)
}

fn bar(svg: &mut String, span: &Span<'_>, y: usize, (x, width): (f64, f64)) {
    let (name, class, word) = (xml(span.stage), span.state.class(), span.state.word());
    let took = duration(span.to.duration_since(span.from).as_secs_f64().max(0.0));
    // A name that is cut off says less than none: whoever points at the bar is told all of it.
    let letters = unicode_width::UnicodeWidthStr::width(span.stage) + 2;
    #[expect(clippy::cast_precision_loss, reason = "names are short")]
    let fits = letters as f64 * LETTER <= width / 100.0 * PAGE;
    let label = if fits {
        format!("<text x=\"7\" y=\"16\">{name}</text>")
    } else {
        String::new()
    };
    writeln!(
        svg,
        "<a href=\"#stage={name}\" aria-label=\"{name}, {word}, {took}\"><svg class=\"s-{class}\" x=\"{x:.3}%\" y=\"{y}\" height=\"{BAR}\" \
         width=\"{width:.3}%\" style=\"width:max(3px,{width:.3}%)\"><title>{name}\n{word} · {took}</title>\
         <rect width=\"100%\" height=\"{BAR}\" rx=\"4\"/>{label}</svg></a>"
    )
    .ok();
}

/// The lane of each: the first in which nothing runs any more.
fn lanes(spans: &[Span<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|nth| (spans[*nth].from, spans[*nth].to));
    let mut lane = vec![0; spans.len()];
    let mut busy: std::collections::BTreeSet<(Timestamp, usize)> =
        std::collections::BTreeSet::new();
    let mut free: std::collections::BTreeSet<usize> = std::collections::BTreeSet::new();
    let mut lanes = 0;
    for nth in order {
        while let Some((until, done)) = busy
            .first()
            .copied()
            .filter(|(until, _)| *until <= spans[nth].from)
        {
            busy.remove(&(until, done));
            free.insert(done);
        }
        let taken = free.pop_first().unwrap_or_else(|| {
            lanes += 1;
            lanes - 1
        });
        lane[nth] = taken;
        busy.insert((spans[nth].to, taken));
    }
    lane
}

/// A round distance between marks, and how many there are after zero.
fn marks(whole: f64) -> (f64, u32) {
    const STEPS: [f64; 25] = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
        60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 86_400.0, 604_800.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| whole / step <= MARKS)
        .unwrap_or(whole / MARKS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "few, and casts saturate"
    )]
    let count = (whole / step) as u32;
    (step, count)
}

fn mark_text(at: f64, step: f64) -> String {
    if step < 0.01 {
        format!("{at:.3} s")
    } else if step < 0.1 {
        format!("{at:.2} s")
    } else if step < 1.0 {
        format!("{at:.1} s")
    } else if at < 60.0 {
        format!("{at:.0} s")
    } else {
        duration(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: i64) -> Span<'static> {
        let at = |second| Timestamp::from_second(second).unwrap();
        Span {
            stage: "a",
            state: State::Done,
            from: at(from),
            to: at(to),
        }
    }

    #[test]
    fn a_lane_is_used_again_when_it_is_free() {
        let spans = [
            span(0, 10),
            span(1, 3),
            span(3, 5),
            span(4, 12),
            span(10, 11),
            span(20, 20),
        ];
        assert_eq!(lanes(&spans), [0, 1, 1, 2, 0, 0]);
    }

    #[test]
    fn a_name_is_written_whole_or_not_at_all() {
        let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(100).unwrap());
        let named = |spans: &[Span<'_>]| timeline(spans, from, to).0.matches(">a</text>").count();
        assert_eq!(named(&[span(0, 50)]), 1);
        assert_eq!(named(&[span(0, 1)]), 0);
    }

    #[test]
    fn marks_are_round_and_few() {
        for whole in [0.0, 0.004, 0.3, 1.0, 7.9, 59.0, 700.0, 90_000.0, 1e9] {
            let (step, count) = marks(whole);
            assert!(
                f64::from(count) <= MARKS && step * f64::from(count) <= whole + 1e-9,
                "{whole}"
            );
        }
        let (drawn, lanes) = timeline(&[span(0, 0)], Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        assert_eq!(lanes, 1);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}
