//! The man pages: written by the program itself, built with the feature that a released one is without.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;

use crate::release::shell;
use crate::say::say;
use crate::tools::{cargo, output_of};

#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// Where to [default: target/man]
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

/// `cargo xtask man`
pub(crate) fn write(args: &ManArgs) -> anyhow::Result<()> {
    let directory = match &args.directory {
        Some(directory) => std::path::absolute(directory)?,
        None => super::metadata::read()?.target_directory.join("man"),
    };
    write_into(&directory)?;
    say(format_args!(
        "wrote the man pages into {}; read one with: man -l {}/playbook.1",
        directory.display(),
        directory.display()
    ));
    Ok(())
}

/// Writes them and has groff look at each.
pub(super) fn write_into(directory: &Path) -> anyhow::Result<()> {
    if directory.is_dir() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    let place = directory.display().to_string();
    let args = [
        "run",
        "--quiet",
        "--locked",
        "-p",
        "playbook-cli",
        "--features",
        "man",
        "--",
        "man",
        &place,
    ];
    ensure!(cargo(&args, &[])?, "the man pages cannot be written");
    if output_of("groff", &["--version"]).is_none() {
        say("SKIPPED: groff is not installed, so nothing has read the man pages");
        return Ok(());
    }
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let warnings = warnings(&path)?;
        ensure!(warnings.is_empty(), "{}: {warnings}", path.display());
        count += 1;
    }
    say(format_args!(
        "{count} man pages, which groff reads without a warning"
    ));
    Ok(())
}

/// What groff has to say against a page.
fn warnings(page: &Path) -> anyhow::Result<String> {
    let script = "groff -Kutf8 -man -Tutf8 -ww \"$1\" 2>&1 >/dev/null";
    shell::text("sh", &["-c", script, "sh", &page.display().to_string()])
}
