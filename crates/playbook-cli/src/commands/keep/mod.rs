//! Commands about what is kept.

pub(super) mod lock;
pub(super) mod verify;
