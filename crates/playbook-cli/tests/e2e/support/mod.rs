//! A directory of its own for each test, and the real binary run in it.

mod live;
mod mounts;
mod page;
mod pipe;
mod processes;
mod sandbox;
mod tree;

pub(crate) use live::Live;
pub(crate) use mounts::skip;
pub(crate) use page::{assert_self_contained, data, parsed, texts};
pub(crate) use pipe::{Pipe, until};
pub(crate) use processes::Process;
use processes::marked;
pub(crate) use sandbox::{Ended, Sandbox, started};
pub(crate) use tree::{Tree, tree};
