//! What is wrong, or worth a warning, in a playbook: what, where, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::stage::Stage;
use crate::name::StageName;
use crate::path::DataPath;
use crate::span::Place;

/// The way from the top of a YAML document to one of its values: `stages.train.deps[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyPath(Vec<Step>);

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

impl KeyPath {
    /// The whole document.
    pub const TOP: Self = Self(Vec::new());

    pub(crate) fn from_steps(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    /// One key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// One item further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// One step back; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let (_, front) = self.0.split_last()?;
        Some(Self(front.to_vec()))
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The file that a finding is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// The playbook itself.
    #[default]
    Playbook,
    /// One of its `params_files`, as it is named there.
    ParamsFile(DataPath),
    /// A params file that the command line names, as it is named there.
    Given(String),
}

/// Which text at a [`KeyPath`] to underline.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mark {
    /// The key.
    Key,
    /// The value.
    Value,
    /// The last of several equal keys.
    DuplicateKey,
    /// This text within the value, at its n-th occurrence (from 0).
    Text(String, usize),
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Nothing runs before it is mended.
    Error,
    /// Probably not what was meant.
    Warning,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Which file it is about.
    pub origin: Origin,
    /// Which value it is about.
    pub at: KeyPath,
    /// Which part of it.
    pub mark: Mark,
    /// Where that stands in the text; known once all findings are collected.
    pub place: Option<Place>,
    /// Which of several stages that are written as one it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<StageName>,
}

impl Finding {
    /// An error about the value at `at`.
    pub fn error(at: KeyPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: printable(message.into()),
            hint: None,
            origin: Origin::Playbook,
            at,
            mark: Mark::Value,
            place: None,
            instance: None,
        }
    }

    /// A warning about the value at `at`.
    pub fn warning(at: KeyPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(at, message)
        }
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(hint.into()));
        self
    }

    /// About another file than the playbook.
    #[must_use]
    pub fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// With a suggestion, if there is one.
    #[must_use]
    pub fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(word) => self.hint(format!("did you mean '{word}'?")),
            None => self,
        }
    }

    /// With a suggestion, or with what to do where there is none.
    #[must_use]
    pub(crate) fn did_you_mean_or(self, suggestion: Option<&str>, hint: impl Into<String>) -> Self {
        match suggestion {
            Some(_) => self.did_you_mean(suggestion),
            None => self.hint(hint),
        }
    }

    /// About this stage, should it be one of several that are written as one.
    #[must_use]
    pub(crate) fn of(mut self, stage: &Stage) -> Self {
        self.instance = stage.is_instance().then(|| stage.name.clone());
        self
    }

    /// Underlining another part.
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
}

/// What a playbook says is repeated in messages, and must not draw on the terminal or forge a line there.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Everything found in one playbook and its params files, file by file in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Those that stop a run.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.0
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// Those that do not.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.0
            .iter()
            .filter(|finding| finding.severity == Severity::Warning)
    }

    /// Whether any of them stops a run.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_draws_nothing() {
        let finding = Finding::error(KeyPath::TOP, "é '\u{1b}[31m\u{9b}1m\nerror: x'")
            .hint("a\tb")
            .did_you_mean(None);
        assert_eq!(finding.message, "é '\\u{1b}[31m\\u{9b}1m\\nerror: x'");
        assert_eq!(finding.hint.as_deref(), Some("a\\tb"));
    }
}
