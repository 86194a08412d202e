//! What is found in a text can be shown to a person.

use playbook_types::finding::Finding;

/// Every finding has words, one line that draws nothing, and, unless there is no line to show, a place; they are in the order of the text.
pub(crate) fn can_be_shown(text: &str, findings: &[Finding]) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.split('\n').collect();
    if text.trim().is_empty() {
        return;
    }
    let mut former = (0, 0);
    for finding in findings {
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
