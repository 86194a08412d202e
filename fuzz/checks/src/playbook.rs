//! A text is a playbook whose graph is sound, or there is something wrong with it that can be shown.

use playbook_types::finding::{Finding, Findings};
use playbook_types::graph::{Graph, StageId};
use playbook_types::model::playbook::Playbook;
use playbook_types::parse::{SourceName, parse};

use crate::text;

/// Reads a playbook twice and looks at what came of it.
pub fn check(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = SourceName::new("playbook.yaml");
    let parsed = parse(text, &source);
    assert_eq!(parsed, parse(text, &source), "read twice, understood twice");
    match parsed {
        Ok(parsed) => {
            assert!(!parsed.warnings.has_errors(), "an error that stops nothing");
            can_be_shown(text, &parsed.warnings);
            sound(&parsed.playbook);
        }
        Err(findings) => {
            assert!(findings.has_errors(), "refused without an error");
            can_be_shown(text, &findings);
        }
    }
}

/// Every finding has words, one line that draws nothing, and, unless there is no line to show, a place; they are in the order of the text.
fn can_be_shown(text: &str, findings: &Findings) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').collect();
    if text.trim().is_empty() {
        return;
    }
    let mut former = (0, 0);
    for finding in &findings.0 {
        let words = [Some(&finding.message), finding.hint.as_ref()];
        for text in words.into_iter().flatten() {
            assert!(
                !text.is_empty() && !text.contains(char::is_control),
                "not one line of words: {text:?}"
            );
        }
        let at = placed(&lines, finding);
        assert!(former <= at, "findings out of order: {findings:#?}");
        former = at;
    }
}

fn placed(lines: &[&str], finding: &Finding) -> (usize, usize) {
    let Some(place) = &finding.place else {
        panic!("a finding without a place: {finding:?}")
    };
    let line = lines.get(place.line.wrapping_sub(1)).copied();
    let line = line.map(|line| line.strip_suffix('\r').unwrap_or(line));
    assert_eq!(line, Some(place.text.as_str()), "another line: {finding:?}");
    let length = place.text.chars().count();
    assert!(
        (1..=length + 1).contains(&place.column),
        "beside its line: {finding:?}"
    );
    let end = place.column - 1 + place.width;
    assert!(
        place.width >= 1 && end <= length.max(place.column),
        "beyond its line: {finding:?}"
    );
    for most in [1, 2, 80] {
        let shown = place.excerpt(most);
        let length = shown.text.chars().count();
        assert!(length <= most, "too much of the line: {shown:?}");
        assert!(
            shown.before + shown.width <= length.max(shown.before + 1),
            "underlined beyond what is shown: {shown:?}"
        );
        assert!(
            !shown.text.contains(char::is_control),
            "a control character for the terminal: {shown:?}"
        );
    }
    (place.line, place.column)
}

/// What reads a path needs all that make it, above, at or below it; and the order keeps to that.
fn sound(playbook: &Playbook) {
    let Ok(graph) = Graph::build(playbook) else {
        panic!("a playbook in order whose stages need each other in a circle")
    };
    assert_eq!(graph.order().len(), playbook.stages.len());
    let mut done = vec![false; playbook.stages.len()];
    for &stage in graph.order() {
        for need in graph.needs(stage) {
            assert!(done[need.index()], "a stage before what it needs");
            assert!(graph.feeds(*need).contains(&stage), "an edge of one end");
        }
        assert!(!done[stage.index()], "a stage twice in the order");
        done[stage.index()] = true;
    }
    for (i, stage) in playbook.stages.values().enumerate() {
        let makes = |other: &StageId| {
            let (_, other) = playbook.stages.get_index(other.index())?;
            let read = stage
                .deps
                .iter()
                .any(|dep| other.outs.iter().any(|out| out.path.overlaps(&dep.path)));
            (read && other.name != stage.name).then_some(())
        };
        let expected: Vec<StageId> = (0..playbook.stages.len())
            .map(StageId::new)
            .filter(|other| makes(other).is_some())
            .collect();
        assert_eq!(
            graph.reads(StageId::new(i)),
            expected,
            "what {} reads",
            stage.name
        );
    }
}
