//! Killed at random moments, over and over.

use serde_json::{Map, Value};

use crate::between::Meanwhile;
use crate::pipeline::{Parts, Pipeline};
use crate::rng::Rng;
use crate::run::{Fate, Ran, run};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, asked_kills};
use crate::watch::{Verdict, Watch, ensure};

/// How often one pipeline is changed and run anew.
const GENERATIONS: usize = 3;

/// Kills in the short version. The other tests are as short in proportion.
const SHORT: usize = 40;

#[test]
fn killed_at_random_moments_it_ends_as_an_undisturbed_run() {
    over_and_over(Tally::new("random kills"), 1, Pipeline::random);
}

#[test]
fn killed_while_files_and_lists_decide_about_stages_it_ends_as_an_undisturbed_run() {
    over_and_over(Tally::new("random kills, wild"), 2, |rng| {
        let count = rng.between(1, 4);
        let parts = Parts {
            wild: true,
            fan_out: false,
        };
        Pipeline::with(rng, count, parts)
    });
}

#[test]
fn killed_in_fan_outs_it_ends_as_an_undisturbed_run() {
    over_and_over(Tally::new("random kills, fan-outs"), 2, |rng| {
        // Most of the time is to be that of jobs.
        let count = rng.below(3);
        let parts = Parts {
            wild: rng.one_in(4),
            fan_out: true,
        };
        Pipeline::with(rng, count, parts)
    });
}

/// As many kills as were asked for; in the short version so many times fewer.
fn over_and_over(mut tally: Tally, fewer: usize, pipeline: impl Fn(&mut Rng) -> Pipeline) {
    let most = asked_kills().unwrap_or(SHORT / fewer);
    let mut nth = 0;
    while tally.kills < most {
        let mut rng = tally.nth_rng(nth);
        let pipeline = pipeline(&mut rng);
        let verdict = one_pipeline(&mut tally, &mut rng, &pipeline);
        tally.note(&format!("pipeline {nth}"), verdict);
        nth += 1;
    }
    tally.finish();
}

fn one_pipeline(tally: &mut Tally, rng: &mut Rng, first: &Pipeline) -> Verdict {
    let sandbox = Sandbox::new(first);
    let mut watch = Watch::new(&sandbox, first);
    for generation in 0..GENERATIONS {
        if generation > 0 {
            let mut pipeline = watch.pipeline().clone();
            pipeline.next_generation(rng);
            watch.next_generation(&pipeline);
            for _ in 0..rng.below(3) {
                let stage = rng.below(pipeline.stages.len());
                let out = rng.below(pipeline.stages[stage].outs.len());
                watch.edit(rng, (stage, out));
            }
        }
        let verdict = killed_until_done(tally, rng, &mut watch);
        watch.with_trail(verdict)?;
    }
    as_undisturbed(&sandbox, watch.pipeline())
}

fn killed_until_done(tally: &mut Tally, rng: &mut Rng, watch: &mut Watch<'_>) -> Verdict {
    for _ in 0..rng.between(2, 8) {
        let ran = run(
            watch.sandbox,
            &random_kill(rng, watch.pipeline().stages.len()),
            &[rng.pick(&["-j1", "-j2", "-j3"])],
        );
        tally.kills += usize::from(ran.killed);
        watch.after(&ran)?;
        if ran.code == Some(0) {
            return watch.all_is_made(&ran);
        }
        Meanwhile::random(rng).happen(rng, watch);
    }
    finish(watch)
}

/// Runs until nothing fails any more: a stage that fails the first time does not the second.
pub(crate) fn finish(watch: &mut Watch<'_>) -> Verdict {
    let mut last: Option<Ran> = None;
    for _ in 0..=watch.pipeline().stages.len() {
        let ran = run(watch.sandbox, &Fate::Undisturbed, &["-j2"]);
        watch.after(&ran)?;
        let failed_only = ran.code == Some(1);
        ensure!(
            failed_only || ran.code == Some(0),
            "an undisturbed run ended with {:?}: {}",
            ran.code,
            ran.stderr
        );
        last = Some(ran);
        if !failed_only {
            break;
        }
    }
    watch.all_is_made(&last.unwrap())
}

/// Most kills are while the run goes on; the pipe alone would only find moments right after an event.
fn random_kill(rng: &mut Rng, stages: usize) -> Fate {
    let spins = 1_u32 << rng.below(22);
    Fate::Killed {
        bytes: rng.below(800 * stages),
        spins: spins + u32::try_from(rng.below(spins as usize)).unwrap(),
        look: rng.one_in(4),
    }
}

/// The lock says what it would if nothing had ever gone wrong.
fn as_undisturbed(sandbox: &Sandbox, pipeline: &Pipeline) -> Verdict {
    let other = Sandbox::new(pipeline);
    let mut watch = Watch::new(&other, pipeline);
    finish(&mut watch)?;
    let (mut lock, other) = (entries(sandbox), entries(&other));
    // Stages that were taken out of the playbook go with the next write of the lock.
    lock.retain(|stage, _| other.contains_key(stage));
    ensure!(lock == other, "the lock says {lock:#?} and not {other:#?}");
    Ok(())
}

/// The lock's entries without times.
fn entries(sandbox: &Sandbox) -> Map<String, Value> {
    let text = sandbox.read("playbook.lock.yaml").unwrap_or_default();
    let mut lock: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut stages = std::mem::take(lock["stages"].as_object_mut().unwrap());
    for entry in stages.values_mut() {
        let entry = entry.as_object_mut().unwrap();
        entry.retain(|key, _| !key.ends_with("_at") && key != "duration_seconds");
    }
    stages
}
