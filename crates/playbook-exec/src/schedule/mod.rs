//! The scheduler: one thread with one inbox. Stages are decided on rayon's threads and run on workers;
//! both only send messages, and only the scheduler changes state.

mod capacity;
mod dispatch;
mod engine;
mod record;
mod report;
mod run;
mod running;
mod settle;
mod states;
mod timing;
mod workers;

pub(crate) use capacity::{Capacity, Demand, Grant, Turns};
pub(crate) use record::Entries;
pub use run::{FOLD_EVERY, GRACE, Outcome, Runtime, Summary, execute};
pub(crate) use running::{Runner, Running};
pub(crate) use timing::backoff;
