//! What runs is exactly what an independent oracle says, over random graphs, random edits and all ways to run; what
//! was foretold comes true; and the lock says what happened and nothing else.
//!
//! The oracle keeps its own account of every file's contents and of what each stage last ran on. It
//! shares no code with the program beyond reading events.
//!
//! `PLAYBOOK_ORACLE_CASES` sets how many random histories are tried.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod edit;
mod files;
mod running;
mod story;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use playbook_exec::plan::Fate;
use playbook_hash::disk::faults::read_late;
use playbook_lock::{parse_lock, render_lock};
use playbook_types::record::lock::LockFile;
use playbook_types::record::reason::InvalidationReason;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::edit::{Stage, Step, Way, any_history};
use crate::files::let_time_pass;
use crate::running::{Run, Tally, run};
use crate::world::{LOCK, World};

/// Every reading counts as having begun so many seconds later: nobody waits for files to age.
const LATE: i64 = 10;

fn check(stages: &[Stage], steps: &[Step], tally: &Tally) -> Result<(), TestCaseError> {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("root");
    std::fs::create_dir(&directory).unwrap();
    let mut world = World::new(&directory, stages.to_vec());
    let first = (Vec::new(), Way::ByStats);
    for (edits, way) in std::iter::once(&first).chain(steps) {
        for edit in edits {
            world.edit(edit);
        }
        let present: BTreeSet<usize> = world.present().collect();
        if present.is_empty() {
            continue;
        }
        let (way, among) = match *way {
            Way::Part(stage) if !present.contains(&stage) => (Way::Ordinary, present),
            Way::Part(stage) => (Way::Part(stage), world.needed_by(stage)),
            way => (way, present),
        };
        world.write_playbook();
        let before = lock_text(&directory);
        let expected = world.expect(&among);
        let run = run(&directory, way, tally);
        let when = format!("{way:?} after {edits:?} of\n{}", world.playbook());
        prop_assert_eq!(&run.ran, &expected, "{}", when);
        let among: BTreeSet<String> = among.iter().map(|i| format!("t{i}")).collect();
        let others: BTreeSet<String> = among.difference(&expected).cloned().collect();
        prop_assert_eq!(&run.cached, &others, "{}", when);
        prop_assert_eq!(run.about, among.len(), "{}", when);
        it_came_true(&run)?;
        only_what_ran_is_new(before, lock_text(&directory), &run, &world)?;
        world.remember_the_lock();
        let_time_pass(&directory);
    }
    Ok(())
}

fn lock_text(directory: &Path) -> Option<String> {
    std::fs::read_to_string(directory.join(LOCK)).ok()
}

fn parsed(text: &str) -> LockFile {
    parse_lock(text, Path::new(LOCK)).unwrap()
}

/// The lock has new entries of the stages that ran and the former ones of all others, and is written as it
/// always is.
fn only_what_ran_is_new(
    before: Option<String>,
    after: Option<String>,
    run: &Run,
    world: &World<'_>,
) -> Result<(), TestCaseError> {
    if run.ran.is_empty() {
        prop_assert_eq!(before, after);
        return Ok(());
    }
    let text = after.unwrap();
    let after = parsed(&text);
    prop_assert_eq!(&render_lock(&after).unwrap(), &text);
    let before = before.map(|text| parsed(&text).stages).unwrap_or_default();
    let mut names = Vec::new();
    for name in world.present().map(|i| format!("t{i}")) {
        let former = before.iter().find(|(stage, _)| stage.as_str() == name);
        let entry = after
            .stages
            .iter()
            .find(|(stage, _)| stage.as_str() == name);
        let ran = run.ran.contains(&name);
        prop_assert_eq!(entry == former, !ran, "the entry of {}", name);
        names.extend(entry.map(|(stage, _)| stage.to_string()));
    }
    let written: Vec<String> = after.stages.keys().map(ToString::to_string).collect();
    prop_assert_eq!(written, names);
    Ok(())
}

fn it_came_true(run: &Run) -> Result<(), TestCaseError> {
    let is_maybe = |stage: &str| {
        let mut told = run.foretold.iter();
        told.any(|(name, fate)| name == stage && matches!(fate, Fate::Maybe(_)))
    };
    for (stage, fate) in &run.foretold {
        let ran = run.ran.contains(stage);
        match fate {
            Fate::Hit(_) => prop_assert!(!ran, "{} was foretold a hit and ran", stage),
            Fate::Miss(reasons) => {
                let told = reasons.sentence();
                prop_assert!(ran, "{} was foretold to run ({}) and did not", stage, told);
                let why = &run.why[stage];
                for reason in reasons.as_slice() {
                    let came = why.contains(reason) || is_overtaken(reason, why, is_maybe);
                    prop_assert!(came, "{}: {}, not {:?}", stage, reason, why);
                }
            }
            Fate::Maybe(waits_for) => {
                let comes = |stage: &str| run.ran.contains(stage) || is_maybe(stage);
                prop_assert!(waits_for.iter().any(|stage| comes(stage.as_str())));
            }
            Fate::Running { .. } => prop_assert!(false, "nothing runs"),
            Fate::Fault(fault) => prop_assert!(false, "{} cannot be decided: {}", stage, fault),
        }
    }
    prop_assert_eq!(run.foretold.len(), run.about);
    Ok(())
}

/// What a stage above makes first may add reasons; where that is not what it was, outs are not looked at. And where a stage
/// that perhaps would run before it did, that alone counts.
fn is_overtaken(
    foretold: &InvalidationReason,
    why: &[InvalidationReason],
    is_maybe: impl Fn(&str) -> bool,
) -> bool {
    let of_outs = matches!(
        foretold,
        InvalidationReason::OutputMissing { .. } | InvalidationReason::OutputModified { .. }
    );
    let of_deps =
        |reason: &InvalidationReason| matches!(reason, InvalidationReason::DepChanged { .. });
    let of_a_maybe = |reason: &InvalidationReason| matches!(reason, InvalidationReason::UpstreamRerun { stage } if is_maybe(stage.as_str()));
    (of_outs && why.iter().any(of_deps)) || why.iter().any(of_a_maybe)
}

/// Tries random histories, with each way to run turned into another one.
fn try_histories(turn: impl Fn(Way) -> Way) -> Tally {
    let cases = std::env::var("PLAYBOOK_ORACLE_CASES").ok();
    let config = Config {
        cases: cases.and_then(|text| text.parse().ok()).unwrap_or(150),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let tally = Tally::default();
    TestRunner::new(config)
        .run(&any_history(), |(stages, mut steps)| {
            for (_, way) in &mut steps {
                *way = turn(*way);
            }
            check(&stages, &steps, &tally)
        })
        .unwrap();
    tally
}

#[test]
fn what_runs_is_what_the_oracle_says() {
    read_late(LATE);
    let tally = try_histories(|way| way);
    println!("{tally:?}");
    let (settled, part) = tally.shares();
    assert!(
        settled > 1 && part > 10,
        "{settled} % and {part} % by stats"
    );
}

#[test]
fn what_runs_is_what_the_oracle_says_when_stats_count_for_nothing() {
    read_late(LATE);
    let everything = |way| match way {
        Way::ByStats | Way::Ordinary => Way::ReadingEverything,
        other => other,
    };
    assert_eq!(try_histories(everything).shares(), (0, 0));
}
