//! The gate: every check a change has to pass, in order, named and timed.
//!
//! A tool that is missing skips its step with the reason. It fails the step where the tool was asked
//! for with `--require`, and where it belongs to the toolchain and `CI` is set.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::say::{complain, say};
use crate::tools::{Tool, cargo, in_ci};
use crate::{editor, fuzz, pages, suite, tidy};

#[derive(Args, Debug, Default)]
pub(crate) struct CiArgs {
    /// Go on after a step that fails
    #[arg(long)]
    keep_going: bool,
    /// Leave a step out (may be repeated)
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    skip: Vec<Step>,
    /// Run this step alone (may be repeated)
    #[arg(
        long,
        value_name = "STEP",
        value_delimiter = ',',
        conflicts_with = "skip"
    )]
    only: Vec<Step>,
    /// Fail where this tool is missing (may be repeated)
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    require: Vec<Tool>,
}

/// In the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    Fmt,
    Clippy,
    Tidy,
    Test,
    /// The tests of whole runs, with no stat trusted
    Reread,
    /// Open the pages that are written in a browser
    Pages,
    /// Write a playbook with the help of the YAML language server
    Editor,
    Doc,
    /// Compile the fuzz targets
    Fuzz,
    Deny,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Tidy => "tidy",
            Self::Test => "test",
            Self::Reread => "reread",
            Self::Pages => "pages",
            Self::Editor => "editor",
            Self::Doc => "doc",
            Self::Fuzz => "fuzz",
            Self::Deny => "deny",
        }
    }

    /// What it cannot run without.
    fn needs(self) -> Option<Tool> {
        match self {
            Self::Fmt => Some(Tool::Rustfmt),
            Self::Clippy => Some(Tool::Clippy),
            Self::Fuzz => Some(Tool::Cxx),
            Self::Deny => Some(Tool::Deny),
            Self::Pages => Some(Tool::Chromium),
            Self::Editor => Some(Tool::LanguageServer),
            Self::Tidy | Self::Test | Self::Reread | Self::Doc => None,
        }
    }

    /// What it would rather run with; it must be there only where it is required.
    fn prefers(self) -> Option<Tool> {
        matches!(self, Self::Test | Self::Reread).then_some(Tool::Nextest)
    }

    fn run(self) -> anyhow::Result<bool> {
        match self {
            Self::Fmt => cargo(&["fmt", "--all", "--", "--check"], &[]),
            Self::Clippy => {
                let args = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ];
                cargo(&args, &[])
            }
            Self::Tidy => Ok(reported(&tidy::run())),
            Self::Test => Ok(reported(&suite::run())),
            Self::Reread => suite::run_rereading(),
            Self::Pages => pages::run(),
            Self::Editor => editor::run(),
            Self::Doc => {
                let args = ["doc", "--workspace", "--no-deps", "--locked"];
                cargo(&args, &[("RUSTDOCFLAGS", "-D warnings")])
            }
            Self::Fuzz => fuzz::compile(),
            Self::Deny => cargo(&["deny", "check"], &[]),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// A required tool is not there.
    Missing(String),
    Skipped(String),
    NotRun,
}

impl Outcome {
    fn is_failure(&self) -> bool {
        match self {
            Self::Failed | Self::Missing(_) => true,
            Self::Passed | Self::Skipped(_) | Self::NotRun => false,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed | Self::Missing(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::NotRun => "not run",
        }
    }

    fn why(&self) -> &str {
        match self {
            Self::Missing(why) | Self::Skipped(why) => why,
            Self::Passed | Self::Failed | Self::NotRun => "",
        }
    }
}

struct Row {
    step: Step,
    outcome: Outcome,
    took: Option<Duration>,
}

/// Runs the steps and ends with a table of them.
pub(crate) fn run(args: &CiArgs) -> anyhow::Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for &step in Step::value_variants() {
        rows.push(if left_out(args, step) {
            Row {
                step,
                outcome: Outcome::Skipped("as asked".to_owned()),
                took: None,
            }
        } else if !args.keep_going && rows.iter().any(|row| row.outcome.is_failure()) {
            Row {
                step,
                outcome: Outcome::NotRun,
                took: None,
            }
        } else {
            run_step(step, args)?
        });
    }
    say(format_args!("\n{}", table(&rows)));
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row.outcome.is_failure())
        .map(|row| row.step.name())
        .collect();
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn run_step(step: Step, args: &CiArgs) -> anyhow::Result<Row> {
    say(format_args!("\n== {} ==", step.name()));
    if let Some(outcome) = stopped_by_a_missing_tool(step, args, in_ci(), Tool::is_installed) {
        say(outcome.why());
        return Ok(Row {
            step,
            outcome,
            took: None,
        });
    }
    let start = Instant::now();
    let outcome = if step.run()? {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    Ok(Row {
        step,
        outcome,
        took: Some(start.elapsed()),
    })
}

fn left_out(args: &CiArgs, step: Step) -> bool {
    args.skip.contains(&step) || (!args.only.is_empty() && !args.only.contains(&step))
}

fn stopped_by_a_missing_tool(
    step: Step,
    args: &CiArgs,
    ci: bool,
    is_installed: impl Fn(Tool) -> bool,
) -> Option<Outcome> {
    let missing = |tool: Tool| format!("{} is not installed: {}", tool.name(), tool.install());
    if let Some(tool) = step.needs()
        && !is_installed(tool)
    {
        let required = args.require.contains(&tool) || (ci && tool.comes_with_rust());
        return Some(if required {
            Outcome::Missing(missing(tool))
        } else {
            Outcome::Skipped(missing(tool))
        });
    }
    let tool = step.prefers()?;
    (args.require.contains(&tool) && !is_installed(tool)).then(|| Outcome::Missing(missing(tool)))
}

/// A task inside this process says here why it failed; the table says the rest.
fn reported(result: &anyhow::Result<()>) -> bool {
    if let Err(error) = result {
        complain(error);
    }
    result.is_ok()
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<8} {:<8} {:>8}", "step", "result", "time");
    for Row {
        step,
        outcome,
        took,
    } in rows
    {
        let took = took.map_or_else(String::new, |took| format!("{:.1}s", took.as_secs_f64()));
        let line = format!(
            "{:<8} {:<8} {took:>8}  {}",
            step.name(),
            outcome.word(),
            outcome.why()
        );
        text.push('\n');
        text.push_str(line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(require: &[Tool]) -> CiArgs {
        CiArgs {
            require: require.to_vec(),
            ..CiArgs::default()
        }
    }

    #[test]
    fn a_tool_that_is_there_stops_nothing() {
        for &step in Step::value_variants() {
            let args = required(Tool::value_variants());
            assert_eq!(stopped_by_a_missing_tool(step, &args, true, |_| true), None);
        }
    }

    #[test]
    fn a_missing_optional_tool_skips_its_step_and_says_why() {
        let outcome =
            stopped_by_a_missing_tool(Step::Deny, &required(&[]), true, |_| false).unwrap();
        assert_eq!(
            outcome,
            Outcome::Skipped(
                "cargo-deny is not installed: cargo install --locked cargo-deny".into()
            )
        );
        assert_eq!(
            stopped_by_a_missing_tool(Step::Test, &required(&[]), true, |_| false),
            None
        );
    }

    #[test]
    fn a_missing_required_tool_fails_its_step() {
        for (step, tool) in [(Step::Deny, Tool::Deny), (Step::Test, Tool::Nextest)] {
            let outcome =
                stopped_by_a_missing_tool(step, &required(&[tool]), false, |_| false).unwrap();
            assert!(outcome.is_failure(), "{step:?}");
        }
    }

    #[test]
    fn a_missing_part_of_the_toolchain_fails_in_ci_alone() {
        let optional = stopped_by_a_missing_tool(Step::Fuzz, &required(&[]), true, |_| false);
        assert_eq!(optional.unwrap().word(), "skipped");
        for step in [Step::Fmt, Step::Clippy] {
            let outcome =
                |ci| stopped_by_a_missing_tool(step, &required(&[]), ci, |_| false).unwrap();
            assert!(outcome(true).is_failure());
            assert_eq!(outcome(false).word(), "skipped");
        }
    }

    #[test]
    fn skip_and_only_choose_the_steps() {
        let skip = CiArgs {
            skip: vec![Step::Test],
            ..CiArgs::default()
        };
        assert!(left_out(&skip, Step::Test));
        assert!(!left_out(&skip, Step::Fmt));
        let only = CiArgs {
            only: vec![Step::Test],
            ..CiArgs::default()
        };
        assert!(!left_out(&only, Step::Test));
        assert!(left_out(&only, Step::Fmt));
    }

    #[test]
    fn the_table_names_every_step_with_its_time_or_reason() {
        let rows = [
            Row {
                step: Step::Fmt,
                outcome: Outcome::Passed,
                took: Some(Duration::from_millis(1250)),
            },
            Row {
                step: Step::Clippy,
                outcome: Outcome::Failed,
                took: Some(Duration::from_secs(12)),
            },
            Row {
                step: Step::Doc,
                outcome: Outcome::NotRun,
                took: None,
            },
            Row {
                step: Step::Deny,
                outcome: Outcome::Skipped("not here".into()),
                took: None,
            },
        ];
        let expected = "\
step     result       time
fmt      passed       1.2s
clippy   failed      12.0s
doc      not run
deny     skipped            not here";
        assert_eq!(table(&rows), expected);
    }
}
