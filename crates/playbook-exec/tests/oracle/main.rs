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
mod fans;
mod files;
mod layers;
mod running;
mod story;
mod wild;
mod world;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use playbook_exec::plan::Fate;
use playbook_hash::disk::faults::read_late;
use playbook_lock::{parse_lock, render_lock};
use playbook_types::record::lock::LockFile;
use playbook_types::record::reason::InvalidationReason;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::edit::{Way, any_history};
use crate::files::{let_time_pass, put};
use crate::running::{Run, Tally, run};
use crate::world::{LOCK, World};

/// Every reading counts as having begun so many seconds later: nobody waits for files to age.
const LATE: i64 = 10;

/// An account of a playbook and all files around it, kept without the program.
pub(crate) trait Account {
    type Edit: Debug;

    /// Applies an edit to the disk and to the account.
    fn edit(&mut self, edit: &Self::Edit);

    /// The stages of the playbook, in its order.
    fn stages(&self) -> Vec<String>;

    /// A stage and everything it needs.
    fn needed_by(&self, stage: &str) -> BTreeSet<String>;

    fn playbook(&self) -> String;

    /// What is to become of these stages in a run; everything they make is brought up to date in the account.
    fn expect(&mut self, among: &BTreeSet<String>) -> Expected;

    /// What else must hold after a run.
    fn came(&mut self, run: &Run) -> Result<(), TestCaseError>;

    /// Notes the lock as it is now.
    fn remember_the_lock(&mut self);
}

/// What is to become of stages in a run.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) ran: BTreeSet<String>,
    /// Of those that run, those that fail.
    pub(crate) failed: BTreeSet<String>,
    /// Those that cannot run because of a failure.
    pub(crate) skipped: BTreeSet<String>,
}

/// Goes through a history: some edits and a run, over and over.
fn follow<A: Account>(
    directory: &Path,
    world: &mut A,
    steps: &[(Vec<A::Edit>, Way)],
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let first = (Vec::new(), Way::ByStats);
    for (edits, way) in std::iter::once(&first).chain(steps) {
        for edit in edits {
            world.edit(edit);
        }
        let stages = world.stages();
        if stages.is_empty() {
            continue;
        }
        let (part, among) = match *way {
            Way::Part(i) => match stages.get(i) {
                Some(stage) => (Some(stage.as_str()), world.needed_by(stage)),
                None => (None, stages.iter().cloned().collect()),
            },
            _ => (None, stages.iter().cloned().collect()),
        };
        write_playbook(directory, &world.playbook());
        let before = lock_text(directory);
        let expected = world.expect(&among);
        let run = run(directory, *way, part, tally);
        let when = format!("{way:?} after {edits:?} of\n{}", world.playbook());
        prop_assert_eq!(&run.ran, &expected.ran, "{}", when);
        prop_assert_eq!(&run.failed, &expected.failed, "{}", when);
        prop_assert_eq!(&run.skipped, &expected.skipped, "{}", when);
        let stood =
            |stage: &&String| !expected.ran.contains(*stage) && !expected.skipped.contains(*stage);
        let others: BTreeSet<String> = among.iter().filter(stood).cloned().collect();
        prop_assert_eq!(&run.cached, &others, "{}", when);
        prop_assert_eq!(run.about, among.len(), "{}", when);
        it_came_true(&run).map_err(|error| error_in(&error, &when))?;
        let came = only_what_ran_is_new(before, lock_text(directory), &run, &stages)
            .and_then(|()| world.came(&run));
        came.map_err(|error| error_in(&error, &when))?;
        world.remember_the_lock();
        let_time_pass(directory);
    }
    Ok(())
}

fn error_in(error: &TestCaseError, when: &str) -> TestCaseError {
    TestCaseError::fail(format!("{error}\n{when}"))
}

/// Writes the playbook, if it does not say that already.
fn write_playbook(directory: &Path, text: &str) {
    let path = directory.join("playbook.yaml");
    if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return;
    }
    put(&path, text);
}

/// Follows a history in a directory of its own.
fn in_a_directory(
    go: impl FnOnce(&Path) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("root");
    std::fs::create_dir(&directory).unwrap();
    go(&directory)
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
    stages: &[String],
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
    for name in stages {
        let former = before.iter().find(|(stage, _)| stage.as_str() == name);
        let entry = after
            .stages
            .iter()
            .find(|(stage, _)| stage.as_str() == name);
        let ran = run.ran.contains(name);
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
            // Unless something it needs fails.
            Fate::Miss(_) | Fate::Maybe(_) if run.skipped.contains(stage) => {}
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

/// Tries so many random histories, if no other number was asked for.
fn try_all<H: Debug>(
    ordinarily: u32,
    histories: &impl Strategy<Value = H>,
    check: impl Fn(H) -> Result<(), TestCaseError>,
) {
    let cases = std::env::var("PLAYBOOK_ORACLE_CASES").ok();
    let config = Config {
        cases: cases
            .and_then(|text| text.parse().ok())
            .unwrap_or(ordinarily),
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config).run(histories, check).unwrap();
}

/// Tries random histories, with each way to run turned into another one.
fn try_histories(turn: impl Fn(Way) -> Way) -> Tally {
    let tally = Tally::default();
    try_all(150, &any_history(), |(stages, mut steps)| {
        for (_, way) in &mut steps {
            *way = turn(*way);
        }
        in_a_directory(|directory| {
            let mut world = World::new(directory, stages);
            follow(directory, &mut world, &steps, &tally)
        })
    });
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
