//! What the parts of a run cost by themselves: `cargo bench`, or `cargo bench -- NAME` for some of them.
//!
//! `cargo xtask bench` says how fast the program is; this says where in it a change has made itself felt. They are all
//! here, although most are of the other crates, so that one command runs them and one crate needs the library
//! that measures. Only what the crates offer to anyone is called. They are built with the feature `faults`, as the
//! tests of this crate are: each operation that changes the disk asks whether it is to fail.
#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on should stop"
)]

mod digests;
mod fixture;
mod language;
mod records;

fn main() {
    divan::main();
}
