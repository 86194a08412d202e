//! `playbook debug`: how a stage is run, what came of it last, and a shell to run it in by hand.

mod command;
mod facts;
mod json;
mod text;

pub(crate) use command::{DebugArgs, cmd_debug};
