//! Commands that only look.

pub(super) mod list;
pub(super) mod log;
pub(super) mod status;
pub(super) mod why;
