//! The nodes and arrows themselves.

use std::fmt::Write as _;

use playbook_types::path::DataPath;

use crate::render::foretold::jobs_done;
use crate::render::graph::escape::xml;
use crate::render::graph::layout::{Cell, Flow, Layout, Point, layout};
use crate::render::graph::{Arrow, Node, Picture, State};
use crate::render::units::duration;

/// Names longer than this are cut; the whole one is in the tooltip.
const NAME: usize = 28;

/// How much of a command and of a list a tooltip shows.
const TIP_TEXT: usize = 400;
const TIP_ITEMS: usize = 10;

/// The advance of a letter of a name, and of the line below, at the sizes of the style sheet.
const NAME_ADVANCE: f64 = 7.6;
const LINE_ADVANCE: f64 = 5.7;

/// What the drawing is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A file: all there is to say is in tooltips.
    File,
    /// A page that shows a stage when it is chosen, with the keyboard too.
    Page,
}

/// Ink on a paper of this size.
pub(crate) struct Drawing {
    pub(crate) ink: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// About how wide a text is whose letters are on average this wide.
pub(super) fn text_width(text: &str, advance: f64) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX)) * advance
}

/// Draws arrows, then nodes on top of them.
pub(crate) fn draw(picture: &Picture, purpose: Purpose) -> Drawing {
    let cell = cell(picture);
    let arrows: Vec<(usize, usize)> = picture
        .arrows
        .iter()
        .map(|arrow| (arrow.from, arrow.to))
        .collect();
    let laid = layout(picture.nodes.len(), &arrows, cell);
    let mut ink = String::new();
    ink.push_str("<g class=\"arrows\">\n");
    for (arrow, route) in picture.arrows.iter().zip(&laid.routes) {
        draw_arrow(&mut ink, picture, arrow, &path(route, &laid), purpose);
    }
    ink.push_str("</g>\n<g class=\"nodes\">\n");
    for (at, (node, place)) in picture.nodes.iter().zip(&laid.nodes).enumerate() {
        draw_node(&mut ink, (at, node), *place, cell, purpose);
    }
    ink.push_str("</g>\n");
    Drawing {
        ink,
        width: laid.width,
        height: laid.height,
    }
}

/// A size that holds every name, cut where it is long, and every line below.
fn cell(picture: &Picture) -> Cell {
    let widest = |width: fn(&Node) -> f64| picture.nodes.iter().map(width).fold(0.0, f64::max);
    let names = widest(|node| text_width(&cut(node.stage.as_str()), NAME_ADVANCE));
    let lines = widest(|node| text_width(&line(node), LINE_ADVANCE));
    let plain = picture.nodes.iter().all(|node| line(node).is_empty());
    let (left, height) = if plain { (14.0, 34.0) } else { (38.0, 46.0) };
    Cell {
        width: (left + names.max(lines) + 14.0).max(96.0).round(),
        height,
    }
}

/// The line below the name: the state in a word, and how long the stage last took.
fn line(node: &Node) -> String {
    let gate = if node.gate { "gate · " } else { "" };
    let took = node.seconds.map(duration);
    match (node.state, took) {
        (State::Unknown, _) => String::new(),
        (state, Some(took)) => format!("{gate}{} · {took}", state.word()),
        (state, None) => format!("{gate}{}", state.word()),
    }
}

/// A long name without its middle: names that belong together begin alike and end differently.
fn cut(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= NAME {
        return name.to_owned();
    }
    let front: String = letters[..NAME / 2].iter().collect();
    let back: String = letters[letters.len() + NAME / 2 + 1 - NAME..]
        .iter()
        .collect();
    format!("{front}…{back}")
}

fn draw_node(
    ink: &mut String,
    (at, node): (usize, &Node),
    place: Point,
    cell: Cell,
    purpose: Purpose,
) {
    let name = node.stage.as_str();
    let (class, line) = (node.state.class(), line(node));
    let Cell { width, height } = cell;
    let Point { x, y } = place;
    write!(
        ink,
        "<g class=\"node s-{class}\" transform=\"translate({x:.1} {y:.1})\""
    )
    .ok();
    match purpose {
        Purpose::File => write!(ink, "><title>{}</title>", xml(&tooltip(node))).ok(),
        Purpose::Page => {
            let label = if line.is_empty() {
                name.to_owned()
            } else {
                format!("{name}, {line}")
            };
            let label = xml(&label);
            write!(ink, " data-n=\"{at}\" tabindex=\"0\" role=\"button\" aria-label=\"{label}\"><title>{label}</title>").ok()
        }
    };
    outline(ink, node, cell);
    let shown = xml(&cut(name));
    if line.is_empty() {
        let (x, y) = (width / 2.0, height / 2.0 + 4.5);
        write!(
            ink,
            "<text class=\"nm\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{shown}</text>"
        )
        .ok();
    } else {
        write!(
            ink,
            "<use href=\"#sg-{class}\" x=\"11\" y=\"14\" width=\"18\" height=\"18\"/>\
             <text class=\"nm\" x=\"38\" y=\"20\">{shown}</text><text class=\"st\" x=\"38\" y=\"35\">{}</text>",
            xml(&line)
        )
        .ok();
    }
    ink.push_str("</g>\n");
}

/// A rectangle; that of a gate has posts at both sides.
fn outline(ink: &mut String, node: &Node, Cell { width, height }: Cell) {
    let round = if node.gate { 0 } else { 10 };
    write!(
        ink,
        "<rect width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>"
    )
    .ok();
    if node.gate {
        let right = width - 5.0;
        write!(
            ink,
            "<path class=\"post\" d=\"M5 0V{height}M{right} 0V{height}\"/>"
        )
        .ok();
    }
}

fn draw_arrow(ink: &mut String, picture: &Picture, arrow: &Arrow, path: &str, purpose: Purpose) {
    let after = if arrow.via.is_empty() { " after" } else { "" };
    let Arrow { from, to, .. } = *arrow;
    let ends = match purpose {
        Purpose::File => String::new(),
        Purpose::Page => format!(" data-f=\"{from}\" data-t=\"{to}\""),
    };
    let [one, other] = [from, to].map(|at| picture.nodes[at].stage.as_str());
    let what = xml(&format!("{one} → {other}: {}", via(arrow)));
    writeln!(
        ink,
        "<path class=\"arrow{after}\"{ends} marker-end=\"url(#tip)\" d=\"{path}\"><title>{what}</title></path>"
    )
    .ok();
}

/// What an arrow stands for, in words.
pub(crate) fn via(arrow: &Arrow) -> String {
    let paths = some(arrow.via.iter().map(DataPath::as_str));
    match (arrow.via.is_empty(), arrow.after) {
        (true, _) => "runs after it".to_owned(),
        (false, true) => format!("{paths}, and runs after it"),
        (false, false) => paths,
    }
}

/// The first of many, and how many more there are.
fn some<'a>(items: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = items.len().saturating_sub(TIP_ITEMS);
    let shown: Vec<&str> = items.take(TIP_ITEMS).collect();
    match more {
        0 => shown.join(", "),
        _ => format!("{}, +{more} more", shown.join(", ")),
    }
}

fn tooltip(node: &Node) -> String {
    let mut lines = vec![node.stage.to_string()];
    lines.extend(
        node.gate
            .then(|| "gate: if it fails, nothing new is started".to_owned()),
    );
    lines.extend(node.description.clone());
    if node.state != State::Unknown {
        let why = node.why.join("; ");
        let colon = if why.is_empty() { "" } else { ": " };
        lines.push(format!("{}{colon}{why}", node.state.word()));
    }
    let command: String = node.command.trim_end().chars().take(TIP_TEXT).collect();
    let dots = if command.len() < node.command.trim_end().len() {
        "…"
    } else {
        ""
    };
    lines.push(format!("$ {command}{dots}"));
    for (what, paths) in [("reads", &node.deps), ("makes", &node.outs)] {
        if !paths.is_empty() {
            let told: Vec<String> = paths.iter().map(|path| node.told(path)).collect();
            lines.push(format!("{what}: {}", some(told.iter().map(String::as_str))));
        }
    }
    lines.extend(node.jobs.map(jobs_done));
    if let Some(seconds) = node.seconds {
        lines.push(format!("last took {}", duration(seconds)));
    }
    lines.join("\n")
}

/// A smooth line: it leaves and enters each point in the direction of the flow.
fn path(route: &[Point], laid: &Layout) -> String {
    let mut path = String::new();
    for (at, to) in route.iter().enumerate() {
        let Some(from) = at.checked_sub(1).map(|before| route[before]) else {
            write!(path, "M{:.1} {:.1}", to.x, to.y).ok();
            continue;
        };
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        match laid.flow {
            Flow::Right if dy.abs() < 0.05 => write!(path, "H{:.1}", to.x).ok(),
            Flow::Down if dx.abs() < 0.05 => write!(path, "V{:.1}", to.y).ok(),
            Flow::Right => {
                let middle = from.x + dx / 2.0;
                write!(
                    path,
                    "C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}",
                    from.y, to.y, to.x, to.y
                )
                .ok()
            }
            Flow::Down => {
                let middle = from.y + dy / 2.0;
                write!(
                    path,
                    "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                    from.x, to.x, to.x, to.y
                )
                .ok()
            }
        };
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(cut("short"), "short");
        let long = "transcribe_with_a_very_long_name@sample-0001";
        assert_eq!(cut(long), "transcribe_wit…e@sample-0001");
        assert!(cut(long).chars().count() <= NAME);
    }
}
