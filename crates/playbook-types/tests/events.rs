//! Every event and every reason, with each of their fields, is in `docs/events.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use indexmap::IndexMap;
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{EventKind, FailedJob, KeptFile, MadeOut, RunTotals};
use playbook_types::record::usage::Usage;
use serde_json::Value;

const DOCS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md"));

/// One of each, with everything in it that there can be.
#[expect(clippy::too_many_lines, reason = "a list, one entry per variant")]
fn samples() -> Vec<EventKind> {
    let stage = || StageName::parse("a").unwrap();
    let path = || DataPath::parse("x").unwrap();
    let kept = || KeptFile {
        path: path(),
        kept: "there".to_owned(),
    };
    let samples = vec![
        EventKind::RunStarted {
            playbook: String::new(),
            generator: String::new(),
            stages: 1,
            params: IndexMap::new(),
        },
        EventKind::StageCached {
            stage: stage(),
            cache_key: None,
            reason: HitKind::Frozen,
        },
        EventKind::StageStarted {
            stage: stage(),
            target: String::new(),
            attempt: 1,
            cache_key: None,
            command: String::new(),
            reasons: Vec::new(),
            cache_miss_reason: String::new(),
        },
        EventKind::StageRetry {
            stage: stage(),
            attempt: 2,
            backoff_seconds: 1.0,
            error: String::new(),
            log: Some(String::new()),
            usage: Some(Usage {
                max_rss_bytes: Some(1),
                ..Usage::default()
            }),
        },
        EventKind::JobRetry {
            stage: stage(),
            job: FailedJob {
                input: String::new(),
                id: String::new(),
                command: String::new(),
                work_dir: Some(String::new()),
            },
            attempt: 2,
            backoff_seconds: 1.0,
            error: String::new(),
        },
        EventKind::StageCompleted {
            stage: stage(),
            duration_seconds: 1.0,
            outs: vec![MadeOut {
                path: path(),
                hash: Digest::from_bytes([7; 32]),
            }],
            changed: true,
            moved: vec![path()],
            kept: vec![kept()],
            jobs: None,
            usage: Some(Usage {
                max_rss_bytes: Some(1),
                ..Usage::default()
            }),
            nondeterministic: vec![path()],
        },
        EventKind::StageFailed {
            stage: stage(),
            exit_code: Some(1),
            signal: Some(9),
            error: String::new(),
            attempt: 1,
            log: Some(String::new()),
            restored: vec![path()],
            kept: vec![kept()],
            jobs: None,
            job: None,
            usage: Some(Usage {
                max_rss_bytes: Some(1),
                ..Usage::default()
            }),
        },
        EventKind::StageSkipped {
            stage: stage(),
            because: stage(),
        },
        EventKind::GatePassed {
            stage: stage(),
            report: None,
        },
        EventKind::GateFailed {
            stage: stage(),
            report: Some(path()),
            missing: vec![path()],
        },
        EventKind::RunCompleted(RunTotals::default()),
        EventKind::RunFailed(RunTotals::default()),
        EventKind::RunInterrupted(RunTotals::default()),
    ];
    // A new event does not compile here before it stands above.
    for sample in &samples {
        match sample {
            EventKind::RunStarted { .. }
            | EventKind::StageCached { .. }
            | EventKind::StageStarted { .. }
            | EventKind::StageRetry { .. }
            | EventKind::JobRetry { .. }
            | EventKind::StageCompleted { .. }
            | EventKind::StageFailed { .. }
            | EventKind::StageSkipped { .. }
            | EventKind::GatePassed { .. }
            | EventKind::GateFailed { .. }
            | EventKind::RunCompleted(_)
            | EventKind::RunFailed(_)
            | EventKind::RunInterrupted(_) => {}
        }
    }
    samples
}

/// The row of the tables that begins with this name.
fn row(name: &str) -> &'static str {
    let quoted = format!("`{name}`");
    let of = |row: &&str| {
        row.split('|')
            .nth(1)
            .is_some_and(|cell| cell.contains(&quoted))
    };
    let row = DOCS.lines().find(of);
    assert!(row.is_some(), "docs/events.md has no row for {quoted}");
    row.unwrap()
}

#[test]
fn every_event_and_each_of_its_fields_is_documented() {
    for sample in samples() {
        let Value::Object(fields) = serde_json::to_value(&sample).unwrap() else {
            panic!("an event is an object");
        };
        let row = row(fields["event"].as_str().unwrap());
        for field in fields.keys().filter(|field| *field != "event") {
            assert!(
                row.contains(&format!("`{field}`")),
                "{field} is missing in: {row}"
            );
        }
    }
}
