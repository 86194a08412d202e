//! Commands that do the work.

pub(super) mod run;
