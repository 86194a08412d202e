//! The one place that prints.

use std::fmt::Display;

/// One line on standard output.
#[expect(
    clippy::print_stdout,
    reason = "what a task has to say goes to the terminal, and only from here"
)]
pub(crate) fn say(line: impl Display) {
    println!("{line}");
}

/// Why a task failed, on standard error.
#[expect(
    clippy::print_stderr,
    reason = "what a task has to say goes to the terminal, and only from here"
)]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// How far a long task is, on standard error.
#[expect(
    clippy::print_stderr,
    reason = "what a task has to say goes to the terminal, and only from here"
)]
pub(crate) fn progress(line: impl Display) {
    eprintln!("{line}");
}
