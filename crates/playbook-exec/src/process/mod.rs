//! Commands of stages as processes: started in a group of their own, waited for, and ended whole.

pub(crate) mod adopted;
mod builder;
mod by_hand;
pub(crate) mod cgroup;
mod direct;
mod group;
pub(crate) mod identity;
mod log;
mod shell;
mod signals;
mod usage;

pub(crate) use builder::{Builder, MARK, STAGE_MARK, SpawnError, VISIBLE_DEVICES};
pub use by_hand::ByHand;
pub(crate) use direct::{Direct, retelling};
pub(crate) use group::{Ended, Group, Leader, signal};
pub use log::tail;
pub(crate) use log::{AttemptLog, SpareLogs};
pub(crate) use signals::{Heard, SignalWatch, become_subreaper};
pub(crate) use usage::Used;
