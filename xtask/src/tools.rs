//! The programs behind the tasks: whether they are there, and starting them at the root of the checkout.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::ValueEnum;

use crate::say::say;

/// A program that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    Rustfmt,
    Clippy,
    Nextest,
    Deny,
    /// The C++ compiler that libFuzzer is compiled with
    Cxx,
    /// The nightly toolchain, which can instrument code for a fuzzer
    Nightly,
    Fuzz,
    /// A browser that can be asked for what it made of a page
    Chromium,
    /// What editors ask about YAML files
    LanguageServer,
}

impl Tool {
    /// Its package or component, as one installs it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::Nextest => "cargo-nextest",
            Self::Deny => "cargo-deny",
            Self::Cxx => "a C++ compiler",
            Self::Nightly => "the nightly toolchain",
            Self::Fuzz => "cargo-fuzz",
            Self::Chromium => "Chromium",
            Self::LanguageServer => "yaml-language-server",
        }
    }

    /// How to get it.
    pub(crate) fn install(self) -> String {
        match self {
            Self::Rustfmt | Self::Clippy => format!("rustup component add {}", self.name()),
            Self::Nextest | Self::Deny | Self::Fuzz => {
                format!("cargo install --locked {}", self.name())
            }
            Self::Cxx => "g++ or clang++, from the system's packages".to_owned(),
            Self::Chromium => {
                "chromium or google-chrome, from the system's packages, or named by CHROME"
                    .to_owned()
            }
            Self::LanguageServer => format!("npm install --global {}", self.name()),
            Self::Nightly => "rustup toolchain install nightly --profile minimal".to_owned(),
        }
    }

    /// Part of every Rust toolchain a change is made with.
    pub(crate) fn comes_with_rust(self) -> bool {
        match self {
            Self::Rustfmt | Self::Clippy => true,
            Self::Nextest
            | Self::Deny
            | Self::Cxx
            | Self::Nightly
            | Self::Fuzz
            | Self::Chromium
            | Self::LanguageServer => false,
        }
    }

    pub(crate) fn is_installed(self) -> bool {
        let subcommand = match self {
            Self::Rustfmt => "fmt",
            Self::Clippy => "clippy",
            Self::Nextest => "nextest",
            Self::Deny => "deny",
            Self::Fuzz => "fuzz",
            Self::Cxx => {
                // `CXX` may name a wrapper too: `ccache g++`.
                let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
                let mut words = compiler.split_whitespace().chain(["--version"]);
                let name = words.next().unwrap_or("c++");
                return output_of(name, &words.collect::<Vec<_>>()).is_some();
            }
            Self::Chromium => return browser().is_some(),
            Self::LanguageServer => {
                let look = ["-c", "command -v yaml-language-server"];
                return output_of("sh", &look).is_some();
            }
            Self::Nightly => {
                return output_of("rustup", &["run", "nightly", "rustc", "--version"]).is_some();
            }
        };
        let mut command = program(&cargo_path());
        command
            .args([subcommand, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// A browser of the Chromium family: the one that `CHROME` names, or one under its usual names.
pub(crate) fn browser() -> Option<String> {
    let named = env::var("CHROME").ok().filter(|name| !name.is_empty());
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let mut names = named.into_iter().chain(usual);
    names.find(|name| output_of(name, &["--version"]).is_some())
}

/// Continuous integration, by the variable every such service sets.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Where the checkout is.
pub(crate) fn root() -> PathBuf {
    let here =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.parent()
        .map_or_else(|| here.clone(), Path::to_path_buf)
}

/// Runs cargo, shows what runs, and says whether it succeeded.
pub(crate) fn cargo(args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<bool> {
    shown("cargo", args, env);
    let mut command = program(&cargo_path());
    command.args(args).envs(env.iter().copied());
    Ok(command.status().context("cannot start cargo")?.success())
}

/// The same with the nightly toolchain.
pub(crate) fn nightly_cargo(args: &[&str]) -> anyhow::Result<bool> {
    shown("cargo +nightly", args, &[]);
    let mut command = program(OsStr::new("rustup"));
    command.args(["run", "nightly", "cargo"]).args(args);
    Ok(command.status().context("cannot start rustup")?.success())
}

fn shown(program: &str, args: &[&str], env: &[(&str, &str)]) {
    let mut words: Vec<String> = env
        .iter()
        .map(|(key, value)| format!("{key}='{}'", value.replace('\x1f', " ")))
        .collect();
    words.push(program.to_owned());
    words.extend(args.iter().map(|&arg| arg.to_owned()));
    say(format_args!("$ {}", words.join(" ")));
}

/// What a program writes to standard output, if it is there and succeeds.
pub(crate) fn output_of(name: &str, args: &[&str]) -> Option<Vec<u8>> {
    let output = program(OsStr::new(name))
        .args(args)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

/// The cargo that started this one.
fn cargo_path() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A program to be started at the root of the checkout.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask drives cargo, git and what is measured, it runs no stages"
)]
pub(crate) fn program(path: &OsStr) -> Command {
    let mut command = Command::new(path);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert!(root().join("xtask/src/tools.rs").is_file());
    }

    #[test]
    fn a_missing_program_has_no_output() {
        assert_eq!(output_of("a-program-that-is-not-there", &[]), None);
    }
}
