//! The real binary, killed at any moment and with any operation on the disk failing.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod eight;
mod operations;
mod orphans;
mod pipeline;
mod points;
mod random;
mod rng;
mod run;
mod sandbox;
mod tally;
mod watch;
