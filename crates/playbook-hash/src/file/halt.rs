//! Whether what is being read for digests is wanted any more.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once and for all when nobody wants the digests any more; looked at before each block is read.
#[derive(Debug, Default)]
pub(crate) struct Halt(AtomicBool);

impl Halt {
    /// Nothing more is to be read.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error that ends reading, if it is set.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.is_set() {
            return Err(io::Error::other("nobody wants it any more"));
        }
        Ok(())
    }
}
