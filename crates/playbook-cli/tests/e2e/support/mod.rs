//! A directory of its own for each test, and the real binary run in it.

mod sandbox;

pub(crate) use sandbox::Sandbox;
