//! The graph as DOT, for Graphviz.

use std::fmt::Write as _;

use playbook_types::path::DataPath;

use crate::render::foretold::jobs_done;
use crate::render::graph::escape::dot as escaped;
use crate::render::graph::{Node, Picture, State};
use crate::render::units::duration;

/// The picture as DOT.
pub(crate) fn dot(picture: &Picture, paths: bool) -> String {
    let mut text = format!("digraph \"{}\" {{\n", escaped(&picture.playbook));
    text.push_str(
        "  graph [rankdir=TB, fontname=\"Helvetica,Arial,sans-serif\", bgcolor=transparent];\n  \
         node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, fontcolor=\"#1b2430\"];\n  \
         edge [color=\"#7c8896\", arrowsize=0.7, fontname=\"Helvetica,Arial,sans-serif\", fontsize=9, fontcolor=\"#5b6776\"];\n",
    );
    for (at, node) in picture.nodes.iter().enumerate() {
        let (inside, around) = node.state.colors();
        let dashes = match node.state {
            State::Maybe | State::Skipped => ", style=\"rounded,filled,dashed\"",
            _ => "",
        };
        let shape = if node.gate { ", shape=hexagon" } else { "" };
        let (label, tooltip) = (label(node), escaped(&tooltip(node)));
        writeln!(
            text,
            "  s{at} [label=\"{label}\", tooltip=\"{tooltip}\", fillcolor=\"{inside}\", color=\"{around}\"{shape}{dashes}];"
        )
        .ok();
    }
    for arrow in &picture.arrows {
        let via: Vec<String> = arrow
            .via
            .iter()
            .map(DataPath::as_str)
            .map(escaped)
            .collect();
        let shown = if via.is_empty() {
            "after".to_owned()
        } else {
            via.join("\\n")
        };
        let mut attributes = format!("tooltip=\"{shown}\"");
        if paths {
            write!(attributes, ", label=\"{shown}\"").ok();
        }
        if via.is_empty() {
            attributes.push_str(", style=dashed");
        }
        writeln!(text, "  s{} -> s{} [{attributes}];", arrow.from, arrow.to).ok();
    }
    text.push_str("}\n");
    text
}

fn label(node: &Node) -> String {
    let name = escaped(node.stage.as_str());
    match node.state {
        State::Unknown => name,
        state => format!("{} {name}\\n{}", state.sign(), state.word()),
    }
}

fn tooltip(node: &Node) -> String {
    let mut lines = vec![node.command.trim_end().to_owned()];
    if node.gate {
        lines.insert(0, "gate".to_owned());
    }
    lines.extend(node.why.iter().cloned());
    lines.extend(node.jobs.map(jobs_done));
    if let Some(seconds) = node.seconds {
        lines.push(format!("last took {}", duration(seconds)));
    }
    lines.join("\n")
}
