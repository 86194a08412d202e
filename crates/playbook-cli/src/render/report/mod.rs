//! A run as a page: what it came to, the graph as the run left it, who ran when, why, on what, and what was made.

mod gather;
mod head;
mod sections;
mod table;
mod timeline;

use playbook_lock::history::{Run, StageRun};

pub(crate) use gather::{Sources, gather};
pub(crate) use sections::page;

use crate::render::graph::Picture;
use crate::render::graph::html::Card;

/// How it stands with the run itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It ended, and told how.
    Ended,
    /// It is still going on, in this process.
    GoesOn(String),
    /// Its end was never told.
    Died,
}

/// Everything there is to say about a run.
pub(crate) struct Report {
    pub(crate) run: Run,
    pub(crate) standing: Standing,
    /// The playbook's stages, as the run left them.
    pub(crate) picture: Picture,
    pub(crate) cards: Vec<Card>,
    /// What the run did, in the order it was told.
    pub(crate) stages: Vec<Told>,
    /// Lines of the event log between the run's first and last that nobody can read.
    pub(crate) torn: usize,
    /// The moment the page was made.
    pub(crate) as_of: String,
}

/// What the run did with a stage, and what the lock and the logs add.
pub(crate) struct Told {
    pub(crate) stage: StageRun,
    /// It is still in the playbook.
    pub(crate) known: bool,
    /// How long its command took when it last ran, for one that did not have to.
    pub(crate) saved: Option<f64>,
    /// The params it used, if the lock still has the entry of this run.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) outs: Vec<OutTold>,
    pub(crate) log: LogTold,
}

/// What was made.
pub(crate) struct OutTold {
    pub(crate) path: String,
    pub(crate) hash: String,
    /// Files and bytes, if the lock still knows.
    pub(crate) size: Option<(u64, u64)>,
}

/// The log of an attempt that failed.
pub(crate) enum LogTold {
    /// There is none: the stage did not fail, or its command never started.
    None,
    /// Its end.
    Tail {
        path: String,
        lines: Vec<String>,
        more: bool,
    },
    /// It cannot be read, or not any more.
    Gone { path: String, why: String },
}
