//! The graph as a Mermaid flowchart, for pages that draw those: READMEs on code hosts, notebooks, wikis.

use std::fmt::Write as _;

use playbook_types::path::DataPath;

use crate::render::graph::escape::mermaid as escaped;
use crate::render::graph::{Arrow, Picture, State};

/// How many arrows Mermaid draws unless its `maxEdges` is raised.
pub(crate) const MOST_ARROWS: usize = 500;

/// The picture as Mermaid.
pub(crate) fn mermaid(picture: &Picture, paths: bool) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, node) in picture.nodes.iter().enumerate() {
        let label = match node.state {
            State::Unknown => String::new(),
            state => format!("{} ", state.sign()),
        };
        let name = escaped(node.stage.as_str());
        let class = match node.state {
            State::Unknown => "",
            state => state.class(),
        };
        let colons = if class.is_empty() { "" } else { ":::" };
        // Identifiers are numbered: a stage may be called `end`.
        // A gate is a hexagon.
        let (open, close) = if node.gate { ("{{", "}}") } else { ("[", "]") };
        writeln!(text, "  s{at}{open}\"{label}{name}\"{close}{colons}{class}").ok();
    }
    for arrow in &picture.arrows {
        let Arrow { from, to, .. } = arrow;
        let line = if arrow.via.is_empty() { "-.->" } else { "-->" };
        let label = label(arrow, paths);
        writeln!(text, "  s{from} {line}{label} s{to}").ok();
    }
    for (state, _) in picture.tally() {
        if state == State::Unknown {
            continue;
        }
        let (inside, around) = state.colors();
        let dashes = match state {
            State::Maybe | State::Skipped => ",stroke-dasharray:4 3",
            _ => "",
        };
        let class = state.class();
        writeln!(
            text,
            "  classDef {class} fill:{inside},stroke:{around},color:#1b2430{dashes}"
        )
        .ok();
    }
    text
}

fn label(arrow: &Arrow, paths: bool) -> String {
    let via: Vec<String> = arrow
        .via
        .iter()
        .map(DataPath::as_str)
        .map(escaped)
        .collect();
    match (paths, via.is_empty()) {
        (false, _) => String::new(),
        (true, true) => "|\"after\"|".to_owned(),
        (true, false) => format!("|\"{}\"|", via.join("<br/>")),
    }
}
