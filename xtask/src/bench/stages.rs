//! Pipelines of many stages: with nothing to do, with everything to do, and with one stage to do.
//!
//! What a run has done is read off the files, alike for every tool: a stage that ran has rewritten its output.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::Bench;
use super::files::{Stamp, contents, on_disk, put, rewritten, settle, stamps};
use super::measure::{Contestant, Figures};
use super::pipelines::Pipeline;
use super::report::{Table, Unit};
use super::rivals::{Call, Runner};
use crate::say::progress;

/// A tool with the pipeline in its language, in a folder of its own.
struct Project<'a> {
    runner: &'a Runner,
    folder: PathBuf,
}

impl Project<'_> {
    fn name(&self) -> &'static str {
        self.runner.program.name
    }

    fn call(&self, jobs: usize) -> Call {
        Call {
            program: self.runner.program.path.clone(),
            args: self.runner.args(jobs),
            folder: self.folder.clone(),
        }
    }
}

/// That all tools have made the same.
#[derive(Default)]
struct Agreement(Cell<Option<u64>>);

impl Agreement {
    fn check(&self, pipeline: &Pipeline, folder: &Path) -> anyhow::Result<()> {
        let made = contents(folder, pipeline.outs())?;
        let first = self.0.get().unwrap_or(made);
        self.0.set(Some(first));
        ensure!(
            first == made,
            "its outputs are not those of the other tools"
        );
        Ok(())
    }
}

/// The tools that take so many stages.
fn projects<'a>(bench: &'a Bench, part: &str, stages: usize) -> Vec<Project<'a>> {
    let runners = bench.runners.iter().filter(|runner| runner.takes(stages));
    let base = bench.dir.join(format!("{part}-{stages}"));
    let project = |(at, runner): (usize, &'a Runner)| Project {
        runner,
        folder: base.join(format!("{at}-{}", runner.program.name)),
    };
    runners.enumerate().map(project).collect()
}

/// Everything made by each tool, all files left alone for long enough, and each tool run twice since: once to see
/// what is there, once to find what it has written about that.
fn settled<'a>(
    bench: &'a Bench,
    part: &str,
    pipeline: &Pipeline,
) -> anyhow::Result<Vec<Project<'a>>> {
    let projects = projects(bench, part, pipeline.outs().count());
    let agreement = Agreement::default();
    for project in &projects {
        progress(format_args!("  {} makes everything", project.name()));
        pipeline.write(project.runner.format, &project.folder)?;
        bench.stopwatch.run(&project.call(bench.jobs))?;
        agreement
            .check(pipeline, &project.folder)
            .with_context(|| format!("{} in {}", project.name(), project.folder.display()))?;
    }
    settle(bench.settle)?;
    for project in projects.iter().chain(&projects) {
        bench.stopwatch.run(&project.call(bench.jobs))?;
    }
    Ok(projects)
}

/// Nothing has changed since the last run.
pub(super) fn noop(bench: &Bench, stages: usize) -> anyhow::Result<Table> {
    let pipeline = Pipeline::layered(stages);
    let projects = settled(bench, "noop", &pipeline)?;
    let contestants = projects.iter().map(|project| {
        let made = stamps(&project.folder, pipeline.outs())?;
        let pipeline = &pipeline;
        let unmoved = move || {
            let now = stamps(&project.folder, pipeline.outs())?;
            ensure!(made == now, "stages ran although nothing had changed");
            Ok(())
        };
        Ok(Contestant::new(project.name(), project.call(bench.jobs)).after(unmoved))
    });
    let mut contestants = contestants.collect::<anyhow::Result<Vec<_>>>()?;
    let rows = bench.watch(15).take_turns(&mut contestants)?;
    Ok(Table {
        title: format!("Nothing to do, {} stages", thousands(stages)),
        what: "No file has changed since the last run.".to_owned(),
        rows,
        against: None,
        unit: Unit::Seconds,
        size: Some(stages),
    })
}

/// Nothing was ever made: each run has a new folder.
pub(super) fn cold(bench: &Bench, stages: usize) -> anyhow::Result<Table> {
    let pipeline = Pipeline::layered(stages);
    let projects = projects(bench, "cold", stages);
    let agreement = Agreement::default();
    let contestants = projects.iter().map(|project| {
        Contestant::new(project.name(), project.call(bench.jobs))
            .before(|| {
                if project.folder.exists() {
                    bench.aside.put(&project.folder)?;
                }
                pipeline.write(project.runner.format, &project.folder)?;
                on_disk()
            })
            .after(|| agreement.check(&pipeline, &project.folder))
    });
    let mut contestants: Vec<_> = contestants.collect();
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table {
        title: format!("Everything to do, {} stages", thousands(stages)),
        what: format!("{} jobs at once, in a new folder each time.", bench.jobs),
        rows,
        against: None,
        unit: Unit::Seconds,
        size: None,
    })
}

/// A source that one stage reads has changed.
pub(super) fn change(bench: &Bench, stages: usize) -> anyhow::Result<Table> {
    let pipeline = Pipeline::layered(stages);
    let projects = settled(bench, "change", &pipeline)?;
    let edited: Vec<Edited<'_>> = projects
        .iter()
        .map(|project| Edited::new(&pipeline, project))
        .collect();
    let contestants = edited.iter().map(|edited| {
        Contestant::new(edited.project.name(), edited.project.call(bench.jobs))
            .before(|| settle(bench.settle).and_then(|()| edited.edit()))
            .after(|| edited.only_the_last_ran())
    });
    let mut contestants: Vec<_> = contestants.collect();
    let rows = bench.watch(11).take_turns(&mut contestants)?;
    Ok(Table {
        title: format!("One stage to do of {}", thousands(stages)),
        what: "Before each run a source of the last layer has changed, so that exactly one stage runs.".to_owned(),
        rows,
        against: None,
        unit: Unit::Seconds,
        size: None,
    })
}

/// A project in which the source of the last stage changes again and again.
struct Edited<'a> {
    pipeline: &'a Pipeline,
    project: &'a Project<'a>,
    edits: Cell<u32>,
    /// All outputs as they were before the last edit, and what the last stage had made.
    before: RefCell<(Vec<Stamp>, u64)>,
}

impl<'a> Edited<'a> {
    fn new(pipeline: &'a Pipeline, project: &'a Project<'a>) -> Self {
        Self {
            pipeline,
            project,
            edits: Cell::new(0),
            before: RefCell::default(),
        }
    }

    fn look(&self) -> anyhow::Result<(Vec<Stamp>, u64)> {
        let folder = &self.project.folder;
        let made = contents(folder, self.pipeline.outs().last().into_iter())?;
        Ok((stamps(folder, self.pipeline.outs())?, made))
    }

    fn edit(&self) -> anyhow::Result<()> {
        self.before.replace(self.look()?);
        self.edits.set(self.edits.get() + 1);
        let source = self.pipeline.last_source().context("there are no stages")?;
        let text = format!("changed {}\n", self.edits.get());
        put(&self.project.folder.join(source), text.as_bytes())
    }

    fn only_the_last_ran(&self) -> anyhow::Result<()> {
        let (stamps, made) = &*self.before.borrow();
        let (now, made_now) = self.look()?;
        let ran = rewritten(stamps, &now);
        let alone = ran == [stamps.len() - 1];
        ensure!(alone, "{} stages ran, not the last one alone", ran.len());
        ensure!(made_now != *made, "its output is the old one");
        Ok(())
    }
}

/// What a run with nothing to do costs, by a measure that does not depend on what else the machine does.
pub(super) fn instructions(bench: &Bench, stages: usize) -> anyhow::Result<Table> {
    let valgrind = match &bench.valgrind {
        Ok(valgrind) => valgrind,
        Err(why) => anyhow::bail!("{why}"),
    };
    let pipeline = Pipeline::layered(stages);
    let mut rows = Vec::new();
    for project in settled(bench, "instructions", &pipeline)? {
        // Elsewhere most would be the interpreter's, and take minutes.
        if !["playbook", "n2", "ninja", "make"].contains(&project.name()) {
            continue;
        }
        let out = bench.dir.join("callgrind");
        let call = project.call(bench.jobs);
        let mut args = vec![
            "--tool=callgrind".to_owned(),
            format!("--callgrind-out-file={}", out.display()),
            call.program.to_string_lossy().into_owned(),
        ];
        args.extend(call.args);
        let call = Call {
            program: valgrind.path.clone(),
            args,
            folder: call.folder,
        };
        let mut counts = Vec::new();
        for _ in 0..3 {
            bench.stopwatch.run(&call)?;
            let said = std::fs::read_to_string(bench.stopwatch.said())?;
            counts.push(collected(&said).context("callgrind counted nothing")?);
        }
        progress(format_args!("  {}: {counts:?}", project.name()));
        rows.push(Figures {
            name: project.name().to_owned(),
            seconds: counts,
            peak_kib: None,
        });
    }
    Ok(Table {
        title: format!(
            "Instructions with nothing to do, {} stages",
            thousands(stages)
        ),
        what: "Millions of instructions in user space, as `valgrind --tool=callgrind` counts them."
            .to_owned(),
        rows,
        against: None,
        unit: Unit::Instructions,
        size: None,
    })
}

/// The count in what callgrind says at its end: `==123== Collected : 4567`.
fn collected(said: &str) -> Option<f64> {
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// `100000` as people read it.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_have_commas() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==1== Callgrind\n==1== Events    : Ir\n==1== Collected : 4567\n==1== \n";
        assert_eq!(collected(said), Some(4567.0));
        assert_eq!(collected("nothing"), None);
    }
}
