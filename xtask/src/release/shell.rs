//! Starting programs that must succeed.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::tools::{program, root};

/// What a program prints on standard output.
pub(super) fn output(name: impl AsRef<OsStr>, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let name = name.as_ref();
    let shown = || format!("{} {}", name.to_string_lossy(), args.join(" "));
    let output = program(name).args(args).output();
    let output = output.with_context(|| format!("cannot start {}", shown()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        shown(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

/// The same as text, without the last newline.
pub(super) fn text(name: impl AsRef<OsStr>, args: &[&str]) -> anyhow::Result<String> {
    let output = output(name, args)?;
    Ok(String::from_utf8(output)?.trim_end().to_owned())
}

/// Copies what git knows of a folder.
pub(super) fn copy_tracked(folder: &str, into: &Path) -> anyhow::Result<()> {
    for name in text("git", &["ls-files", "--", folder])?.lines() {
        let to = into.join(name);
        let above = to.parent().context("a file in a folder has one above it")?;
        fs::create_dir_all(above)?;
        fs::copy(root().join(name), to).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(())
}
