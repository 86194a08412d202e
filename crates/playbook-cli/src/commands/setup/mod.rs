//! Commands for writing playbooks.

pub(super) mod completions;
pub(super) mod init;
#[cfg(feature = "man")]
pub(super) mod man;
pub(super) mod schema;
pub(super) mod validate;
