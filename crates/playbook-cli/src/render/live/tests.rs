//! How the area looks at all sizes, and how long it says the rest takes.

use std::path::PathBuf;
use std::time::Duration;

use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::EventKind;
use unicode_width::UnicodeWidthStr as _;

use crate::render::live::frame::{Moment, frame};
use crate::render::live::state::{RunningStage, State};
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
    state
}

fn shown(state: &State, columns: usize, rows: usize) -> String {
    let seconds = 75;
    let last_line = |stage: &RunningStage| {
        let long = "epoch 12/40 loss 0.125 with a line that is longer than most terminals are wide, and then some more";
        Some(format!("{}\t{long}", stage.log.display())).filter(|_| stage.usual.is_some())
    };
    let now = Duration::from_secs(seconds);
    let moment = Moment {
        now,
        eta: state.eta(now),
        hashed: None,
        last_line: &last_line,
    };
    let lines = frame(state, &moment, Size { columns, rows });
    let lines = lines.into_iter().map(|(text, width)| {
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain.width(), width, "{plain}");
        assert!(width < columns.max(1), "{plain}");
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
            assert!(
                lines <= (rows / 2).max(2),
                "{columns}×{rows}: {lines} lines"
            );
        }
    }
}

#[test]
fn with_few_rows_the_rest_is_counted() {
    insta::assert_snapshot!(shown(&state(), 80, 6));
}

#[test]
fn long_hashing_is_told() {
    let state = State::of(&[("a", &[], None)], 1);
    let moment = Moment {
        now: Duration::from_secs(3),
        eta: None,
        hashed: Some(3_435_973_836),
        last_line: &|_| None,
    };
    let lines = frame(
        &state,
        &moment,
        Size {
            columns: 80,
            rows: 24,
        },
    );
    let [(text, _)] = &lines[..] else {
        unreachable!("one line")
    };
    let plain = anstream::adapter::strip_str(text).to_string();
    assert_eq!(plain, "────────────────────  0/1 · hashing, 3.2 GiB read");
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
        Some((6.0, false)),
        "one that takes longer than it did is about to end"
    );
    hear(&mut state, 10, &cached("a"));
    hear(&mut state, 10, &cached("b"));
    assert_eq!(eta(&state, 10), Some((6.0, false)));
    let unknown: [Stage<'_>; 2] = [("a", &[], Some(10.0)), ("b", &[], None)];
    assert_eq!(eta(&State::of(&unknown, 1), 0), Some((10.0, true)));
    assert_eq!(eta(&State::of(&[("a", &[], None)], 1), 0), None);
}
