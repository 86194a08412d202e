//! What happens at its time: the end of a stage that takes too long, and the next try of one that failed.

mod deadlines;
mod retries;

pub(super) use deadlines::Deadlines;
pub(crate) use retries::backoff;
pub(super) use retries::{Retries, Try};
