//! Commands that only look.

pub(super) mod dag;
pub(super) mod list;
pub(super) mod status;
