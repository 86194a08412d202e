//! The steps of `cargo xtask ci`, each named and timed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use crate::tidy;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    Fmt,
    Clippy,
    Tidy,
    Test,
    Doc,
    Deny,
}

/// Says something on standard error.
#[expect(clippy::print_stderr, reason = "the one place that talks")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Runs every step but those to be skipped; the first that fails ends it.
pub(crate) fn ci(skip: &[Step]) -> Result<()> {
    for step in Step::value_variants() {
        if skip.contains(step) {
            say(&format!("== {step:?}: skipped, as asked"));
        } else {
            run(*step)?;
        }
    }
    Ok(())
}

/// Runs one step.
pub(crate) fn run(step: Step) -> Result<()> {
    say(&format!("== {step:?}"));
    let began = Instant::now();
    match step {
        Step::Fmt => cargo(&["fmt", "--all", "--", "--check"], &[])?,
        Step::Clippy => {
            cargo(
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ],
                &[],
            )?;
        }
        Step::Tidy => tidy::check(&root()?)?,
        Step::Test => test()?,
        Step::Doc => {
            let strict = [("RUSTDOCFLAGS", "-D warnings")];
            cargo(&["doc", "--workspace", "--no-deps", "--locked"], &strict)?;
        }
        Step::Deny if has("deny") => cargo(&["deny", "--locked", "check"], &[])?,
        Step::Deny => say("skipped: cargo-deny is not installed (cargo install cargo-deny)"),
    }
    say(&format!(
        "== {step:?}: passed in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Doctests first, so that the runner's own summary closes the output.
fn test() -> Result<()> {
    cargo(&["test", "--doc", "--workspace", "--locked"], &[])?;
    if has("nextest") {
        cargo(&["nextest", "run", "--workspace", "--locked"], &[])
    } else {
        say("cargo-nextest is not installed: 'cargo test' runs the same tests, only slower");
        cargo(
            &[
                "test",
                "--workspace",
                "--locked",
                "--lib",
                "--bins",
                "--tests",
            ],
            &[],
        )
    }
}

/// Whether a subcommand of cargo is installed.
fn has(subcommand: &str) -> bool {
    let mut command = command("cargo");
    command
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn cargo(args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let shown = format!("cargo {}", args.join(" "));
    say(&format!("$ {shown}"));
    let mut command = command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root()?);
    let status = command
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("failed: {shown}")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a contributor's tool starts cargo itself"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// The workspace.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map(Path::to_owned)
        .context("xtask stands in no workspace")
}
