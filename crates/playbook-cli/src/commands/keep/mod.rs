//! Commands about what is kept: the lock.

pub(super) mod lock;
