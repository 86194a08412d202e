//! One attempt at one stage: outs aside, commands run, outs checked and digested.

mod attempt;
mod cause;
mod made;

pub(crate) use attempt::{Attempt, Failed, Job, Made, Result as AttemptResult, attempt};
pub use cause::FailureCause;
