//! One stage for each of many files, by a wildcard in its name: what it takes to work out the stages, to run them, and to
//! see that nothing is to do.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use super::Bench;
use super::files::{contents, foretold, made_nothing, on_disk, put, settle, stamps};
use super::measure::Contestant;
use super::pipelines::Format;
use super::report::Table;
use super::rivals::{Call, Runner};
use super::stages::thousands;
use crate::say::progress;

/// Snakemake looks at all jobs that are ready before it starts one: for ten times as many it takes a hundred times as long.
const COLD_MOST: usize = 1_000;

const PLAYBOOK: &str = "version: \"1.0\"\nname: bench\nstages:\n  copy_{sample}:\n    cmd: cp {{deps[0].path}} {{outs[0].path}}\n    deps: [\"in/{sample}.txt\"]\n    outs: [\"out/{sample}.txt\"]\n";
const SNAKEFILE: &str = "SAMPLES = glob_wildcards('in/{sample}.txt').sample\nrule all:\n    input: expand('out/{sample}.txt', sample=SAMPLES)\nrule copy:\n    input: 'in/{sample}.txt'\n    output: 'out/{sample}.txt'\n    shell: 'cp {input} {output}'\n";

/// The pipeline's file in the words of the tools that have wildcards over files, and how each is told to only foretell.
fn words(format: Format) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    match format {
        Format::Playbook => Some(("playbook.yaml", PLAYBOOK, &["-n"])),
        // Behind `--quiet`: it says how many jobs there are, and no more.
        Format::Snakemake => Some(("Snakefile", SNAKEFILE, &["rules", "-n"])),
        Format::Ninja | Format::Make | Format::Doit | Format::Task | Format::Dvc => None,
    }
}

/// A tool with the pipeline in its language, in a folder of its own.
struct Project<'a> {
    runner: &'a Runner,
    folder: PathBuf,
    file: &'static str,
    foretell: &'static [&'static str],
    /// Whether it is asked to run everything.
    runs_all: bool,
}

impl Project<'_> {
    fn call(&self, jobs: usize, further: &[&str]) -> Call {
        let mut args = self.runner.args(jobs);
        args.extend(further.iter().map(|&arg| arg.to_owned()));
        Call {
            program: self.runner.program.path.clone(),
            args,
            folder: self.folder.clone(),
        }
    }

    fn contestant<'a>(&self, call: Call) -> Contestant<'a> {
        Contestant::new(self.runner.program.name, call)
    }

    /// As if nothing had ever run here.
    fn afresh(&self, bench: &Bench) -> anyhow::Result<()> {
        bench.aside.all_but(&["in", self.file], &self.folder)?;
        fs::create_dir(self.folder.join("out"))?;
        on_disk()
    }

    /// Each output is a copy of its input.
    fn is_made(&self, names: &[String]) -> anyhow::Result<()> {
        let of =
            |folder: &str| contents(&self.folder.join(folder), names.iter().map(String::as_str));
        ensure!(of("in")? == of("out")?, "an output is not its input's copy");
        Ok(())
    }

    /// Brings about what has been made by whom is not asked to.
    fn make(&self, bench: &Bench, names: &[String]) -> anyhow::Result<()> {
        self.afresh(bench)?;
        for name in names {
            put(
                &self.folder.join("out").join(name),
                &fs::read(self.folder.join("in").join(name))?,
            )?;
        }
        Ok(())
    }
}

/// Foretold, run, and run again.
pub(super) fn wildcards(bench: &Bench, stages: usize) -> anyhow::Result<[Table; 3]> {
    let names: Vec<String> = (0..stages).map(|at| format!("{at:06}.txt")).collect();
    let base = bench.dir.join(format!("wildcards-{stages}"));
    let mut projects = Vec::new();
    for runner in &bench.runners {
        let Some((file, text, foretell)) = words(runner.format) else {
            continue;
        };
        let folder = base.join(projects.len().to_string());
        put(&folder.join(file), text.as_bytes())?;
        for name in &names {
            put(
                &folder.join("in").join(name),
                format!("source of {name}\n").as_bytes(),
            )?;
        }
        projects.push(Project {
            runner,
            folder,
            file,
            foretell,
            runs_all: runner.is_playbook() || stages <= COLD_MOST || bench.with_slow,
        });
    }
    Ok([
        plan(bench, &projects, stages)?,
        cold(bench, &projects, &names)?,
        noop(bench, &projects, &names)?,
    ])
}

fn plan(bench: &Bench, projects: &[Project<'_>], stages: usize) -> anyhow::Result<Table> {
    let mut contestants = Vec::new();
    for project in projects {
        project.afresh(bench)?;
        let call = project.call(bench.jobs, project.foretell);
        foretold(&call, stages).context(project.runner.program.name)?;
        let nothing = || made_nothing(&project.folder.join("out"));
        contestants.push(project.contestant(call).after(nothing));
    }
    on_disk()?;
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!(
            "What there is to do, {} stages of a wildcard",
            thousands(stages)
        ),
        "What would run is told (`-n`), nothing was ever made.".to_owned(),
        rows,
    ))
}

fn cold(bench: &Bench, projects: &[Project<'_>], names: &[String]) -> anyhow::Result<Table> {
    let asked = projects.iter().filter(|project| project.runs_all);
    let contestants = asked.map(|project| {
        project
            .contestant(project.call(bench.jobs, &[]))
            .before(|| project.afresh(bench))
            .after(|| project.is_made(names))
    });
    let mut contestants: Vec<_> = contestants.collect();
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    let mut what = format!(
        "`cp` of each file, {} at once, with nothing made.",
        bench.jobs
    );
    for project in projects.iter().filter(|project| !project.runs_all) {
        let name = project.runner.program.name;
        write!(
            what,
            " {name} is left out: it looks at all stages that are ready before it starts one, which took more time than there was."
        )
        .ok();
    }
    Ok(Table::of_seconds(
        format!(
            "Everything to do, {} stages of a wildcard",
            thousands(names.len())
        ),
        what,
        rows,
    ))
}

fn noop(bench: &Bench, projects: &[Project<'_>], names: &[String]) -> anyhow::Result<Table> {
    let mut what = "No file has changed since the last run.".to_owned();
    for project in projects.iter().filter(|project| !project.runs_all) {
        let name = project.runner.program.name;
        progress(format_args!("  the files of {name} are copied"));
        project.make(bench, names)?;
        write!(
            what,
            " For {name} the files are there without its having made them, which is less to look at: it has no records."
        )
        .ok();
    }
    settle(bench.settle)?;
    for project in projects.iter().chain(projects) {
        bench.stopwatch.run(&project.call(bench.jobs, &[]))?;
    }
    let paths = || names.iter().map(String::as_str);
    let mut contestants = Vec::new();
    for project in projects {
        let out = project.folder.join("out");
        let made = stamps(&out, paths())?;
        let unmoved = move || {
            ensure!(
                made == stamps(&out, paths())?,
                "stages ran although nothing had changed"
            );
            project.is_made(names)
        };
        let call = project.call(bench.jobs, &[]);
        contestants.push(project.contestant(call).after(unmoved));
    }
    let rows = bench.watch(11).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!(
            "Nothing to do, {} stages of a wildcard",
            thousands(names.len())
        ),
        what,
        rows,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_with_wildcards_over_files_have_the_same_command() {
        for (format, command) in [
            (
                Format::Playbook,
                "cmd: cp {{deps[0].path}} {{outs[0].path}}",
            ),
            (Format::Snakemake, "shell: 'cp {input} {output}'"),
        ] {
            let (_, text, _) = words(format).unwrap();
            assert!(text.contains(command), "{format:?}");
            assert!(text.contains("in/{sample}.txt") && text.contains("out/{sample}.txt"));
        }
        assert!(words(Format::Make).is_none());
    }
}
