//! Killed before, in the middle of and after every operation on the disk.

use crate::pipeline::Pipeline;
use crate::points::with_a_past;
use crate::random::finish;
use crate::run::{Fate, run};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, sample, say};
use crate::watch::{Verdict, Watch};

/// Scenarios in the short version.
const SHORT: usize = 30;
/// Where the run is killed whose recovery is then killed at every operation.
const FIRST: [&str; 6] = [
    "kill-at=outs-noted:2",
    "kill-at=outs-aside:1",
    "kill-at=group-noted:2",
    "kill-at=outs-made:3",
    "kill-at=recorded:2",
    "kill-at=folded:1",
];

#[test]
fn killed_at_any_operation_it_ends_as_an_undisturbed_run() {
    let mut tally = Tally::new("operations");
    let template = Sandbox::new(&Pipeline::small());
    let past = with_a_past(&template);
    let mut scenarios = Vec::new();
    for first in std::iter::once(None).chain(FIRST.map(Some)) {
        let count = operations(&past, first).len();
        say(&format!("operations of a run after {first:?}: {count}"));
        for n in 1..=count {
            scenarios.extend(["kill", "kill-half", "kill-after"].map(|how| (first, how, n)));
        }
    }
    for (first, how, n) in sample(&mut tally.rng(), &scenarios, SHORT) {
        let sandbox = template.copy();
        let mut watch = past.of_copy(&sandbox);
        let verdict = killed(&mut tally, &mut watch, first, &format!("{how}={n}"));
        tally.note(&format!("{first:?}, then {how}={n}"), verdict);
    }
    tally.finish();
}

fn killed(tally: &mut Tally, watch: &mut Watch<'_>, first: Option<&str>, second: &str) -> Verdict {
    for faults in first.into_iter().chain([second]) {
        let ran = run(watch.sandbox, &Fate::Faults(faults.to_owned()), &["-j1"]);
        tally.kills += usize::from(ran.killed);
        watch.after(&ran)?;
    }
    finish(watch)
}

/// One line for each operation of a run: number, name, path.
pub(crate) fn operations(past: &Watch<'_>, first: Option<&str>) -> Vec<String> {
    let sandbox = past.sandbox.copy();
    if let Some(first) = first {
        run(&sandbox, &Fate::Faults(first.to_owned()), &["-j1"]);
    }
    let trace = sandbox.beside("trace");
    let faults = format!("trace={}", trace.display());
    run(&sandbox, &Fate::Faults(faults), &["-j1"]);
    operations_in(&std::fs::read_to_string(trace).unwrap())
}

/// The operations of a trace, without the points.
pub(crate) fn operations_in(trace: &str) -> Vec<String> {
    let lines = trace.lines().filter(|line| !line.starts_with('-'));
    lines.map(str::to_owned).collect()
}
