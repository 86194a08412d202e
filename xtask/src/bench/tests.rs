//! What is measured must have happened: tools that do too little or too much have no figures.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum as _;

use super::files::Aside;
use super::measure::Stopwatch;
use super::rivals::Runner;
use super::{Bench, Part, page_with, stages};

const EVERYTHING: &[&str] = &[
    "sh",
    "-c",
    "for s in src/*; do cksum $s > out/${s#src/}; done",
];
const MISSING: &[&str] = &[
    "sh",
    "-c",
    "for s in src/*; do o=out/${s#src/}; test -e $o || cksum $s > $o; done",
];
const NEWER: &[&str] = &[
    "sh",
    "-c",
    "for s in src/*; do o=out/${s#src/}; test -e $o -a ! $s -nt $o || cksum $s > $o; done",
];
const NOTHING: &[&str] = &["true"];
const OTHERS: &[&str] = &["sh", "-c", "for s in src/*; do wc $s > out/${s#src/}; done"];

/// With tools that are scripts.
fn bench(dir: &Path, scripts: &[&'static [&'static str]]) -> Bench {
    let missing = || Err("not here".to_owned());
    Bench {
        dir: dir.to_owned(),
        aside: Aside::new(dir.join("aside")).unwrap(),
        runners: scripts
            .iter()
            .map(|script| Runner::script(script))
            .collect(),
        b3sum: missing(),
        git: missing(),
        valgrind: missing(),
        parallel: missing(),
        jobs: 1,
        threads: 1,
        runs: Some(2),
        with_slow: false,
        settle: "0.1",
        stopwatch: Stopwatch {
            time: None,
            scratch: dir.to_owned(),
            runs: 1,
            share: Duration::MAX,
        },
    }
}

type Measure = fn(&Bench, usize) -> anyhow::Result<super::Table>;

/// How measuring these tools ends: with how many figures of each, or with what is wrong.
fn outcome(measure: Measure, scripts: &[&'static [&'static str]]) -> Result<Vec<usize>, String> {
    let folder = tempfile::tempdir().unwrap();
    let measured = measure(&bench(folder.path(), scripts), 3);
    let table = measured.map_err(|error| format!("{error:#}"))?;
    Ok(table.rows.iter().map(|row| row.seconds.len()).collect())
}

fn refused(measure: Measure, scripts: &[&'static [&'static str]], why: &str) {
    let error = outcome(measure, scripts).unwrap_err();
    assert!(error.contains(why), "{error}");
}

#[test]
fn who_does_what_is_asked_for_is_measured() {
    assert_eq!(outcome(stages::cold, &[EVERYTHING, NEWER]), Ok(vec![2, 2]));
    assert_eq!(outcome(stages::noop, &[MISSING, NEWER]), Ok(vec![2, 2]));
    assert_eq!(outcome(stages::change, &[NEWER]), Ok(vec![2]));
}

#[test]
fn who_makes_nothing_is_refused() {
    refused(stages::cold, &[NOTHING], "out/0001.txt was not made");
    refused(stages::noop, &[NOTHING], "out/0001.txt was not made");
}

#[test]
fn who_makes_something_else_than_the_others_is_refused() {
    let why = "its outputs are not those of the other tools";
    refused(stages::cold, &[EVERYTHING, OTHERS], why);
    refused(stages::noop, &[MISSING, OTHERS], why);
}

#[test]
fn who_runs_stages_when_nothing_has_changed_is_refused() {
    refused(stages::noop, &[EVERYTHING], "although nothing had changed");
}

#[test]
fn who_misses_a_change_or_runs_more_than_it_asks_for_is_refused() {
    refused(
        stages::change,
        &[MISSING],
        "0 stages ran, not the last one alone",
    );
    refused(
        stages::change,
        &[EVERYTHING],
        "3 stages ran, not the last one alone",
    );
}

#[test]
fn the_page_has_a_block_for_every_part() {
    let parts = Part::value_variants().iter().map(|part| part.name());
    let blocks: Vec<(&str, String)> = parts
        .chain(["machine", "summary"])
        .map(|name| (name, String::new()))
        .collect();
    page_with(&blocks).unwrap();
}

#[test]
fn parts_go_by_one_name() {
    for part in Part::value_variants() {
        let word = part.to_possible_value().unwrap();
        assert_eq!(word.get_name(), part.name());
    }
}
