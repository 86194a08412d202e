//! How much may run at once, and whose turn it is.
//!
//! [`Capacity`] says what is free: cores of `--jobs`, what the machine has, what each target has. What wants to run says what
//! it takes ([`Demand`]), is given a [`Grant`], and the grant is given back. [`Turns`] is the queue in front of it: what waits starts
//! in order; what comes later may go ahead only where that takes nothing away from the one whose turn it is.

mod amounts;
mod devices;
mod machine;
mod room;
#[cfg(test)]
mod tests;
mod too_large;
mod turns;

pub(crate) use amounts::Demand;
pub(crate) use machine::Machine;
pub(crate) use room::{Capacity, Grant};
pub(crate) use turns::Turns;
