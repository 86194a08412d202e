//! Commands that do the work.

pub(super) mod debug;
pub(super) mod run;
