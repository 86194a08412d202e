//! The graph as a drawing: SVG that needs nothing but itself.

mod ink;
mod style;

use std::fmt::Write as _;

pub(crate) use ink::{Purpose, draw, via};
pub(crate) use style::{defs, style};

use crate::render::graph::escape::xml;
use crate::render::graph::state::told;
use crate::render::graph::{Picture, State};

/// Around the drawing.
const MARGIN: f64 = 28.0;

/// Above it, for the name of the playbook.
const HEAD: f64 = 64.0;

/// Below it, for the legend.
const FOOT: f64 = 36.0;

/// The picture as a file of its own: with its name above and a legend below.
pub(crate) fn svg(picture: &Picture) -> String {
    let drawing = draw(picture, Purpose::File);
    let tally = picture.tally();
    let legend = legend(&tally);
    let name = xml(&picture.playbook);
    let about = picture.description.clone().unwrap_or_else(|| told(&tally));
    let wide = [
        drawing.width,
        legend.1,
        ink::text_width(&picture.playbook, 9.5),
        ink::text_width(&about, 6.3),
    ];
    let width = wide.into_iter().fold(0.0, f64::max) + 2.0 * MARGIN;
    let height = drawing.height + HEAD + FOOT + MARGIN;
    let foot = HEAD + drawing.height + 26.0;
    let mut text = String::with_capacity(drawing.ink.len() + 8_000);
    write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"pb-title pb-desc\">\n\
         <title id=\"pb-title\">{name}</title>\n<desc id=\"pb-desc\">{}</desc>\n<style>{}</style>\n{}\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n\
         <text class=\"head\" x=\"{MARGIN}\" y=\"32\">{name}</text>\n\
         <text class=\"about\" x=\"{MARGIN}\" y=\"51\">{}</text>\n\
         <g transform=\"translate({MARGIN} {HEAD})\">\n{}</g>\n\
         <g transform=\"translate({MARGIN} {foot:.0})\">{}</g>\n</svg>\n",
        xml(&told(&tally)),
        style(&tally),
        defs(),
        xml(&about),
        drawing.ink,
        legend.0,
    )
    .ok();
    text
}

/// A sign and a word for each state there is, and how wide that is.
fn legend(tally: &[(State, usize)]) -> (String, f64) {
    let mut ink = String::new();
    let mut x = 0.0;
    for (state, count) in tally.iter().filter(|(state, _)| *state != State::Unknown) {
        let class = state.class();
        let words = format!("{count} {}", state.counted());
        write!(
            ink,
            "<g class=\"s-{class}\" transform=\"translate({x:.0} 0)\"><use href=\"#sg-{class}\" width=\"16\" height=\"16\" y=\"-1\"/>\
             <text class=\"about\" x=\"22\" y=\"12\">{words}</text></g>"
        )
        .ok();
        x += 22.0 + ink::text_width(&words, 6.3) + 22.0;
    }
    (ink, x)
}
