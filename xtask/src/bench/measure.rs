//! Whole commands, timed in turn: A B C A B C …, so that a machine whose speed drifts does so for all of them.
//!
//! Each runs once uncounted, under GNU `time` if that is here, which tells the most memory that a process of the
//! tree had resident; a process that starts from a large one would be charged with that one's memory, and `time` is
//! small. Then all run in turn until each has been measured often enough, or for its share of time. A command that
//! fails is an error, and so is one that did not do what it was to do; neither is a figure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::rivals::{Call, Program};
use crate::say::progress;

type Step<'a> = Box<dyn FnMut() -> anyhow::Result<()> + 'a>;

/// A command that takes its turns.
pub(super) struct Contestant<'a> {
    pub(super) name: String,
    pub(super) call: Call,
    /// Uncounted, before each run: brings about what the run starts from.
    pub(super) before: Step<'a>,
    /// Uncounted, after each run: whether it did what it was to do.
    pub(super) after: Step<'a>,
}

impl<'a> Contestant<'a> {
    pub(super) fn new(name: &str, call: Call) -> Self {
        Self {
            name: name.to_owned(),
            call,
            before: Box::new(|| Ok(())),
            after: Box::new(|| Ok(())),
        }
    }

    pub(super) fn before(self, step: impl FnMut() -> anyhow::Result<()> + 'a) -> Self {
        Self {
            before: Box::new(step),
            ..self
        }
    }

    pub(super) fn after(self, step: impl FnMut() -> anyhow::Result<()> + 'a) -> Self {
        Self {
            after: Box::new(step),
            ..self
        }
    }
}

/// What was measured of one command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) name: String,
    /// One for each run that counts.
    pub(super) seconds: Vec<f64>,
    /// The most that a process of its tree had resident, where `time` is here to tell.
    pub(super) peak_kib: Option<u64>,
}

impl Figures {
    pub(super) fn median(&self) -> f64 {
        median(&self.seconds)
    }
}

/// The middle value, or the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let middle = if sorted.len().is_multiple_of(2) {
        sorted.get(half.wrapping_sub(1)..=half)
    } else {
        sorted.get(half..=half)
    };
    match middle {
        Some(&[one]) => one,
        Some(&[one, other]) => f64::midpoint(one, other),
        _ => f64::NAN,
    }
}

/// How commands are measured.
pub(super) struct Stopwatch {
    /// GNU time.
    pub(super) time: Option<Program>,
    /// Where what they say goes.
    pub(super) scratch: PathBuf,
    pub(super) runs: usize,
    /// What all runs of one command may take together; the first always counts.
    pub(super) share: Duration,
}

impl Stopwatch {
    /// The same, for so many runs.
    pub(super) fn with_runs(&self, runs: usize) -> Self {
        Self {
            time: self.time.clone(),
            scratch: self.scratch.clone(),
            runs,
            share: self.share,
        }
    }

    /// Where what the last command said on standard error is.
    pub(super) fn said(&self) -> PathBuf {
        self.scratch.join("stderr")
    }

    /// Measures all of them.
    pub(super) fn take_turns(
        &self,
        contestants: &mut [Contestant<'_>],
    ) -> anyhow::Result<Vec<Figures>> {
        let mut all = Vec::new();
        for contestant in contestants.iter_mut() {
            let (took, peak_kib) = self.turn(contestant, Purpose::Memory)?;
            // What is too slow to be repeated has its figure already.
            let slow = (took > self.share).then_some(took.as_secs_f64());
            let figures = Figures {
                name: contestant.name.clone(),
                seconds: slow.into_iter().collect(),
                peak_kib,
            };
            all.push((figures, took));
        }
        for run in 1..=self.runs {
            for (contestant, (figures, used)) in contestants.iter_mut().zip(&mut all) {
                let enough = *used > self.share && !figures.seconds.is_empty();
                if enough {
                    continue;
                }
                let (took, _) = self.turn(contestant, Purpose::Time)?;
                progress(format_args!(
                    "  {run}/{} {}: {:.4} s",
                    self.runs,
                    contestant.name,
                    took.as_secs_f64()
                ));
                figures.seconds.push(took.as_secs_f64());
                *used += took;
            }
        }
        Ok(all.into_iter().map(|(figures, _)| figures).collect())
    }

    fn turn(
        &self,
        contestant: &mut Contestant<'_>,
        purpose: Purpose,
    ) -> anyhow::Result<(Duration, Option<u64>)> {
        let Contestant {
            name,
            call,
            before,
            after,
        } = contestant;
        let place = || format!("{name} in {}", call.folder.display());
        before().with_context(|| format!("preparing {}", place()))?;
        let measured = match (purpose, &self.time) {
            (Purpose::Memory, Some(time)) => {
                let file = self.scratch.join("peak");
                let took = self.run(&under_time(time, &file, call))?;
                (took, Some(peak(&file)?))
            }
            _ => (self.run(call)?, None),
        };
        after()
            .with_context(|| format!("what was measured is not what was asked for: {}", place()))?;
        Ok(measured)
    }

    /// Runs one command, with what it says out of the way but for an error.
    pub(super) fn run(&self, call: &Call) -> anyhow::Result<Duration> {
        let place = self.said();
        let stderr = File::create(&place).context("cannot make the file for error messages")?;
        let mut command = call.command();
        command.stdout(Stdio::null()).stderr(stderr);
        let start = Instant::now();
        let status = command
            .status()
            .with_context(|| format!("cannot start {}", call.program.display()))?;
        let took = start.elapsed();
        if !status.success() {
            let said = fs::read(&place).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let from = said.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
            bail!(
                "`{} {}` failed ({status}) in {}:\n{}",
                call.program.display(),
                call.args.join(" "),
                call.folder.display(),
                &said[from..]
            );
        }
        Ok(took)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Memory,
    Time,
}

fn under_time(time: &Program, file: &Path, call: &Call) -> Call {
    let mut args = ["-q", "-f", "%M", "-o"].map(str::to_owned).to_vec();
    args.push(file.to_string_lossy().into_owned());
    args.push(call.program.to_string_lossy().into_owned());
    args.extend(call.args.iter().cloned());
    Call {
        program: time.path.clone(),
        args,
        folder: call.folder.clone(),
    }
}

fn peak(file: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(file).context("`time` wrote nothing")?;
    text.trim()
        .parse()
        .with_context(|| format!("`time` wrote {text:?} for a size"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[expect(clippy::float_cmp, reason = "values that were put in come out")]
    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0, 9.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    /// One that measures three times in a folder that goes with the test.
    fn measured(
        share: Duration,
        contestants: &mut [Contestant<'_>],
    ) -> anyhow::Result<Vec<Figures>> {
        let folder = tempfile::tempdir().unwrap();
        let stopwatch = Stopwatch {
            time: None,
            scratch: folder.path().to_owned(),
            runs: 3,
            share,
        };
        stopwatch.take_turns(contestants)
    }

    fn shell(script: &str) -> Call {
        let sh = super::super::rivals::find("sh", "env").unwrap();
        Call::new(&sh.path, &["sh", "-c", script], &std::env::temp_dir())
    }

    #[test]
    fn all_have_their_turn_before_any_has_its_next() {
        let log = RefCell::new(String::new());
        let mut contestants = ["a", "b"].map(|name| {
            let note = || {
                log.borrow_mut().push_str(name);
                Ok(())
            };
            Contestant::new(name, shell("true")).before(note)
        });
        let figures = measured(Duration::MAX, &mut contestants).unwrap();
        drop(contestants);
        // The first round is the one that does not count.
        assert_eq!(log.into_inner(), "abababab");
        assert_eq!(figures[1].seconds.len(), 3);
    }

    #[test]
    fn what_is_too_slow_to_be_repeated_is_measured_once() {
        let mut contestants = [Contestant::new("a", shell("true"))];
        let figures = measured(Duration::ZERO, &mut contestants).unwrap();
        assert_eq!(figures[0].seconds.len(), 1);
    }

    #[test]
    fn a_failure_is_no_figure() {
        let mut contestants = [Contestant::new("a", shell("echo why >&2; exit 7"))];
        let error = measured(Duration::MAX, &mut contestants).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("exit status: 7") && text.ends_with("why\n"),
            "{text}"
        );
        let idle = Contestant::new("a", shell("true")).after(|| bail!("nothing was made"));
        let error = measured(Duration::MAX, &mut [idle]).unwrap_err();
        assert!(format!("{error:#}").ends_with("nothing was made"));
    }
}
