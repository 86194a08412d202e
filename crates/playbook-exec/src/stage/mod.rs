//! One attempt at one stage: outs aside, commands run, outs checked and digested.

mod adopt;
mod attempt;
mod cause;
mod made;

pub use adopt::{Adopted, Adoption, Unadoptable, adopt};
pub(crate) use attempt::{Attempt, Failed, Job, Made, Result as AttemptResult, Verdict, attempt};
pub use cause::FailureCause;
