//! Commands that only look.

pub(super) mod dag;
pub(super) mod list;
pub(super) mod log;
mod output;
pub(super) mod report;
pub(super) mod status;
pub(super) mod why;
