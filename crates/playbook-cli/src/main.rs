//! `playbook`: runs only what has to run, and says exactly why.

mod app;
mod args;
mod commands;
mod error;
mod git;
#[cfg(test)]
mod messages;
mod outcome;
mod params;
mod render;
mod term;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::dispatch().into()
}
