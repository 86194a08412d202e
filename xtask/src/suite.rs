//! The whole test suite: doctests, and everything else under nextest where it is installed.
//!
//! The doctests go first, so that what one reads last is the result of the tests proper.

use crate::say::say;
use crate::tools::{Tool, cargo, in_ci};

/// Runs all of it. The last lines on success are the test runner's own.
pub(crate) fn run() -> anyhow::Result<()> {
    let nextest = Tool::Nextest.is_installed();
    if !nextest {
        say(format_args!(
            "note: {} is not installed ({}), so cargo test runs the tests",
            Tool::Nextest.name(),
            Tool::Nextest.install()
        ));
    }
    let mut failed = Vec::new();
    for part in parts(nextest, in_ci()) {
        if !cargo(&part.args, &[])? {
            failed.push(part.name);
        }
    }
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(" and "));
    Ok(())
}

/// Runs the tests of whole runs with the caches of stats off, but for those that are about them.
pub(crate) fn run_rereading() -> anyhow::Result<bool> {
    let mut args = if Tool::Nextest.is_installed() {
        vec!["nextest", "run", "--locked", "-p", "playbook-cli"]
    } else {
        vec!["test", "--locked", "-p", "playbook-cli"]
    };
    args.extend(["--test", "crash", "--test", "e2e", "--"]);
    for about_stats in ["settled::", "every_moment::"] {
        args.extend(["--skip", about_stats]);
    }
    cargo(&args, &[("PLAYBOOK_NO_STAT_CACHE", "1")])
}

struct Part {
    name: &'static str,
    args: Vec<&'static str>,
}

/// What runs. In continuous integration a failing test does not hide the ones after it.
fn parts(nextest: bool, ci: bool) -> [Part; 2] {
    let mut doctests = vec!["test", "--doc", "--workspace", "--locked"];
    let mut tests = if nextest {
        vec!["nextest", "run", "--workspace", "--locked"]
    } else {
        vec![
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--locked",
        ]
    };
    if ci {
        doctests.push("--no-fail-fast");
        tests.extend(if nextest {
            ["--profile", "ci"].as_slice()
        } else {
            &["--no-fail-fast"]
        });
    }
    [
        Part {
            name: "doctests",
            args: doctests,
        },
        Part {
            name: "tests",
            args: tests,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(nextest: bool, ci: bool) -> Vec<String> {
        parts(nextest, ci)
            .iter()
            .map(|part| part.args.join(" "))
            .collect()
    }

    #[test]
    fn nextest_runs_last_so_that_its_summary_closes() {
        assert_eq!(
            lines(true, false),
            [
                "test --doc --workspace --locked",
                "nextest run --workspace --locked"
            ]
        );
        assert_eq!(
            lines(true, true)[1],
            "nextest run --workspace --locked --profile ci"
        );
    }

    #[test]
    fn without_nextest_every_kind_of_test_still_runs_once() {
        assert_eq!(
            lines(false, false),
            [
                "test --doc --workspace --locked",
                "test --workspace --lib --bins --tests --locked"
            ]
        );
        assert!(
            lines(false, true)
                .iter()
                .all(|line| line.ends_with("--no-fail-fast"))
        );
    }
}
