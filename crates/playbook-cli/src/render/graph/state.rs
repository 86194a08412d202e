//! How it stands with a stage, in a word, a sign and a colour. No colour stands without its sign.

#![deny(clippy::wildcard_enum_match_arm)]

use playbook_exec::plan::Fate;
use playbook_types::record::decision::HitKind;

use crate::term::Tone;

/// How it stands with a stage: what a run would do with it, or what one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// A run would run it.
    Run,
    /// A run would run it if what it needs makes something new.
    Maybe,
    /// A run is working on it now.
    Now,
    /// It cannot be decided or run.
    Fault,
    /// It failed.
    Failed,
    /// It was cut off.
    Interrupted,
    /// It did not run because of a failure above it.
    Skipped,
    /// It ran.
    Done,
    /// Its result stands.
    Cached,
    /// It is frozen.
    Frozen,
    /// The run did not come to it.
    NotReached,
    /// Nobody asked.
    Unknown,
}

/// What a run would do with a stage, as a state.
impl From<&Fate> for State {
    fn from(fate: &Fate) -> Self {
        match fate {
            Fate::Hit(HitKind::Hit) => Self::Cached,
            Fate::Hit(HitKind::Frozen) => Self::Frozen,
            Fate::Miss(_) => Self::Run,
            Fate::Maybe(_) => Self::Maybe,
            Fate::Running { .. } => Self::Now,
            Fate::Fault(_) => Self::Fault,
        }
    }
}

impl State {
    /// All there are, in the order of a legend.
    pub(crate) const ALL: [Self; 12] = [
        Self::Run,
        Self::Maybe,
        Self::Now,
        Self::Fault,
        Self::Failed,
        Self::Interrupted,
        Self::Skipped,
        Self::Done,
        Self::Cached,
        Self::Frozen,
        Self::NotReached,
        Self::Unknown,
    ];

    /// The word `status` and `run` have for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Maybe => "maybe",
            Self::Now => "now",
            Self::Fault => "error",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Frozen => "frozen",
            Self::NotReached => "not run",
            Self::Unknown => "",
        }
    }

    /// How many stages are in it, after the number.
    pub(crate) fn counted(self) -> &'static str {
        match self {
            Self::Run => "to run",
            Self::Now => "running now",
            Self::Fault => "cannot run",
            Self::Done => "run",
            Self::Unknown => "stages",
            Self::Maybe
            | Self::Failed
            | Self::Interrupted
            | Self::Skipped
            | Self::Cached
            | Self::Frozen
            | Self::NotReached => self.word(),
        }
    }

    /// Its name as an identifier: a class in style sheets, a symbol in a drawing.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::NotReached => "not-reached",
            Self::Unknown => "plain",
            Self::Run
            | Self::Maybe
            | Self::Now
            | Self::Fault
            | Self::Failed
            | Self::Interrupted
            | Self::Skipped
            | Self::Done
            | Self::Cached
            | Self::Frozen => self.word(),
        }
    }

    /// A sign for pictures that are made of text.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Run => "▶",
            Self::Maybe => "?",
            Self::Now => "…",
            Self::Fault | Self::Failed => "✗",
            Self::Interrupted => "‖",
            Self::Skipped => "–",
            Self::Done => "✔",
            Self::Cached => "✓",
            Self::Frozen => "❄",
            Self::NotReached => "○",
            Self::Unknown => "",
        }
    }

    /// Its colours on white paper: the inside and the line around it. Told apart by the colour-blind (after Okabe and
    /// Ito), and never alone.
    pub(crate) fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Run => ("#dcecf9", "#0067a8"),
            Self::Maybe => ("#fff3d1", "#a06a00"),
            Self::Now => ("#d9f2fd", "#1b83ba"),
            Self::Fault | Self::Failed => ("#fde5da", "#c0410a"),
            Self::Interrupted => ("#f7e6f0", "#9c4482"),
            Self::Skipped | Self::NotReached | Self::Unknown => ("#f2f4f7", "#66727f"),
            Self::Done => ("#cfeee2", "#00734f"),
            Self::Cached => ("#f0f8f5", "#3f8f74"),
            Self::Frozen => ("#ecf0fb", "#5069b0"),
        }
    }

    /// The same on black.
    pub(crate) fn colors_in_the_dark(self) -> (&'static str, &'static str) {
        match self {
            Self::Run => ("#10324d", "#62b5f0"),
            Self::Maybe => ("#3d2f0c", "#e8b13c"),
            Self::Now => ("#0f3a4d", "#71cdf5"),
            Self::Fault | Self::Failed => ("#4a2013", "#ff9264"),
            Self::Interrupted => ("#402036", "#e59acb"),
            Self::Skipped | Self::NotReached | Self::Unknown => ("#1d242d", "#8b98a7"),
            Self::Done => ("#0d3f30", "#4fd0a5"),
            Self::Cached => ("#14251f", "#6fb39c"),
            Self::Frozen => ("#1d2744", "#96aeee"),
        }
    }

    /// Its colour on a terminal.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Run | Self::Now => Tone::Act,
            Self::Maybe | Self::Skipped => Tone::Warn,
            Self::Fault | Self::Failed | Self::Interrupted => Tone::Bad,
            Self::Done | Self::Cached | Self::Frozen => Tone::Good,
            Self::NotReached | Self::Unknown => Tone::Dim,
        }
    }
}

/// `1 to run · 2 maybe`: how many stages are in which state.
pub(crate) fn tally(states: impl Iterator<Item = State>) -> Vec<(State, usize)> {
    let mut counted = State::ALL.map(|state| (state, 0));
    for state in states {
        for (other, count) in &mut counted {
            *count += usize::from(*other == state);
        }
    }
    let mut counted = counted.to_vec();
    counted.retain(|(_, count)| *count > 0);
    counted
}

/// The tally in one line.
pub(crate) fn told(tally: &[(State, usize)]) -> String {
    let one = |(state, count): &(State, usize)| match (state, count) {
        (State::Unknown, 1) => "1 stage".to_owned(),
        _ => format!("{count} {}", state.counted()),
    };
    if tally.is_empty() {
        return "nothing selected".to_owned();
    }
    tally.iter().map(one).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_states_are_told_apart_by_colour_alone() {
        let signs: Vec<&str> = State::ALL.iter().map(|state| state.sign()).collect();
        for (i, state) in State::ALL.iter().enumerate() {
            let alike = State::ALL[..i]
                .iter()
                .filter(|other| other.sign() == state.sign());
            // What failed and what would fail never stand in one picture.
            for other in alike {
                assert_eq!((*other, *state), (State::Fault, State::Failed), "{signs:?}");
            }
        }
    }
}
