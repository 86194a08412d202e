//! Commands for writing playbooks.

pub(super) mod init;
pub(super) mod validate;
