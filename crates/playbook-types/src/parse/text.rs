//! The way in: text to playbook.

use crate::expand::{Files, NoFiles};
use crate::finding::{Finding, Findings, KeyPath};
use crate::model::playbook::Playbook;
use crate::parse::draft::Draft;
use crate::parse::locate::{place_all, second_document};
use crate::span::LineIndex;

/// The file name of a playbook, which its lock and its log share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceName(String);

impl SourceName {
    /// A file name, without its directory.
    pub fn new(file_name: impl Into<String>) -> Self {
        Self(file_name.into())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `.yaml` or `.yml`.
    pub fn stem(&self) -> &str {
        self.0
            .strip_suffix(".yaml")
            .or_else(|| self.0.strip_suffix(".yml"))
            .unwrap_or(&self.0)
    }
}

/// A playbook that may run, and what is worth a warning in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The playbook.
    pub playbook: Playbook,
    /// Only warnings.
    pub warnings: Findings,
}

/// Reads a playbook and checks it, without the files that `params_files` names: whether a param exists is then not
/// judged if it names any.
///
/// # Errors
///
/// Everything that was found, warnings included, as soon as one of the findings is an error.
pub fn parse(text: &str, source: &SourceName) -> Result<Parsed, Findings> {
    parse_with(text, source, &mut NoFiles)
}

/// Reads a playbook whose wildcards stand for parts of the names of these files, and checks it.
///
/// # Errors
///
/// Everything that was found, warnings included, as soon as one of the findings is an error.
pub fn parse_with(
    text: &str,
    source: &SourceName,
    files: &mut dyn Files,
) -> Result<Parsed, Findings> {
    Draft::read(text)?.check(source, files)
}

/// Gives findings that have none their places in the text, and puts all in the order of the text.
pub fn locate(text: &str, findings: &mut Findings) {
    place_all(without_mark(text), &mut findings.0);
}

/// Without the mark that some editors put in front of UTF-8.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The place is shown beside the message, so ` at line 3 column 7` inside it is noise.
fn without_positions(message: &str) -> String {
    let mut parts = message.split(" at line ");
    let mut kept = parts.next().unwrap_or("").to_owned();
    for part in parts {
        kept.push_str(
            part.trim_start_matches(|c: char| {
                c.is_ascii_digit() || c == ' ' || "column".contains(c)
            }),
        );
    }
    kept
}

/// What the YAML parser says, at the place where it says it.
pub(super) fn syntax(text: &str, error: &serde_yaml_ng::Error) -> Finding {
    if let Some(finding) = conflict(text) {
        return finding;
    }
    let message = error.to_string();
    let location = error.location();
    let message = without_positions(&message);
    let mut finding = Finding::error(KeyPath::TOP, format!("not valid YAML: {message}"));
    // By bytes: what YAML takes for the end of a line is none to an editor everywhere.
    let range = match &location {
        Some(location) => Some(location.index()..location.index() + 1),
        None => second_document(text),
    };
    finding.place = range.map(|range| LineIndex::new(text).place(range));
    if finding.place.is_none() {
        place_all(text, std::slice::from_mut(&mut finding));
    }
    if message.contains("recursion limit") {
        finding = finding.hint("nothing here needs to be nested this deeply");
    } else if message.contains("repetition limit") {
        finding = finding.hint("its aliases (*name) expand to far more than the text itself");
    } else if finding
        .place
        .as_ref()
        .is_some_and(|place| place.text.contains("{{"))
    {
        finding = finding.hint("inside { } or [ ], put a text with {{…}} in quotes");
    } else if location.is_some_and(|location| opens_inside_text(text, location.index())) {
        finding = finding.hint(
            r#"inside { } or [ ], put a text with a wildcard in quotes: ["raw/{sample}.txt"]"#,
        );
    } else if text.contains('\t') && message.contains("token") {
        finding = finding.hint("YAML is indented with spaces, never with tabs");
    }
    finding
}

/// Whether a brace stands here right behind other text, as in `[raw/{sample}.txt]`: there YAML begins a map.
fn opens_inside_text(text: &str, at: usize) -> bool {
    let (front, behind) = text.as_bytes().split_at(at.min(text.len()));
    let last = front.last().copied().unwrap_or(b' ');
    behind.first() == Some(&b'{') && !last.is_ascii_whitespace() && !b"[{,:".contains(&last)
}

/// Text that is no YAML because git left two sides of it, at the first of its marks.
pub(super) fn conflict(text: &str) -> Option<Finding> {
    const MARK: &str = "<<<<<<<";
    let begins = text.starts_with(MARK).then_some(0);
    let at = begins.or_else(|| Some(text.find("\n<<<<<<<")? + 1))?;
    let mut finding = Finding::error(KeyPath::TOP, "git has left conflict markers here");
    finding.place = Some(LineIndex::new(text).place(at..at + MARK.len()));
    Some(finding.hint("keep one of the two sides, or something of both, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line, column and line text of the one thing that is wrong.
    fn wrong(text: &str) -> (usize, usize, String) {
        let findings = parse(text, &SourceName::new("playbook.yaml")).unwrap_err();
        let place = findings.0.first().unwrap().place.clone().unwrap();
        (place.line, place.column, place.text)
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let broken = "name: 'a\u{2028}b\u{85}c\rd'\nx: [}\n";
        assert_eq!(wrong(broken), (2, 5, "x: [}".to_owned()));
        assert_eq!(wrong("é: 'é'\né: [}\n"), (2, 5, "é: [}".to_owned()));
    }

    #[test]
    fn a_wildcard_that_yaml_takes_for_a_map_has_to_be_quoted() {
        let hint = |text: &str| {
            let findings = parse(text, &SourceName::new("playbook.yaml")).unwrap_err();
            findings.0.first().unwrap().hint.clone()
        };
        let about = hint("deps: [raw/{sample}.txt]\n").unwrap();
        assert!(about.contains("in quotes"), "{about}");
        assert_eq!(hint("deps: [a: {b}, c}\n"), None);
    }

    #[test]
    fn a_second_document_is_shown() {
        assert_eq!(wrong("a: 1\n---\nb: 2\n"), (2, 1, "---".to_owned()));
        assert_eq!(wrong("# nothing\n"), (1, 1, "# nothing".to_owned()));
    }
}
