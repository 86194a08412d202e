//! Colours and signs of a drawing. Each state has both, so that none is told by its colour alone.

use std::fmt::Write as _;

use crate::render::graph::State;

/// What holds in any state. Plain properties, no variables: not only browsers draw this.
const COMMON: &str = "
.paper{fill:#fff}
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#1b2430}
.head{font-size:18px;font-weight:650}
.about{font-size:12px;fill:#5b6776}
.node rect{stroke-width:1.25}
.post{fill:none;stroke:currentColor;stroke-width:1.25}
.node .nm{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12.5px;font-weight:600}
.node .st{font-size:10.5px;fill:#5b6776}
.arrow{fill:none;stroke:#a3afbc;stroke-width:1.4}
.arrow.after{stroke-dasharray:5 4}
.tip{fill:#8592a1}
.glyph{fill:none;stroke:#fff;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.hollow{fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.solid{fill:#fff}
";

const DARK: &str = "
.paper{fill:#0f141a}
text{fill:#e6edf3}
.about,.node .st{fill:#9fabb8}
.arrow{stroke:#4d5a68}
.tip{fill:#6d7b8a}
.glyph{stroke:#0f141a}
.solid{fill:#0f141a}
";

/// The style sheet for these states.
pub(crate) fn style(tally: &[(State, usize)]) -> String {
    let mut light = COMMON.to_owned();
    let mut dark = DARK.to_owned();
    for (state, _) in tally {
        let class = state.class();
        let rule = |(inside, around): (&str, &str)| {
            format!(
                ".s-{class}{{color:{around}}}.s-{class} rect{{fill:{inside};stroke:{around}}}\n"
            )
        };
        light.push_str(&rule(state.colors()));
        dark.push_str(&rule(state.colors_in_the_dark()));
        if matches!(state, State::Maybe | State::Skipped | State::NotReached) {
            writeln!(light, ".s-{class} rect{{stroke-dasharray:5 3}}").ok();
        }
    }
    format!("{light}@media (prefers-color-scheme:dark){{{dark}}}\n")
}

/// The signs, and the tip of an arrow: a plain one, and one for arrows that a page points out.
pub(crate) fn defs() -> String {
    let tip = |id: &str| {
        format!(
            "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7.2\" refY=\"4\" markerWidth=\"9.5\" markerHeight=\"9.5\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip\" d=\"M0 0.6 8 4 0 7.4z\"/></marker>\n"
        )
    };
    let mut defs = format!("<defs>\n{}{}", tip("tip"), tip("tip-near"));
    for state in State::ALL {
        let glyph = glyph(state);
        writeln!(
            defs,
            "<symbol id=\"sg-{}\" viewBox=\"0 0 18 18\">{glyph}</symbol>",
            state.class()
        )
        .ok();
    }
    defs.push_str("</defs>\n");
    defs
}

fn glyph(state: State) -> String {
    let full = "<circle cx=\"9\" cy=\"9\" r=\"8.2\" fill=\"currentColor\"/>";
    let ring = "<circle class=\"hollow\" cx=\"9\" cy=\"9\" r=\"7.6\"/>";
    let on_full = |path: &str| format!("{full}<path class=\"glyph\" d=\"{path}\"/>");
    let in_ring = |path: &str| format!("{ring}<path class=\"hollow\" d=\"{path}\"/>");
    match state {
        State::Run => format!("{full}<path class=\"solid\" d=\"M6.8 5.1 13 9 6.8 12.9z\"/>"),
        State::Maybe => on_full("M6.7 7.1a2.4 2.4 0 1 1 3.6 2.1c-.9.5-1.3.9-1.3 1.7M9 13.3v.05"),
        State::Now => on_full("M5.2 9h.05M9 9h.05M12.8 9h.05"),
        State::Fault | State::Failed => on_full("M6.1 6.1 11.9 11.9M11.9 6.1 6.1 11.9"),
        State::Interrupted => on_full("M7 6v6M11 6v6"),
        State::Skipped => in_ring("M5.8 9h6.4"),
        State::Done => on_full("M5.2 9.4 8 12.1 13 6.4"),
        State::Cached => in_ring("M5.6 9.3 8 11.7 12.5 6.6"),
        State::Frozen => in_ring("M9 4.8v8.4M5.4 6.9 12.6 11.1M12.6 6.9 5.4 11.1"),
        State::NotReached | State::Unknown => ring.to_owned(),
    }
}
