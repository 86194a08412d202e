//! The decision for one stage.

use serde::Serialize;

use crate::record::reason::InvalidationReason;

/// At least one reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Reasons(Vec<InvalidationReason>);

impl Reasons {
    /// All of them, if there is one.
    pub fn new(reasons: Vec<InvalidationReason>) -> Option<Self> {
        if reasons.is_empty() {
            None
        } else {
            Some(Self(reasons))
        }
    }

    /// The same, each with something added to it.
    #[must_use]
    pub fn map(self, add: impl FnMut(InvalidationReason) -> InvalidationReason) -> Self {
        Self(self.0.into_iter().map(add).collect())
    }

    /// The reasons, most telling first.
    pub fn as_slice(&self) -> &[InvalidationReason] {
        &self.0
    }

    /// All of them in one sentence.
    pub fn sentence(&self) -> String {
        self.0
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl From<InvalidationReason> for Reasons {
    fn from(reason: InvalidationReason) -> Self {
        Self(vec![reason])
    }
}

/// Whether a stage's recorded result stands.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheDecision {
    /// It stands.
    Hit,
    /// It does not, and this is why.
    Miss(Reasons),
}

/// Why a stage counted as a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// Its key and outputs are what was recorded.
    Hit,
    /// It is frozen, and nothing was compared.
    Frozen,
}
