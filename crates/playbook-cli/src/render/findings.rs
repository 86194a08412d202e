//! Findings in a playbook: message, place, the line underlined, advice.

use std::fmt::Write as _;
use std::path::Path;

use playbook_types::finding::{Finding, Findings, Severity};
use playbook_types::span::Place;

use crate::term::{Tone, paint};

/// The widest part of a line that is shown.
const WIDTH: usize = 110;

/// All findings, as text.
pub(crate) fn render_findings(file: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    for finding in &findings.0 {
        one(&mut text, file, finding);
    }
    text
}

fn one(text: &mut String, file: &Path, finding: &Finding) {
    let (tone, word) = match finding.severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Warn, "warning"),
    };
    writeln!(text, "{}: {}", paint(tone, word), finding.message).ok();
    match &finding.place {
        Some(place) => snippet(text, file, place, tone),
        None => {
            writeln!(text, "  {} {}", paint(Tone::Dim, "-->"), file.display()).ok();
        }
    }
    if let Some(hint) = &finding.hint {
        writeln!(text, "  {}: {hint}", paint(Tone::Strong, "hint")).ok();
    }
}

fn snippet(text: &mut String, file: &Path, place: &Place, tone: Tone) {
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let bar = paint(Tone::Dim, "|");
    writeln!(
        text,
        "{margin} {} {}:{}:{}",
        paint(Tone::Dim, "-->"),
        file.display(),
        place.line,
        place.column
    )
    .ok();
    let (line, before) = window(place);
    let room = line.chars().count().saturating_sub(before).max(1);
    let under = format!(
        "{}{}",
        " ".repeat(before),
        paint(tone, &"^".repeat(place.width.min(room)))
    );
    writeln!(text, "{} {bar} {line}", paint(Tone::Dim, &number)).ok();
    writeln!(text, "{margin} {bar} {under}").ok();
}

/// The part of the line around the place, and how many characters of it stand before the place.
fn window(place: &Place) -> (String, usize) {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let chars: Vec<char> = place.text.chars().map(printable).collect();
    let at = (place.column - 1).min(chars.len());
    let from = if chars.len() <= WIDTH {
        0
    } else {
        at.saturating_sub(WIDTH / 2)
    };
    let shown: String = chars[from..].iter().take(WIDTH).collect();
    (shown, at - from)
}
