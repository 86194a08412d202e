//! Commands that do the work.

pub(super) mod clean;
pub(super) mod debug;
mod for_git;
mod leftovers;
pub(super) mod run;
