//! How the area looks at all sizes, and how long it says the rest takes.

use std::path::PathBuf;
use std::time::Duration;

use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::EventKind;
use unicode_width::UnicodeWidthStr as _;

use crate::render::live::frame::{Moment, frame};
use crate::render::live::state::{Course, Hashing, State};
use crate::term::Size;

/// A stage: its name, what it needs, how long it took.
type Stage<'s> = (&'s str, &'s [usize], Option<f64>);

fn stage(name: &str) -> StageName {
    StageName::parse(name).unwrap()
}

fn started(name: &str, attempt: u32) -> EventKind {
    EventKind::StageStarted {
        stage: stage(name),
        target: "local".to_owned(),
        attempt,
        cache_key: None,
        command: String::new(),
        reasons: Vec::new(),
        cache_miss_reason: String::new(),
    }
}

fn cached(name: &str) -> EventKind {
    EventKind::StageCached {
        stage: stage(name),
        cache_key: None,
        reason: HitKind::Hit,
    }
}

fn retry(name: &str) -> EventKind {
    EventKind::StageRetry {
        stage: stage(name),
        attempt: 2,
        backoff_seconds: 30.0,
        error: String::new(),
        log: None,
        usage: None,
    }
}

fn failed(name: &str) -> EventKind {
    EventKind::StageFailed {
        stage: stage(name),
        exit_code: Some(1),
        signal: None,
        error: String::new(),
        attempt: 1,
        log: None,
        restored: Vec::new(),
        kept: Vec::new(),
        jobs: None,
        job: None,
        usage: None,
    }
}

fn hear(state: &mut State, seconds: u64, event: &EventKind) {
    state.hear(event, Duration::from_secs(seconds), |stage, _| {
        PathBuf::from(stage.as_str())
    });
}

/// One stage is done, two run, one waits, two are to come.
fn state() -> State {
    let stages: [Stage<'_>; 3] = [
        ("fetch", &[], Some(4.0)),
        ("index", &[0], Some(100.0)),
        (
            "train@large-model_with-a_long.name-that-goes-on",
            &[0],
            None,
        ),
    ];
    let mut state = State::of(&stages, 2);
    state.total = 6;
    hear(&mut state, 1, &cached("fetch"));
    hear(&mut state, 2, &started("index", 1));
    hear(
        &mut state,
        65,
        &started("train@large-model_with-a_long.name-that-goes-on", 1),
    );
    hear(&mut state, 66, &started("flaky", 1));
    hear(&mut state, 70, &retry("flaky"));
    let long = "epoch 12/40 loss 0.125 with a line that is longer than most terminals are wide, and then some more";
    if let Some(running) = state.running.get_mut("index") {
        long.clone_into(&mut running.last);
    }
    state
}

/// The area 75 seconds into the run. No line is as wide as the terminal, and with the empty line above them there are never
/// more than it has rows.
fn shown(state: &State, columns: usize, rows: usize) -> String {
    let now = Duration::from_secs(75);
    let eta = state.eta(now);
    let lines = frame(state, Moment { now, eta }, Size { columns, rows });
    assert!(lines.len() < rows.max(2), "{columns}×{rows}: {lines:?}");
    let lines = lines.into_iter().map(|text| {
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.width() < columns.max(1), "{plain}");
        plain
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_area_at_80_and_200_columns() {
    insta::assert_snapshot!(shown(&state(), 80, 24));
    insta::assert_snapshot!(shown(&state(), 200, 50));
}

#[test]
fn narrow_terminals_show_what_fits() {
    insta::assert_snapshot!(shown(&state(), 40, 24));
    insta::assert_snapshot!(shown(&state(), 20, 24));
}

#[test]
fn no_size_is_too_small() {
    for columns in 1..=120 {
        for rows in 0..=40 {
            let lines = shown(&state(), columns, rows).lines().count();
            assert!(lines <= (rows / 2).max(4), "{columns}×{rows}: {lines}");
        }
    }
}

/// Nine stages run.
fn many() -> State {
    let names: Vec<String> = (1..10).map(|n| format!("stage{n}")).collect();
    let stages: Vec<Stage<'_>> = names
        .iter()
        .map(|name| (name.as_str(), &[][..], None))
        .collect();
    let mut state = State::of(&stages, 9);
    for name in &names {
        hear(&mut state, 70, &started(name, 1));
    }
    state
}

#[test]
fn with_few_rows_the_rest_is_counted() {
    insta::assert_snapshot!(shown(&many(), 40, 5));
    insta::assert_snapshot!(shown(&many(), 40, 3));
    insta::assert_snapshot!(shown(&many(), 40, 2));
    assert_eq!(shown(&many(), 40, 50).lines().count(), 10);
}

#[test]
fn a_figure_is_shown_whole_or_not_at_all() {
    for columns in 20..=200 {
        let shown = shown(&state(), columns, 24);
        let count = |text: &str| shown.matches(text).count();
        assert!(count("1 min 13 s") == 1 && count("1/6") == 1, "{shown}");
        assert_eq!(count("of a"), count("of about 1 min 40 s"), "{shown}");
        assert_eq!(count("at l"), count("at least 27 s left"), "{shown}");
        assert_eq!(count("unt"), count("25 s until try 2"), "{shown}");
    }
}

#[test]
fn long_hashing_is_told() {
    let mut state = many();
    let hashing = |path: &str, size, others| Hashing {
        path: path.to_owned(),
        size,
        others,
        read: 3_435_973_836,
        is_long: true,
    };
    state.hashing = Some(hashing("raw/", Some(10 << 30), 0));
    insta::assert_snapshot!(shown(&state, 80, 6));
    state.hashing = Some(hashing(
        "a/directory/far/below/with/parts.parquet/",
        None,
        2,
    ));
    insta::assert_snapshot!(shown(&state, 40, 6));
    if let Some(hashing) = &mut state.hashing {
        hashing.is_long = false;
    }
    assert!(!shown(&state, 80, 24).contains("hash"));
}

#[test]
fn where_the_run_is_heading_is_told() {
    let mut state = state();
    hear(&mut state, 75, &failed("index"));
    insta::assert_snapshot!(shown(&state, 80, 24));
    state.course = Course::Asked;
    insta::assert_snapshot!(shown(&state, 80, 24));
    insta::assert_snapshot!(shown(&state, 40, 24));
}

#[test]
fn what_is_left_takes_its_needs_and_the_cores_into_account() {
    let eta = |state: &State, now: u64| {
        let eta = state.eta(Duration::from_secs(now));
        eta.map(|eta| (eta.seconds, eta.at_least))
    };
    let stages: [Stage<'_>; 4] = [
        ("a", &[], Some(10.0)),
        ("b", &[], Some(10.0)),
        ("c", &[0], Some(5.0)),
        ("d", &[1, 2], Some(1.0)),
    ];
    assert_eq!(eta(&State::of(&stages, 1), 0), Some((26.0, false)));
    assert_eq!(eta(&State::of(&stages, 2), 0), Some((16.0, false)));
    let mut state = State::of(&stages, 2);
    hear(&mut state, 0, &started("a", 1));
    hear(&mut state, 0, &started("b", 1));
    assert_eq!(eta(&state, 4), Some((12.0, false)));
    assert_eq!(
        eta(&state, 400),
        Some((6.0, true)),
        "nobody knows how much longer one takes that takes longer than it did"
    );
    hear(&mut state, 10, &cached("a"));
    hear(&mut state, 10, &cached("b"));
    assert_eq!(eta(&state, 10), Some((6.0, false)));
    hear(&mut state, 10, &started("c", 1));
    hear(&mut state, 11, &failed("c"));
    assert_eq!(eta(&state, 11), None, "what will not start takes no time");
    let unknown: [Stage<'_>; 2] = [("a", &[], Some(10.0)), ("b", &[], None)];
    assert_eq!(eta(&State::of(&unknown, 1), 0), Some((10.0, true)));
    assert_eq!(eta(&State::of(&[("a", &[], None)], 1), 0), None);
}
