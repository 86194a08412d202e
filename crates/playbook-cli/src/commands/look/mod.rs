//! Commands that only look.

pub(super) mod dag;
pub(super) mod list;
mod output;
pub(super) mod report;
pub(super) mod status;
pub(super) mod why;
