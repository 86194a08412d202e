//! The program itself: one file that needs nothing of the machine it runs on, and says nothing of the one it was made on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::release::{Release, shell};
use crate::say::say;
use crate::tools::{cargo, root};

/// What it is built for: musl, which is made for static programs, where the toolchain has it; else glibc, linked statically.
pub(super) fn triple() -> anyhow::Result<&'static str> {
    if cfg!(not(all(target_arch = "x86_64", target_os = "linux"))) {
        bail!("releases are made on Linux on x86_64");
    }
    let musl = "x86_64-unknown-linux-musl";
    let directory = shell::text("rustc", &["--print", "target-libdir", "--target", musl])?;
    Ok(if Path::new(&directory).is_dir() {
        musl
    } else {
        "x86_64-unknown-linux-gnu"
    })
}

/// Builds it and makes sure of both.
pub(super) fn build(release: &Release) -> anyhow::Result<PathBuf> {
    if release.triple.ends_with("gnu") {
        say(
            "note: the toolchain has no musl target (rustup target add x86_64-unknown-linux-musl), so glibc is linked statically",
        );
    }
    let places = places()?;
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    flags.extend(
        places
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={from}={to}")),
    );
    let flags = flags.join("\x1f");
    let args = [
        "build",
        "--profile",
        "dist",
        "--locked",
        "--target",
        release.triple,
        "-p",
        "playbook-cli",
    ];
    ensure!(
        cargo(&args, &[("CARGO_ENCODED_RUSTFLAGS", &flags)])?,
        "the program does not build"
    );
    let built = release
        .metadata
        .target_directory
        .join(release.triple)
        .join("dist/playbook");
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    ensure!(
        !is_dynamic(&bytes)?,
        "{} needs shared libraries",
        built.display()
    );
    let target = release.metadata.target_directory.display().to_string();
    for place in places.iter().map(|(from, _)| from).chain([&target]) {
        ensure!(
            !holds(&bytes, place.as_bytes()),
            "{place} is written in {}",
            built.display()
        );
    }
    let size = bytes.len() / 1024;
    say(format_args!(
        "{}: {size} KiB, static, without a path of this machine",
        built.display()
    ));
    Ok(built)
}

/// Directories of this machine, each with what is written in place of it.
fn places() -> anyhow::Result<Vec<(String, String)>> {
    let home = env::var("HOME").context("HOME is not set")?;
    let cargo = env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let sysroot = shell::text("rustc", &["--print", "sysroot"])?;
    let places = [
        (root().display().to_string(), "/playbook"),
        (cargo, "/cargo"),
        (sysroot, "/rust"),
    ];
    Ok(places
        .into_iter()
        .map(|(from, to)| (from, to.to_owned()))
        .collect())
}

/// Whether an ELF file asks for a program to load it with.
fn is_dynamic(bytes: &[u8]) -> anyhow::Result<bool> {
    const PT_INTERP: u32 = 3;
    let number = |at: usize, length: usize| -> anyhow::Result<u64> {
        let bytes = bytes.get(at..at + length).context("it is no ELF file")?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    ensure!(
        bytes.starts_with(b"\x7fELF\x02\x01"),
        "it is no ELF file of 64 bits"
    );
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for entry in 0..count {
        let at = usize::try_from(table + entry * size)?;
        if number(at, 4)? == u64::from(PT_INTERP) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_a_loader_is_dynamic() {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(64 + 56, 0);
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        assert!(!is_dynamic(&bytes).unwrap());
        bytes[64] = 3;
        assert!(is_dynamic(&bytes).unwrap());
        assert!(is_dynamic(b"#!/bin/sh").is_err());
        assert!(
            is_dynamic(&bytes[..70]).is_ok_and(|dynamic| dynamic)
                && is_dynamic(&bytes[..60]).is_err()
        );
    }

    #[test]
    fn a_path_is_found_wherever_it_stands() {
        assert!(holds(b"xx/some/place/yy", b"/some/place"));
        assert!(!holds(b"xx/some/plac", b"/some/place"));
    }
}
