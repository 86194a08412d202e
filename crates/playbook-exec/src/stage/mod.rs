//! One attempt at one stage: outs aside, commands run, outs checked and digested.

mod adopt;
mod attempt;
mod cause;
mod commands;
mod made;

pub use adopt::{Adopted, Adoption, Unadoptable, adopt};
pub(crate) use attempt::{
    Attempt, Failed, Job, Made, Result as AttemptResult, Timer, Verdict, attempt,
};
pub use cause::FailureCause;
pub(crate) use commands::Commands;
