//! Killed at every named point, in a run and in the recovery of a run that was killed before.

use playbook_hash::disk::faults::Point;

use crate::pipeline::Pipeline;
use crate::random::finish;
use crate::rng::Rng;
use crate::run::{Fate, run};
use crate::sandbox::{Sandbox, caches_are_off};
use crate::tally::{Tally, sample};
use crate::watch::Watch;

/// Scenarios in the short version.
const SHORT: usize = 10;
/// The first passings of a point that a run is killed at.
const PASSINGS: [usize; 3] = [1, 2, 3];

/// Makes a pipeline whose next run sets old outs aside, keeps what the user edited, fails in one stage and
/// runs all others. Its playbook stays as it is, so that the run is told by stats what to decide.
pub(crate) fn with_a_past(sandbox: &Sandbox) -> Watch<'_> {
    let mut pipeline = Pipeline::small();
    let mut watch = Watch::new(sandbox, &pipeline);
    finish(&mut watch).unwrap();
    pipeline.sources_change();
    watch.next_generation(&pipeline);
    // Neither is of jobs, so nothing is chosen.
    let rng = &mut Rng::new(0);
    watch.edit(rng, (0, 1));
    watch.edit(rng, (1, 0));
    watch
}

/// The points that any stage comes by; those of a fan-out are tried by themselves.
fn of_stages() -> impl Iterator<Item = Point> {
    let all = Point::ALL.into_iter();
    all.filter(|point| !point.is_of_jobs())
}

#[test]
fn killed_at_any_point_it_ends_as_an_undisturbed_run() {
    let mut tally = Tally::new("points");
    let template = Sandbox::new(&Pipeline::small());
    let past = with_a_past(&template);
    let firsts: Vec<Option<Point>> = std::iter::once(None).chain(of_stages().map(Some)).collect();
    let mut all = Vec::new();
    for first in firsts {
        for second in of_stages() {
            all.extend(PASSINGS.map(|nth| (first, second, nth)));
        }
    }
    let mut never_reached: Vec<&str> = of_stages().map(Point::name).collect();
    if caches_are_off() {
        // Stats tell no run what to decide.
        never_reached.retain(|point| *point != Point::PartPlanned.name());
    }
    let chosen = sample(&mut tally.rng(), &all, SHORT);
    // Whatever was chosen, every point is tried: recovery's after a kill in the middle of a stage.
    let every = of_stages().map(|point| (Some(Point::GroupNoted), point, 1));
    let alone = of_stages().map(|point| (None, point, 1));
    for (first, second, nth) in every.chain(alone).chain(chosen) {
        let scenario = format!("{:?}, then {}:{nth}", first.map(Point::name), second.name());
        let sandbox = template.copy();
        let mut watch = past.of_copy(&sandbox);
        let reached = killed_at(&mut tally, &mut watch, first, (second, nth));
        if reached == Ok(true) {
            never_reached.retain(|point| *point != second.name());
        }
        tally.note(&scenario, reached.and_then(|_| finish(&mut watch)));
    }
    tally.note(
        "every point is reached",
        match never_reached[..] {
            [] => Ok(()),
            _ => Err(format!("but not {never_reached:?}")),
        },
    );
    tally.finish();
}

/// Whether the second point was reached.
fn killed_at(
    tally: &mut Tally,
    watch: &mut Watch<'_>,
    first: Option<Point>,
    (second, nth): (Point, usize),
) -> Result<bool, String> {
    if let Some(first) = first {
        kill_at(tally, watch, first, 1)?;
    }
    kill_at(tally, watch, second, nth)
}

fn kill_at(
    tally: &mut Tally,
    watch: &mut Watch<'_>,
    point: Point,
    nth: usize,
) -> Result<bool, String> {
    let fate = Fate::Faults(format!("kill-at={}:{nth}", point.name()));
    let ran = run(watch.sandbox, &fate, &["-j2"]);
    tally.kills += usize::from(ran.killed);
    watch.after(&ran)?;
    Ok(ran.killed)
}
