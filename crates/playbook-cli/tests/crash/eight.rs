//! Eight runs of one playbook at the same moment.

use std::sync::Barrier;

use crate::pipeline::Pipeline;
use crate::run::{Fate, Ran, run_command};
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
    let commands: Vec<_> = (0..RUNS)
        .map(|nth| {
            let said = format!("stderr {nth}");
            (sandbox.new_run(&["run", "--json"]), said)
        })
        .collect();
    let together = Barrier::new(RUNS);
    let ran: Vec<Ran> = std::thread::scope(|threads| {
        let (sandbox, together) = (&sandbox, &together);
        let started: Vec<_> = commands
            .into_iter()
            .map(|(command, said)| {
                threads.spawn(move || {
                    together.wait();
                    run_command((sandbox, &said), command, &Fate::Undisturbed)
                })
            })
            .collect();
        let ended = started.into_iter().map(|run| run.join().unwrap());
        ended.collect()
    });
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
