//! A fan-out, killed before, in the middle of and after every operation on the disk, and at every point; and every operation
//! failing for want of space. The next run ends as an undisturbed one, and runs no job again that was done.

use std::collections::BTreeMap;

use playbook_hash::disk::faults::Point;

use crate::operations::operations_in;
use crate::rng::Rng;
use crate::run::{Fate, Ran, look, run};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, asked_kills, sample, say};
use crate::watch::{Verdict, ensure};

/// Scenarios in the short version.
const SHORT: usize = 40;
const SHORT_CUTS: usize = 12;

/// Jobs in the run that is killed: one changed, one new, one whose output was edited, one that fails at first.
const TO_RUN: usize = 4;

const PLAYBOOK: &str = r#"version: "1.0"
name: crash
policy: {failure: continue_on_failure}
stages:
  up:
    deps: [in]
    outs: [done]
    parallel: {strategy: per_file, glob: "**/*.txt", ext: out}
    cmd: |
      echo {{input}} >> ../jobs
      if [ {{input}} = in/fails.txt ] && [ ! -e ../ok ]; then : > ../ok; echo half > {{output}}; exit 1; fi
      echo half > {{output}}
      tr a-z A-Z < {{input}} > {{output}}
  all:
    deps: [done]
    outs: [all.txt]
    cmd: cat done/*.out done/sub/*.out > all.txt
"#;

/// What the user wrote by hand among the outputs.
const MINE: [(&str, &str); 2] = [
    ("done/edited.out", "edited by hand"),
    ("done/sub/notes", "my own notes"),
];

/// A sandbox with a past: all was made, and then inputs were changed, removed and added, and outputs edited.
fn with_a_past() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("playbook.yaml", PLAYBOOK.as_bytes());
    for name in ["same", "changed", "edited", "gone", "sub/same", "sub/gone"] {
        sandbox.write(&format!("in/{name}.txt"), name.as_bytes());
    }
    let first = run(&sandbox, &Fate::Undisturbed, &["-j1"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    sandbox.write("in/changed.txt", b"changed since");
    sandbox.write("in/new/new.txt", b"new");
    sandbox.write("in/fails.txt", b"fails");
    for name in ["in/gone.txt", "in/sub/gone.txt"] {
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
    for (path, text) in MINE {
        sandbox.write(path, text.as_bytes());
    }
    std::fs::remove_file(sandbox.beside("jobs")).unwrap();
    sandbox
}

/// One with the same files, also beside the root.
fn copy(past: &Sandbox) -> Sandbox {
    past.copy()
}

/// Whatever happened, after a few runs all is as it should be.
fn ends_well(sandbox: &Sandbox, kills: usize) -> Verdict {
    let mut last: Option<Ran> = None;
    for _ in 0..3 {
        let ran = run(sandbox, &Fate::Undisturbed, &["-j2"]);
        ensure!(
            matches!(ran.code, Some(0 | 1)),
            "an undisturbed run ended with {:?}: {}",
            ran.code,
            ran.stderr
        );
        ensure!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        let done = ran.code == Some(0);
        last = Some(ran);
        if done {
            break;
        }
    }
    let code = last.as_ref().and_then(|ran| ran.code);
    ensure!(code == Some(0), "it never came to its end: {last:?}");
    all_is_made(sandbox)?;
    let jobs = std::fs::read_to_string(sandbox.beside("jobs")).unwrap_or_default();
    let started = jobs.lines().count();
    // The one that fails is tried once more; each kill may cost the job that ran then.
    ensure!(
        started <= TO_RUN + 1 + kills,
        "after {kills} kills {started} jobs had been started:\n{jobs}"
    );
    let again = run(sandbox, &Fate::Undisturbed, &["-j2"]);
    ensure!(
        again.code == Some(0) && again.stages("stage_started").is_empty(),
        "another run is not a no-op: {:?} {}",
        again.stages("stage_started"),
        again.stderr
    );
    Ok(())
}

fn all_is_made(sandbox: &Sandbox) -> Verdict {
    let files = sandbox.files();
    let made: BTreeMap<&str, String> = files
        .iter()
        .filter(|(path, _)| path.starts_with("done/"))
        .map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    let mut expected = BTreeMap::new();
    for (name, text) in [
        ("changed", "CHANGED SINCE"),
        ("edited", "EDITED"),
        ("fails", "FAILS"),
        ("new/new", "NEW"),
        ("same", "SAME"),
        ("sub/same", "SUB/SAME"),
    ] {
        expected.insert(format!("done/{name}.out"), text.to_owned());
    }
    let expected: BTreeMap<&str, String> = expected
        .iter()
        .map(|(path, text)| (path.as_str(), text.clone()))
        .collect();
    ensure!(made == expected, "done holds {made:?}");
    for (_, text) in MINE {
        ensure!(
            files.values().any(|bytes| bytes == text.as_bytes()),
            "lost: {text}"
        );
    }
    let aside = files.keys().find(|path| path.contains(".playbook-aside-"));
    ensure!(aside.is_none(), "still aside: {aside:?}");
    Ok(())
}

fn killed(tally: &mut Tally, past: &Sandbox, faults: &[&str]) -> Result<bool, String> {
    let sandbox = copy(past);
    let mut kills = 0;
    let mut reached = false;
    for fault in faults {
        let fate = Fate::Faults((*fault).to_owned());
        let mut ran = run(&sandbox, &fate, &["-j1"]);
        if ran.code == Some(1) {
            // A job failed, as one does at first, so that this was not the end.
            ran = run(&sandbox, &fate, &["-j1"]);
        }
        reached = ran.killed;
        kills += usize::from(ran.killed);
        tally.kills += usize::from(ran.killed);
        for (_, text) in MINE {
            let there = sandbox
                .files()
                .values()
                .any(|bytes| bytes == text.as_bytes());
            ensure!(there, "lost after {fault}: {text}");
        }
    }
    ends_well(&sandbox, kills).map(|()| reached)
}

fn count(past: &Sandbox, first: Option<&str>) -> usize {
    let sandbox = copy(past);
    if let Some(first) = first {
        run(&sandbox, &Fate::Faults(first.to_owned()), &["-j1"]);
    }
    let trace = sandbox.beside("trace");
    let faults = format!("trace={}", trace.display());
    run(&sandbox, &Fate::Faults(faults), &["-j1"]);
    operations_in(&std::fs::read_to_string(trace).unwrap()).len()
}

#[test]
fn a_fan_out_killed_at_any_operation_goes_on_where_it_was() {
    let mut tally = Tally::new("fan-out operations");
    let past = with_a_past();
    let mut scenarios = Vec::new();
    for first in [
        None,
        Some("kill-at=job-aside:2"),
        Some("kill-at=job-recorded:2"),
    ] {
        let operations = count(&past, first);
        say(&format!(
            "operations of a fan-out after {first:?}: {operations}"
        ));
        for n in 1..=operations {
            scenarios.extend(["kill", "kill-half", "kill-after"].map(|how| (first, how, n)));
        }
    }
    for (first, how, n) in sample(&mut tally.rng(), &scenarios, SHORT) {
        let second = format!("{how}={n}");
        let faults: Vec<&str> = first.into_iter().chain([second.as_str()]).collect();
        let verdict = killed(&mut tally, &past, &faults).map(drop);
        tally.note(&faults.join(", then "), verdict);
    }
    tally.finish();
}

#[test]
fn a_fan_out_killed_at_any_point_goes_on_where_it_was() {
    let mut tally = Tally::new("fan-out points");
    let past = with_a_past();
    let jobs = Point::ALL.into_iter().filter(|point| point.is_of_jobs());
    let others = [
        Point::Started,
        Point::GroupNoted,
        Point::Recorded,
        Point::Folding,
    ];
    for point in jobs.chain(others) {
        for nth in 1..=3 {
            let fault = format!("kill-at={}:{nth}", point.name());
            match killed(&mut tally, &past, &[&fault]) {
                Ok(reached) => tally.note(
                    &format!("{fault} is reached"),
                    if reached || nth > 1 {
                        Ok(())
                    } else {
                        Err("but not once".to_owned())
                    },
                ),
                Err(what) => tally.note(&fault, Err(what)),
            }
            let then = ["kill-at=orphans-ended:1", "kill-at=outs-recovered:1"];
            for second in then {
                let verdict = killed(&mut tally, &past, &[&fault, second]).map(drop);
                tally.note(&format!("{fault}, then {second}"), verdict);
            }
        }
    }
    tally.finish();
}

/// Where its jobs are on record, and the journal of a run.
const RECORD: &str = ".playbook/playbook/fanout/up.jobs";
const JOURNAL: &str = ".playbook/playbook/journal";
/// All of its jobs: what is not on record any more runs again.
const ALL_JOBS: usize = 6;

/// What a power cut leaves of files that nobody synced: a beginning, at times with zeros behind it.
fn cut(sandbox: &Sandbox, rng: &mut Rng, path: &str, at_least: usize) {
    if let Ok(mut left) = std::fs::read(sandbox.path(path)) {
        let zeros = if rng.one_in(2) { rng.below(40) } else { 0 };
        left.truncate(at_least + rng.below(left.len() + 1 - at_least));
        left.resize(left.len() + zeros, 0);
        sandbox.write(path, &left);
    }
}

#[test]
fn what_a_power_cut_leaves_of_a_fan_out_is_put_right() {
    let mut tally = Tally::new("fan-out power cuts");
    let past = with_a_past();
    let operations = count(&past, None);
    for nth in 0..asked_kills().unwrap_or(SHORT_CUTS) {
        let mut rng = tally.nth_rng(nth);
        let sandbox = copy(&past);
        let how = rng.pick(&["kill", "kill-half", "kill-after"]);
        let fault = format!("{how}={}", rng.between(8, operations));
        let ran = run(&sandbox, &Fate::Faults(fault.clone()), &["-j1"]);
        tally.kills += usize::from(ran.killed);
        cut(&sandbox, &mut rng, RECORD, 0);
        if let Some(first) = sandbox.read(JOURNAL).and_then(|text| text.find('\n')) {
            // Without its first record nobody knows whose the old outs are that wait aside.
            cut(&sandbox, &mut rng, JOURNAL, first + 1);
        }
        let made = ["done/changed.out", "done/new/new.out", "done/fails.out"];
        for path in made.iter().filter(|path| sandbox.read(path).is_some()) {
            if rng.one_in(2) {
                sandbox.write(path, b"");
            }
        }
        tally.note(&fault, ends_well(&sandbox, ALL_JOBS));
    }
    tally.finish();
}

#[test]
fn whatever_operation_of_a_fan_out_fails_nothing_is_lost() {
    let mut tally = Tally::new("fan-out faults");
    let past = with_a_past();
    let operations = count(&past, None);
    let mut scenarios = Vec::new();
    for how in ["fail", "fail-from"] {
        for errno in ["ENOSPC", "EIO"] {
            scenarios.extend((1..=operations).map(|n| format!("{how}={n}:{errno}")));
        }
    }
    for fault in sample(&mut tally.rng(), &scenarios, SHORT) {
        let sandbox = copy(&past);
        let ran = run(&sandbox, &Fate::Faults(fault.clone()), &["-j1"]);
        let told = !ran.stderr.contains("panicked");
        let verdict = if told {
            ends_well(&sandbox, TO_RUN)
        } else {
            Err(ran.stderr)
        };
        tally.note(&fault, verdict);
    }
    tally.finish();
}

#[test]
fn what_a_job_used_goes_with_the_next_run_whatever_that_has_to_do() {
    let mut tally = Tally::new("fan-out scratch");
    for point in ["job-noted", "started", "job-made", "job-recorded"] {
        tally.note(point, scratch_goes(point));
    }
    tally.finish();
}

#[test]
fn a_job_that_was_cut_off_is_foretold_even_if_it_made_what_it_should() {
    let past = with_a_past();
    let mut tally = Tally::new("fan-out foretold");
    for nth in 1..=TO_RUN {
        for point in ["job-made", "job-recorded"] {
            let sandbox = copy(&past);
            let fault = format!("kill-at={point}:{nth}");
            let verdict = foretold(&sandbox, &fault);
            tally.note(&fault, verdict);
        }
    }
    tally.finish();
}

fn foretold(sandbox: &Sandbox, fault: &str) -> Verdict {
    run(sandbox, &Fate::Faults(fault.to_owned()), &["-j1"]);
    std::fs::remove_file(sandbox.beside("jobs")).unwrap();
    let status = look(sandbox, &["status", "--json"], None);
    let of_up = status.lines.iter().find(|line| line["stage"] == "up");
    let to_run = of_up.and_then(|line| line["jobs"]["to_run"].as_u64());
    run(sandbox, &Fate::Undisturbed, &["-j1", "-k"]);
    let jobs = std::fs::read_to_string(sandbox.beside("jobs")).unwrap_or_default();
    let ran = jobs.lines().count();
    ensure!(
        to_run == Some(ran as u64),
        "{to_run:?} jobs were to run, and these did:\n{jobs}"
    );
    Ok(())
}

/// The job that a run was killed in is none any more: nothing but a list says that it had a work directory.
fn scratch_goes(point: &str) -> Verdict {
    let sandbox = Sandbox::empty();
    let playbook = r#"version: "1.0"
name: crash
stages:
  up:
    deps: [in]
    outs: [done]
    parallel: {strategy: per_file}
    cmd: |
      cp {{ input }} {{ work_dir }}/copy
      cp {{ work_dir }}/copy {{ output }}
"#;
    sandbox.write("playbook.yaml", playbook.as_bytes());
    sandbox.write("in/a", b"one");
    sandbox.write("in/b", b"two");
    let fate = Fate::Faults(format!("kill-at={point}:1"));
    let killed = run(&sandbox, &fate, &["-j1"]);
    ensure!(killed.killed, "it was not killed: {killed:?}");
    let work = |files: &crate::pipeline::Files| {
        let mut paths = files.keys();
        paths.any(|path| path.starts_with(".playbook/playbook/work/"))
    };
    // A command that was only just started may have come to it or not.
    let used = work(&sandbox.files());
    ensure!(
        used || !["job-made", "job-recorded"].contains(&point),
        "it had no work directory"
    );
    sandbox.write("in/a", b"changed");
    let next = run(&sandbox, &Fate::Undisturbed, &["-j1"]);
    ensure!(
        next.code == Some(0),
        "it ended with {:?}: {}",
        next.code,
        next.stderr
    );
    let files = sandbox.files();
    ensure!(!work(&files), "still there: {:?}", files.keys());
    let lists = files.keys().find(|path| path.ends_with(".scratch"));
    ensure!(lists.is_none(), "still there: {lists:?}");
    Ok(())
}
