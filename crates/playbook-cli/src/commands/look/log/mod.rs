//! `playbook log`: past runs, what their stages printed, and a shorter event log.

mod command;
mod compact;
mod past;
mod show;

pub(crate) use command::{LogArgs, cmd_log};
