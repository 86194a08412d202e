//! Failures and deaths brought about on purpose, so that tests can have every one of them.
//!
//! Without the feature `faults` nothing of this is in the program: [`pass`] is empty. With it, a test sets
//! failures for its own thread (`fail_at`), how late its own process reads (`read_late`) or, for another process, the
//! environment variable `PLAYBOOK_TEST_FAULTS`: directives separated by `;`.
//!
//! | directive | effect |
//! |---|---|
//! | `trace=FILE` | a line per operation (`number`, tab, `name`, tab, `path`) and per point (`-`, tab, `point`, tab) |
//! | `fail=N:ERRNO` | the N-th operation fails; a write that fails for want of space has written half |
//! | `fail-from=N:ERRNO` | that one and all later ones |
//! | `kill=N`, `kill-half=N`, `kill-after=N` | the process dies before, in the middle of (if it writes) or after the N-th operation |
//! | `kill-at=POINT:K` | the process dies when it passes a point for the K-th time |
//! | `late=SECONDS` | every reading of a file begins so much later than it does, as far as its stat is concerned |
//! | `nosync` | nothing is synced: for measuring what syncing costs |

#[cfg(any(test, feature = "faults"))]
mod active;
mod point;

#[cfg(any(test, feature = "faults"))]
pub(crate) use active::late;
#[cfg(any(test, feature = "faults"))]
pub(super) use active::{Blow, skips_sync, strike, struck};
#[cfg(any(test, feature = "faults"))]
pub use active::{count, fail_at, read_late};
pub use point::{Point, pass};
