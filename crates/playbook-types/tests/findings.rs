//! Every refusal and warning of the language, as a person would see where it points.

use playbook_types::finding::{Finding, Severity};
use playbook_types::parse::{SourceName, parse};

/// All findings, each with its line underlined.
fn findings(text: &str) -> String {
    let found = match parse(text, &SourceName::new("playbook.yaml")) {
        Ok(parsed) => parsed.warnings,
        Err(found) => found,
    };
    found.0.iter().map(show).collect::<Vec<_>>().join("\n")
}

fn show(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let hint = finding
        .hint
        .as_ref()
        .map(|hint| format!("\n  hint: {hint}"))
        .unwrap_or_default();
    let place = finding.place.as_ref().map_or_else(
        || "\n  (no place)".to_owned(),
        |place| {
            let under = format!(
                "{}{}",
                " ".repeat(place.column - 1),
                "^".repeat(place.width)
            );
            format!(
                "\n  {}:{}\n  | {}\n  | {under}",
                place.line, place.column, place.text
            )
        },
    );
    format!("{severity}: {}{place}{hint}", finding.message)
}

/// Findings of a playbook with these stages.
fn in_stages(stages: &str) -> String {
    findings(&format!("version: \"1.0\"\nname: t\nstages:\n{stages}"))
}

#[test]
fn a_playbook_in_order_has_none() {
    assert_eq!(in_stages("  a: {cmd: echo x > o, outs: [o]}\n"), "");
}

macro_rules! cases {
    ($($name:ident: $call:ident($text:expr);)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!($call($text)); })*
    };
}

include!("findings/cases.rs");
