//! The program beside the tools one would take instead, measured in turn on the same machine.
//!
//! [`stages`] has pipelines of many cheap stages ([`pipelines`] writes them in each tool's language, [`rivals`] knows
//! the tools), [`wildcards`] one whose stages are files, [`jobs`] a stage with a command for each of many files, [`data`]
//! large and many files. [`measure`] runs whole commands in turn; what a run should have done is checked after each, so that
//! no figure is of a run that failed or did something else. [`report`] makes tables of the figures and puts them into
//! `docs/benchmarks.md`.
//!
//! Everything lies below one folder, `target/bench-PID` unless one is named, and is removed at the end ([`Aside`] says why
//! not before).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

mod data;
mod files;
mod jobs;
mod machine;
mod measure;
mod pipelines;
mod report;
mod rivals;
mod stages;
#[cfg(test)]
mod tests;
mod wildcards;

use crate::say::{progress, say};
use crate::tools::{cargo, root};
use files::Aside;
use measure::Stopwatch;
use report::{Table, put_block, summary};
use rivals::{Program, Runner};

const PAGE: &str = "docs/benchmarks.md";
/// What runs have made, in the folder that all of it lies in.
const ASIDE: &str = "aside";

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// Small sizes and few runs: whether it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Measure this part alone (may be repeated)
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// How often each command is run [default: 5 to 15 times, by part]
    #[arg(long, value_name = "N")]
    runs: Option<usize>,
    /// Work in this folder, which is empty or not there yet, and keep the pipelines
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave a tool out (may be repeated)
    #[arg(long, value_name = "TOOL", value_delimiter = ',')]
    without: Vec<String>,
    /// Ask slow tools to run large pipelines as well
    #[arg(long)]
    with_slow: bool,
    /// Put the figures into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// In the order they are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Nothing to do
    Noop,
    /// Everything to do
    Cold,
    /// One stage to do
    Change,
    /// A wildcard that is a stage for each of many files: told, run, and run again
    Wildcards,
    /// A large file that was never read
    LargeFile,
    /// A directory of many files, new and unchanged
    SmallFiles,
    /// One stage with a job for each of many files
    FanOut,
    /// What valgrind counts when there is nothing to do
    Instructions,
}

/// What all parts share.
struct Bench {
    dir: PathBuf,
    aside: Aside,
    /// The program first, then its rivals.
    runners: Vec<Runner>,
    b3sum: Result<Program, String>,
    git: Result<Program, String>,
    valgrind: Result<Program, String>,
    parallel: Result<Program, String>,
    /// Stages at once.
    jobs: usize,
    /// Threads at once, for what hashes.
    threads: usize,
    runs: Option<usize>,
    /// Slow tools are asked to run large pipelines as well.
    with_slow: bool,
    /// How long files are left alone, in seconds.
    settle: &'static str,
    stopwatch: Stopwatch,
}

/// Measures, shows, and writes if asked to.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let chosen: Vec<Part> = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| args.only.is_empty() || args.only.contains(part))
        .collect();
    // Before anything is measured, so that hours of work find their place.
    let page = if args.write {
        Some(page_with(
            &chosen
                .iter()
                .map(|&part| (part.name(), String::new()))
                .collect::<Vec<_>>(),
        )?)
    } else {
        None
    };
    let built = build()?;
    let (found, left_out) = rivals::rivals(&args.without, args.with_slow);
    let folder = Folder::new(args.dir.as_deref())?;
    // What is built meanwhile is not what is measured.
    let playbook = folder.path.join("playbook");
    fs::copy(&built, &playbook).context("cannot copy the program")?;
    let mut runners = vec![Runner::playbook(&playbook)?];
    runners.extend(found);
    let bench = Bench::new(args, folder.path.clone(), runners)?;
    let mut machine = machine::describe(&bench.dir);
    if args.quick {
        machine.push_str("| sizes | those of `--quick`: whether it works, not how fast |\n");
    }
    let tools = bench.tools(&left_out);
    say(format_args!("{machine}\n{tools}"));
    let mut measured = Vec::new();
    for &part in &chosen {
        let tables = bench.measure(part, args.quick)?;
        say(format_args!("\n{}", block(&tables)));
        measured.push((part, tables));
    }
    let tables: Vec<Table> = measured
        .iter()
        .flat_map(|(_, tables)| tables.clone())
        .collect();
    say(format_args!("\n{}", summary(&tables)));
    if page.is_some() {
        let mut blocks: Vec<(&str, String)> = measured
            .iter()
            .map(|(part, tables)| (part.name(), block(tables)))
            .collect();
        // Of a page whose parts were made at different times, neither would be true.
        if args.only.is_empty() {
            blocks.push(("machine", format!("{machine}\n{tools}")));
            blocks.push(("summary", summary(&tables)));
        }
        files::put(&root().join(PAGE), page_with(&blocks)?.as_bytes())?;
        progress(format_args!("{PAGE} is written"));
    }
    Ok(())
}

impl Bench {
    fn new(args: &BenchArgs, dir: PathBuf, runners: Vec<Runner>) -> anyhow::Result<Self> {
        let time = rivals::find("time", "time");
        if let Err(why) = &time {
            progress(format_args!("no peak memory: {why}"));
        }
        Ok(Self {
            aside: Aside::new(dir.join(ASIDE))?,
            runners,
            b3sum: rivals::find("b3sum", "b3sum"),
            git: rivals::find("git", "git"),
            valgrind: rivals::find("valgrind", "valgrind"),
            parallel: rivals::find("GNU parallel", "parallel"),
            jobs: 2,
            threads: machine::threads(),
            runs: args.runs.or(args.quick.then_some(3)),
            with_slow: args.with_slow,
            settle: files::SETTLE,
            stopwatch: Stopwatch {
                time: time.ok(),
                scratch: dir.clone(),
                runs: 1,
                share: SHARE,
            },
            dir,
        })
    }

    /// The stopwatch, for so many runs unless others were asked for.
    fn watch(&self, runs: usize) -> Stopwatch {
        self.stopwatch.with_runs(self.runs.unwrap_or(runs))
    }

    /// For what takes minutes: no more runs than this, whatever was asked for, and all of them however long they take. One
    /// run beside one other says little where the disk is not as fast each minute.
    fn watch_at_most(&self, runs: usize) -> Stopwatch {
        let runs = self.runs.map_or(runs, |asked| asked.min(runs));
        Stopwatch {
            share: LONG_SHARE,
            ..self.stopwatch.with_runs(runs)
        }
    }

    /// A table of what is compared.
    fn tools(&self, left_out: &[String]) -> String {
        let runners = self.runners.iter().map(|runner| &runner.program);
        let others = [&self.b3sum, &self.git, &self.valgrind, &self.parallel];
        let found = runners.chain(others.into_iter().flatten());
        let mut text = "| tool | version |\n|---|---|\n".to_owned();
        text.extend(found.map(
            |Program {
                 name,
                 path: _,
                 version,
             }| format!("| {name} | {version} |\n"),
        ));
        let missing = others.into_iter().filter_map(|tool| tool.as_ref().err());
        let missing: Vec<&str> = left_out.iter().chain(missing).map(String::as_str).collect();
        if !missing.is_empty() {
            text.extend(["\nLeft out: ", &missing.join("; "), ".\n"]);
        }
        text
    }

    fn measure(&self, part: Part, quick: bool) -> anyhow::Result<Vec<Table>> {
        let sizes =
            |full: &[usize], small: &[usize]| if quick { small.to_vec() } else { full.to_vec() };
        let each = |sizes: Vec<usize>, one: fn(&Self, usize) -> anyhow::Result<Table>| {
            let measured = sizes.into_iter().map(|size| {
                progress(format_args!("{} {size}", part.name()));
                one(self, size)
            });
            measured.collect::<anyhow::Result<Vec<Table>>>()
        };
        match part {
            Part::Noop => each(
                sizes(&[1_000, 10_000, 100_000], &[100, 1_000]),
                stages::noop,
            ),
            Part::Cold => each(sizes(&[1_000, 10_000], &[100, 500]), stages::cold),
            Part::Change => each(sizes(&[1_000], &[200]), stages::change),
            Part::Wildcards => {
                let mut tables = Vec::new();
                for stages in sizes(&[1_000, 10_000], &[50, 200]) {
                    progress(format_args!("{} {stages}", part.name()));
                    tables.extend(wildcards::wildcards(self, stages)?);
                }
                Ok(tables)
            }
            Part::LargeFile => each(sizes(&[4096], &[128]), data::large),
            Part::SmallFiles => {
                let files = if quick { 2_000 } else { 100_000 };
                progress(format_args!("{} {files}", part.name()));
                Ok(data::small(self, files)?.into())
            }
            Part::FanOut => {
                let files = if quick { 500 } else { 100_000 };
                progress(format_args!("{} {files}", part.name()));
                Ok(jobs::jobs(self, files)?.into())
            }
            Part::Instructions => match &self.valgrind {
                Ok(_) => each(sizes(&[1_000], &[100]), stages::instructions),
                Err(why) => {
                    progress(format_args!("no instructions: {why}"));
                    Ok(Vec::new())
                }
            },
        }
    }
}

/// What all runs of one command may take together.
const SHARE: Duration = Duration::from_mins(2);
/// The same for what takes minutes each time.
const LONG_SHARE: Duration = Duration::from_mins(30);

impl Part {
    /// On the command line and in the page.
    fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Cold => "cold",
            Self::Change => "change",
            Self::Wildcards => "wildcards",
            Self::LargeFile => "large-file",
            Self::SmallFiles => "small-files",
            Self::FanOut => "fan-out",
            Self::Instructions => "instructions",
        }
    }
}

fn block(tables: &[Table]) -> String {
    let texts = tables.iter().map(Table::markdown);
    let texts: Vec<String> = texts.chain(report::growth(tables)).collect();
    texts.join("\n")
}

/// The page with these blocks.
fn page_with(blocks: &[(&str, String)]) -> anyhow::Result<String> {
    let page =
        fs::read_to_string(root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    blocks
        .iter()
        .try_fold(page, |page, (name, text)| put_block(&page, name, text))
}

/// Builds what a user would get, and says where it is.
fn build() -> anyhow::Result<PathBuf> {
    let target = target()?;
    let folder = target.to_string_lossy();
    let args = [
        "build",
        "--quiet",
        "--profile",
        "dist",
        "--locked",
        "--package",
        "playbook-cli",
        "--target-dir",
        &folder,
    ];
    ensure!(cargo(&args, &[])?, "the program cannot be built");
    let path = target.join("dist/playbook");
    ensure!(path.is_file(), "{} was not built", path.display());
    Ok(path)
}

/// Where cargo builds: this program lies there, in the folder of its profile.
fn target() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("where xtask is")?;
    let target = here
        .ancestors()
        .nth(2)
        .context("xtask is not in a folder of cargo's")?;
    Ok(target.to_owned())
}

/// The folder that all of it lies in, gone at the end unless the user named it.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => target()?.join(format!("bench-{}", std::process::id())),
        };
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let path = path.canonicalize()?;
        ensure!(
            fs::read_dir(&path)?.next().is_none(),
            "{} is not empty",
            path.display()
        );
        Ok(Self {
            path,
            keep: named.is_some(),
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let useless = if self.keep {
            self.path.join(ASIDE)
        } else {
            self.path.clone()
        };
        let removed = fs::remove_dir_all(&useless);
        if removed.is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            progress(format_args!("{} could not be removed", useless.display()));
        }
    }
}
