//! Checks around the pipeline, and the gate stages that they stand for.
//!
//! Each is a gate that always runs: it looks at the tree as it is, and nobody said what of it. All checks before the pipeline
//! come before every stage that needs no other, and all checks after it come after every stage that no other needs. That is
//! order alone: that a check ran is no reason for a stage to run. The graph has these edges ([`crate::graph`]), not the stages,
//! so that they are right whatever the stages are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::stage::{Command, Stage};
use crate::name::StageName;

/// Checks around the pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Compliance {
    /// Before the pipeline.
    pub pre_flight: Vec<Check>,
    /// After it.
    pub post_flight: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What its stage is called.
    pub stage: StageName,
    /// What it runs.
    pub run: CheckRun,
}

/// What a check runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckRun {
    /// A check that is known by its name.
    Pmat(Pmat),
    /// A command of the playbook's own.
    Command(String),
}

/// The checks of `pmat` whose exit status says whether they passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pmat {
    /// The grade of technical debt.
    Tdg,
    /// Everything it checks, with its own bounds.
    QualityGate,
    /// Functions that are too complex.
    Complexity,
    /// Code that nothing uses.
    DeadCode,
    /// Debt that comments admit.
    Satd,
}

/// On which side of the pipeline a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Flight {
    /// Before it.
    Pre,
    /// After it.
    Post,
}

impl Flight {
    /// The list that it stands in.
    pub fn field(self) -> &'static str {
        match self {
            Self::Pre => "pre_flight",
            Self::Post => "post_flight",
        }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())
    }
}

impl Pmat {
    /// The command line that it stands for.
    pub fn command(self) -> &'static str {
        match self {
            Self::Tdg => "pmat tdg . --min-grade B",
            Self::QualityGate => "pmat quality-gate --fail-on-violation",
            Self::Complexity => "pmat analyze complexity --fail-on-violation",
            Self::DeadCode => "pmat analyze dead-code --fail-on-violation",
            Self::Satd => "pmat analyze satd --fail-on-violation",
        }
    }
}

/// Says what is missing, before a shell does in fewer words.
const WANTS_PMAT: &str = "command -v pmat > /dev/null || { echo 'pmat is not installed: cargo install pmat' >&2; exit 127; }";

impl Compliance {
    /// The gates that the checks stand for, each with the side it is on and its place in the list.
    pub fn stages(&self) -> impl Iterator<Item = (Flight, usize, Stage)> + '_ {
        let pre = self.pre_flight.iter().enumerate();
        let pre = pre.map(|(nth, check)| (Flight::Pre, nth, check));
        let post = self.post_flight.iter().enumerate();
        let post = post.map(|(nth, check)| (Flight::Post, nth, check));
        pre.chain(post)
            .map(|(flight, nth, check)| (flight, nth, stage(flight, check)))
    }
}

fn stage(flight: Flight, check: &Check) -> Stage {
    let cmd = match &check.run {
        CheckRun::Pmat(pmat) => {
            Command::List(vec![WANTS_PMAT.to_owned(), pmat.command().to_owned()])
        }
        CheckRun::Command(text) => Command::Text(text.clone()),
    };
    Stage {
        cmd,
        gate: true,
        // What it looks at is not declared.
        deterministic: false,
        flight: Some(flight),
        ..Stage::named(check.stage.clone())
    }
}
