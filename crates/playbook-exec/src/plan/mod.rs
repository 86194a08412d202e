//! What a run would do: which stages, with what commands, in what order, and why.
//!
//! `run`, `run -n` and `status` share this plan and its decisions, so that they never say one thing and
//! do another.

mod build;
mod changes;
mod decide;
mod estimate;
mod explain;
mod foretell;
mod real_paths;
mod resolve;
mod select;
mod unsupported;
mod view;

pub use build::{Force, Plan, PlanOptions, plan, plan_part};
pub use decide::{Decided, StageFault};
pub use estimate::{Estimate, Expected, makespan};
pub use explain::{DataNow, Explained, ExplainedData, ExplainedParam, Maker};
pub use foretell::{Fate, Foretold};
pub use resolve::Resolved;
pub use select::Selection;
pub use unsupported::{refuse_unsupported, unsupported};

pub(crate) use changes::{Contents, remember_listings};
pub(crate) use decide::{Facts, decide, fingerprint};
pub(crate) use real_paths::refuse_clashes;
pub(crate) use resolve::{seen_from, shown_commands};
