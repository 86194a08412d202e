//! Findings in a playbook: message, place, the line underlined, advice.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use playbook_types::finding::{Finding, Findings, Origin, Severity};
use playbook_types::span::{Excerpt, Place};

use crate::term::{Tone, paint};

/// The widest part of a line that is shown.
const WIDTH: usize = 110;

/// All findings, as text.
pub(crate) fn render_findings(file: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    for finding in &findings.0 {
        one(&mut text, &file_of(finding, file), finding);
    }
    text
}

/// The file that a finding about the playbook at `playbook` is about, as a person would name it.
pub(crate) fn file_of<'f>(finding: &'f Finding, playbook: &'f Path) -> Cow<'f, Path> {
    match &finding.origin {
        Origin::Playbook => playbook.into(),
        Origin::ParamsFile(path) => match playbook.parent() {
            Some(directory) => directory.join(path.as_str()).into(),
            None => Path::new(path.as_str()).into(),
        },
        Origin::Given(path) => Path::new(path).into(),
    }
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
    let Excerpt {
        text: line,
        before,
        width,
    } = place.excerpt(WIDTH);
    let under = format!("{}{}", " ".repeat(before), paint(tone, &"^".repeat(width)));
    writeln!(text, "{} {bar} {line}", paint(Tone::Dim, &number)).ok();
    writeln!(text, "{margin} {bar} {under}").ok();
}
