//! What a page shows of a stage that is chosen.

use serde::Serialize;

use crate::render::foretold::jobs_done;
use crate::render::graph::escape::plain;
use crate::render::graph::{Node, State};
use crate::render::units::{duration, to_the_second};

/// A stage as the script of the page reads it.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub(crate) stage: String,
    /// The class of its state, and its word.
    pub(crate) state: &'static str,
    pub(crate) word: &'static str,
    pub(crate) about: Option<String>,
    sections: Vec<Section>,
}

/// A part of a card, with its heading.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Section {
    /// Sentences.
    Lines {
        head: &'static str,
        lines: Vec<String>,
    },
    /// Text as it is.
    Code { head: &'static str, text: String },
    /// Names with values.
    Pairs {
        head: &'static str,
        pairs: Vec<(String, String)>,
    },
    /// Here stand the stages it needs, and those that need it.
    Neighbours,
}

impl Section {
    /// With text that only looks as it reads.
    fn harmless(self) -> Self {
        let all = |lines: Vec<String>| lines.iter().map(|line| plain(line)).collect();
        match self {
            Self::Lines { head, lines } => Self::Lines {
                head,
                lines: all(lines),
            },
            Self::Code { head, text } => Self::Code {
                head,
                text: plain(&text),
            },
            Self::Pairs { head, pairs } => {
                let pair = |(name, value): (String, String)| (plain(&name), plain(&value));
                let pairs = pairs.into_iter().map(pair).collect();
                Self::Pairs { head, pairs }
            }
            Self::Neighbours => Self::Neighbours,
        }
    }
}

impl Card {
    /// Puts a section in front of the others.
    pub(crate) fn first(&mut self, section: Section) {
        self.sections.insert(0, section.harmless());
    }

    /// Puts a section behind the others.
    pub(crate) fn last(&mut self, section: Section) {
        self.sections.push(section.harmless());
    }
}

/// The card of a stage.
pub(crate) fn card(node: &Node) -> Card {
    let mut sections = Vec::new();
    if !node.why.is_empty() {
        let head = match node.state {
            State::Maybe => "When",
            State::Fault => "What is wrong",
            _ => "Why",
        };
        sections.push(Section::Lines {
            head,
            lines: node.why.clone(),
        });
    }
    if node.gate {
        sections.push(Section::Lines {
            head: "Gate",
            lines: vec!["A quality check: if it fails, nothing new is started.".to_owned()],
        });
    }
    if let Some(jobs) = node.jobs {
        let lines = vec![jobs_done(jobs)];
        sections.push(Section::Lines {
            head: "Jobs",
            lines,
        });
    }
    sections.push(Section::Code {
        head: "Command",
        text: node.command.trim_end().to_owned(),
    });
    sections.push(Section::Neighbours);
    for (head, paths) in [("Reads", &node.deps), ("Makes", &node.outs)] {
        if !paths.is_empty() {
            let lines = paths.iter().map(|path| node.told(path)).collect();
            sections.push(Section::Lines { head, lines });
        }
    }
    if !node.params.is_empty() {
        let pairs = node
            .params
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        sections.push(Section::Pairs {
            head: "Params",
            pairs: pairs.collect(),
        });
    }
    if let Some(seconds) = node.seconds {
        let mut pairs = vec![("took".to_owned(), duration(seconds))];
        pairs.extend(
            node.started
                .map(|at| ("began".to_owned(), to_the_second(at).to_string())),
        );
        sections.push(Section::Pairs {
            head: "When it last ran",
            pairs,
        });
    }
    Card {
        stage: node.stage.to_string(),
        state: node.state.class(),
        word: node.state.word(),
        about: node.description.as_deref().map(plain),
        sections: sections.into_iter().map(Section::harmless).collect(),
    }
}
