//! `playbook clean`: what runs have left goes, and what else could go is shown.

mod command;
mod told;

pub(crate) use command::{CleanArgs, cmd_clean};
