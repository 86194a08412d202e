//! What a contributor runs: the gate (`ci`), the test suite (`test`) and its long version (`crash`), the rules no
//! compiler knows (`tidy`), the fuzzers (`fuzz`), the comparison with other tools (`bench`), the man pages (`man`) and releases (`release`).
//!
//! `cargo xtask` is an alias in `.cargo/config.toml`, so nothing but cargo is needed to start it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod ci;
mod crash;
mod editor;
mod fuzz;
mod pages;
mod release;
mod say;
mod suite;
mod tidy;
mod tools;

/// What a contributor runs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure the program beside the tools one would take instead
    Bench(bench::BenchArgs),
    /// Run every check a change has to pass, in order
    Ci(ci::CiArgs),
    /// Run the long version of the crash tests
    Crash(crash::CrashArgs),
    /// Write the man pages
    Man(release::ManArgs),
    /// Make and try everything that belongs to a release, and publish nothing
    Release(release::ReleaseArgs),
    /// Run the whole test suite: doctests, then everything else
    Test,
    /// Check the rules of the house: layers, sizes, tests, words
    Tidy,
    /// Feed the parsers with made-up input until a promise of theirs breaks
    Fuzz(fuzz::FuzzArgs),
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Bench(args) => bench::run(&args),
        Task::Ci(args) => ci::run(&args),
        Task::Crash(args) => crash::run(&args),
        Task::Man(args) => release::write_man(&args),
        Task::Release(args) => release::run(&args),
        Task::Test => suite::run(),
        Task::Tidy => tidy::run(),
        Task::Fuzz(args) => fuzz::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn arguments_are_consistent() {
        super::Args::command().debug_assert();
    }
}
