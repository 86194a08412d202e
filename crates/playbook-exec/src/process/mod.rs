//! Commands of stages as processes: started in a group of their own, waited for, and ended whole.

mod builder;
mod group;
mod log;
mod shell;
mod signals;

pub(crate) use builder::{Builder, SpawnError};
pub(crate) use group::{Ended, Group, signal};
pub(crate) use log::AttemptLog;
pub use log::tail;
pub(crate) use signals::{SignalWatch, become_subreaper};
