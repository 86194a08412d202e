//! The graph as a page to look around in: one file with the drawing, a style sheet and a script, and nothing from elsewhere.
//!
//! What users wrote reaches the page in two ways only: as escaped text of the drawing, and as JSON that the script puts
//! into text nodes. Beyond that the page forbids itself everything but its own script, which is known by a number that
//! nobody who wrote a command could have foreseen.

mod card;

use std::fmt::Write as _;

use playbook_hash::digest_command;

pub(crate) use card::{Card, Section, card};

use crate::render::graph::escape::{plain, script_json, xml};
use crate::render::graph::svg::{Purpose, defs, draw, style, via};
use crate::render::graph::{Picture, State};

const SHEET: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A page in parts.
pub(crate) struct Page<'a> {
    /// Of the window.
    pub(crate) title: &'a str,
    /// Of the body: what kind of page it is.
    pub(crate) class: &'a str,
    /// What stands in it, escaped.
    pub(crate) body: &'a str,
    /// Beside the sheet that every page has.
    pub(crate) sheet: &'a str,
    /// What the script reads.
    pub(crate) data: &'a str,
}

/// The picture as a page.
pub(crate) fn html(picture: &Picture, as_of: &str) -> String {
    let cards: Vec<Card> = picture.nodes.iter().map(card).collect();
    let tally = picture.tally();
    let about = picture.description.as_deref().map(xml);
    let about = about.map(|about| format!("<p class=\"about\">{about}</p>"));
    let body = format!(
        "<header class=\"top\"><div class=\"name\"><h1>{}</h1>{}</div>{}<p class=\"as-of\">{}</p></header>\n<main>{}</main>\n",
        xml(&picture.playbook),
        about.unwrap_or_default(),
        legend(&tally),
        xml(as_of),
        viewer(picture).html,
    );
    page(&Page {
        title: &picture.playbook,
        class: "graph-page",
        body: &body,
        sheet: &style(&tally),
        data: &data(picture, &cards),
    })
}

/// A whole page.
pub(crate) fn page(page: &Page<'_>) -> String {
    let data = script_json(page.data);
    // Made from all that is in the page, so nothing that is in it can know it.
    let nonce = digest_command(&format!("{}{}{data}", page.title, page.body))
        .to_string()
        .split_off("blake3:".len());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'\"/>\n\
         <title>{}</title>\n<style>\n{}{SHEET}</style>\n</head>\n<body class=\"{}\">\n{}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script nonce=\"{nonce}\">\n{SCRIPT}</script>\n</body>\n</html>\n",
        xml(page.title),
        page.sheet,
        page.class,
        page.body,
    )
}

/// The drawing with all around it.
pub(crate) struct Viewer {
    pub(crate) html: String,
    /// How high the drawing is by how wide it is.
    pub(crate) slender: f64,
}

/// The drawing, what moves it, and where a chosen stage is shown.
pub(crate) fn viewer(picture: &Picture) -> Viewer {
    let drawing = draw(picture, Purpose::Page);
    let html = format!(
        "<section class=\"viewer\" aria-label=\"Graph of the stages\">\n\
         <div class=\"bar\" role=\"toolbar\" aria-label=\"Look around\">\
         <input type=\"search\" class=\"find\" placeholder=\"Find a stage or a file\" aria-label=\"Find a stage or a file\" spellcheck=\"false\" autocomplete=\"off\"/>\
         <output class=\"found\" aria-live=\"polite\"></output>\
         <button type=\"button\" data-do=\"out\" aria-label=\"Zoom out\" title=\"Zoom out (-)\">−</button>\
         <button type=\"button\" data-do=\"in\" aria-label=\"Zoom in\" title=\"Zoom in (+)\">+</button>\
         <button type=\"button\" data-do=\"fit\" aria-label=\"Show all\" title=\"Show all (0)\">All</button></div>\n\
         <svg class=\"canvas\" xmlns=\"http://www.w3.org/2000/svg\" role=\"group\" aria-label=\"Stages and arrows\" tabindex=\"0\" \
         data-w=\"{:.0}\" data-h=\"{:.0}\">\n{}<g class=\"view\">\n{}</g></svg>\n\
         <aside class=\"panel\" aria-label=\"The chosen stage\" tabindex=\"-1\" hidden=\"\"></aside>\n</section>",
        drawing.width,
        drawing.height,
        defs(),
        drawing.ink,
    );
    let slender = drawing.height / drawing.width.max(1.0);
    Viewer { html, slender }
}

/// How many stages are in which state; each a button that shows which.
pub(crate) fn legend(tally: &[(State, usize)]) -> String {
    let mut chips = String::new();
    for (state, count) in tally {
        let class = state.class();
        let words = match state {
            State::Unknown if *count == 1 => "stage",
            other => other.counted(),
        };
        let sign = match state {
            State::Unknown => String::new(),
            _ => format!(
                "<svg aria-hidden=\"true\" width=\"16\" height=\"16\"><use href=\"#sg-{class}\"/></svg>"
            ),
        };
        write!(
            chips,
            "<button type=\"button\" class=\"chip s-{class}\" data-state=\"{class}\" aria-pressed=\"false\">\
             {sign}<span><b>{count}</b> {words}</span></button>"
        )
        .ok();
    }
    format!("<div class=\"legend\" role=\"group\" aria-label=\"Stages by state\">{chips}</div>")
}

/// What the script reads: a card for each stage, and the arrows.
pub(crate) fn data(picture: &Picture, cards: &[Card]) -> String {
    let arrows: Vec<(usize, usize, String)> = picture
        .arrows
        .iter()
        .map(|arrow| (arrow.from, arrow.to, plain(&via(arrow))))
        .collect();
    serde_json::json!({ "stages": cards, "arrows": arrows }).to_string()
}
