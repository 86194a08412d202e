//! Eight runs of one playbook at the same moment.

use std::sync::Barrier;

use crate::pipeline::Pipeline;
use crate::rng::Rng;
use crate::run::{Fate, Ran, run, run_command};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, asked_kills};
use crate::watch::{Verdict, Watch, ensure};

const RUNS: usize = 8;

#[test]
fn of_eight_runs_at_once_one_does_the_work() {
    let mut tally = Tally::new("eight at once");
    let rounds = asked_kills().map_or(2, |kills| kills / 20);
    for nth in 0..rounds {
        let mut rng = tally.nth_rng(nth);
        let mut pipeline = Pipeline::random(&mut rng);
        for stage in &mut pipeline.stages {
            stage.slow = false;
            stage.fails_first = false;
        }
        tally.note(&format!("pipeline {nth}"), at_once(&pipeline));
    }
    tally.finish();
}

fn at_once(pipeline: &Pipeline) -> Verdict {
    let sandbox = Sandbox::new(pipeline);
    let watch = Watch::new(&sandbox, pipeline);
    let ran = start_together(&sandbox, &[const { Fate::Undisturbed }; RUNS]);
    for ran in &ran {
        ensure!(
            ran.code == Some(0) && !ran.stderr.contains("panicked"),
            "one ended with {:?}: {}",
            ran.code,
            ran.stderr
        );
    }
    for stage in &pipeline.stages {
        let text = sandbox.read(&format!("counts/{}", stage.name));
        let text = text.unwrap_or_default();
        ensure!(
            text.lines().count() == 2,
            "{} did not run exactly once:\n{text}",
            stage.name
        );
        let completed = ran.iter().flat_map(|ran| ran.stages("stage_completed"));
        let times = completed.filter(|name| *name == stage.name).count();
        ensure!(times == 1, "{} was announced {times} times", stage.name);
    }
    let events = sandbox.read("playbook.events.jsonl").unwrap_or_default();
    for line in events.lines() {
        let whole = serde_json::from_str::<serde_json::Value>(line).is_ok();
        ensure!(whole, "a torn line in the event log: {line}");
    }
    watch.all_is_made(&ran[0])
}

/// Starts a run for each fate at the same moment, and waits for all of them.
fn start_together(sandbox: &Sandbox, fates: &[Fate]) -> Vec<Ran> {
    let commands = fates.iter().enumerate().map(|(nth, fate)| {
        let said = format!("stderr {nth}");
        let command = sandbox.new_run(&["run", "--json"]);
        (command, sandbox.last_run(), said, fate)
    });
    let commands: Vec<_> = commands.collect();
    let together = Barrier::new(fates.len());
    std::thread::scope(|threads| {
        let together = &together;
        let started: Vec<_> = commands
            .into_iter()
            .map(|(command, number, said, fate)| {
                threads.spawn(move || {
                    together.wait();
                    let ran = run_command((sandbox, &said), command, fate);
                    Ran { number, ..ran }
                })
            })
            .collect();
        let ended = started.into_iter().map(|run| run.join().unwrap());
        ended.collect()
    })
}

#[test]
fn when_the_run_that_works_is_killed_one_that_waits_takes_over() {
    let mut tally = Tally::new("taking over");
    let rounds = asked_kills().map_or(3, |kills| kills / 20);
    for nth in 0..rounds {
        let mut rng = tally.nth_rng(nth);
        let mut pipeline = Pipeline::random(&mut rng);
        for stage in &mut pipeline.stages {
            stage.fails_first = false;
        }
        let verdict = taken_over(&mut tally, &mut rng, &pipeline);
        tally.note(&format!("pipeline {nth}"), verdict);
    }
    tally.finish();
}

/// Every run but the last is killed somewhere, if it comes to work at all.
fn taken_over(tally: &mut Tally, rng: &mut Rng, pipeline: &Pipeline) -> Verdict {
    let sandbox = Sandbox::new(pipeline);
    let watch = Watch::new(&sandbox, pipeline);
    let fates: Vec<Fate> = (1..RUNS)
        .map(|_| Fate::Faults(format!("kill={}", rng.between(1, 40))))
        .chain([Fate::Undisturbed])
        .collect();
    let ran = start_together(&sandbox, &fates);
    tally.kills += ran.iter().filter(|ran| ran.killed).count();
    for ran in &ran {
        ensure!(
            ran.killed || ran.code == Some(0),
            "one ended with {:?}: {}",
            ran.code,
            ran.stderr
        );
    }
    let dead: Vec<String> = ran
        .iter()
        .filter(|ran| ran.killed)
        .map(|ran| ran.number.to_string())
        .collect();
    for stage in &pipeline.stages {
        let text = sandbox.read(&format!("counts/{}", stage.name));
        let text = text.unwrap_or_default();
        let mut open: Option<&str> = None;
        for line in text.lines() {
            let (what, run) = line.split_once(' ').unwrap_or((line, ""));
            let in_order = match (open, what) {
                (None, "start") => true,
                (Some(open), "start") => dead.iter().any(|dead| dead == open),
                (Some(open), _) => open == run,
                (None, _) => false,
            };
            ensure!(in_order, "{}: two at once:\n{text}", stage.name);
            open = (what == "start").then_some(run);
        }
    }
    // One of those that were killed may have been the last to work, with nothing left but to write down what stats
    // say. What it left of that goes with the next run that decides something.
    sandbox.write_playbook(pipeline);
    let last = run(&sandbox, &Fate::Undisturbed, &[]);
    watch.all_is_made(&last)
}
