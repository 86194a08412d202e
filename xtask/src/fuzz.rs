//! Fuzzing: each target for a while, beginning with the corpus of the checkout.
//!
//! What libFuzzer finds interesting goes below `target/`, not into the corpus, which stays small enough to
//! read; an input that breaks a promise is left in `fuzz/artifacts/`.

use std::fs;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::say::say;
use crate::tools::{Tool, cargo, nightly_cargo, root};

/// Slower than this on any input is a bug too.
const TIMEOUT_SECONDS: u32 = 10;

/// Where they are built, whatever `CARGO_TARGET_DIR` says: one of them has the name of the program itself.
const BUILT: &str = "fuzz/target";

#[derive(Args, Debug)]
pub(crate) struct FuzzArgs {
    /// Run this target alone, not all of them one after another
    target: Option<String>,
    /// How long each of them runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// What watches memory: `address`, or `none`, which is many times faster
    #[arg(long, value_name = "NAME", default_value = "none")]
    sanitizer: String,
}

/// Runs the targets.
pub(crate) fn run(args: &FuzzArgs) -> anyhow::Result<()> {
    let chosen = chosen(args.target.as_deref(), targets()?)?;
    let missing: Vec<String> = [Tool::Nightly, Tool::Fuzz, Tool::Cxx]
        .into_iter()
        .filter(|tool| !tool.is_installed())
        .map(|tool| format!("{} is not installed: {}", tool.name(), tool.install()))
        .collect();
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    let mut broken = Vec::new();
    for target in chosen {
        say(format_args!("\n== {target} =="));
        let found = format!("target/fuzz/{target}");
        let place = root().join(&found);
        fs::create_dir_all(&place).with_context(|| format!("cannot make {found}"))?;
        let words = command(&target, &found, args);
        if !nightly_cargo(&words.iter().map(String::as_str).collect::<Vec<_>>())? {
            broken.push(target);
        }
    }
    ensure!(broken.is_empty(), "failed: {}", broken.join(", "));
    Ok(())
}

/// Compiles the targets as they are, without a fuzzer's instruments: that needs no nightly toolchain.
pub(crate) fn compile() -> anyhow::Result<bool> {
    let args = [
        "build",
        "--locked",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--target-dir",
        BUILT,
    ];
    cargo(&args, &[])
}

/// The names of all targets.
fn targets() -> anyhow::Result<Vec<String>> {
    let folder = "fuzz/fuzz_targets";
    let mut names = Vec::new();
    for entry in
        fs::read_dir(root().join(folder)).with_context(|| format!("cannot list {folder}"))?
    {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn chosen(target: Option<&str>, all: Vec<String>) -> anyhow::Result<Vec<String>> {
    let Some(target) = target else { return Ok(all) };
    ensure!(
        all.iter().any(|name| name == target),
        "there is no fuzz target '{target}', only {}",
        all.join(", ")
    );
    Ok(vec![target.to_owned()])
}

/// libFuzzer writes what it finds into the first folder and only reads the second.
fn command(target: &str, found: &str, args: &FuzzArgs) -> Vec<String> {
    let FuzzArgs {
        target: _,
        seconds,
        sanitizer,
    } = args;
    let corpus = format!("fuzz/corpus/{target}");
    let options = ["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir", BUILT];
    let mut words: Vec<String> = options.map(str::to_owned).to_vec();
    words.extend(["--sanitizer", sanitizer, target, found, &corpus].map(str::to_owned));
    words.extend([
        "--".to_owned(),
        format!("-max_total_time={seconds}"),
        format!("-timeout={TIMEOUT_SECONDS}"),
        "-print_final_stats=1".to_owned(),
    ]);
    let dictionary = format!("fuzz/dict/{target}.dict");
    if root().join(&dictionary).is_file() {
        words.push(format!("-dict={dictionary}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_manifest() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let targets = targets().unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
        for target in targets {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
        }
    }

    #[test]
    fn an_unknown_target_is_told_the_known_ones() {
        let all = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(chosen(None, all()).unwrap(), ["a", "b"]);
        assert_eq!(chosen(Some("b"), all()).unwrap(), ["b"]);
        assert_eq!(
            chosen(Some("c"), all()).unwrap_err().to_string(),
            "there is no fuzz target 'c', only a, b"
        );
    }

    #[test]
    fn what_is_found_stays_out_of_the_corpus() {
        let args = FuzzArgs {
            target: None,
            seconds: 5,
            sanitizer: "none".to_owned(),
        };
        let words = command("lock", "target/fuzz/lock", &args).join(" ");
        assert!(words.contains(" --sanitizer none lock target/fuzz/lock fuzz/corpus/lock -- "));
        assert!(words.contains(" -max_total_time=5 "));
        assert!(words.ends_with(" -dict=fuzz/dict/lock.dict"));
    }
}
