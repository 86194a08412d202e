//! Every reason: its sentence and its JSON, pinned.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use playbook_types::digest::Digest;
use playbook_types::model::fanout::{Split, Strategy};
use playbook_types::model::shell::ShellMode;
use playbook_types::name::{EnvName, ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::reason::{
    AlwaysCause, EnvChanges, FileCounts, InvalidationReason, ParamChange,
};
use playbook_types::value::ParamValue;

fn path(text: &str) -> DataPath {
    DataPath::parse(text).unwrap()
}

fn variable(name: &str) -> EnvName {
    EnvName::parse(name).unwrap()
}

fn change(param: &str, old: Option<ParamValue>, new: Option<ParamValue>) -> ParamChange {
    ParamChange {
        param: ParamKey::parse(param).unwrap(),
        old,
        new,
    }
}

/// At least one of each variant.
#[expect(clippy::too_many_lines, reason = "a list, one entry per variant")]
fn samples() -> Vec<InvalidationReason> {
    let (old, new) = (
        Digest::from_bytes([0xaa; 32]),
        Digest::from_bytes([0xbb; 32]),
    );
    let text = |text: &str| Some(ParamValue::Str(text.to_owned()));
    let samples = vec![
        InvalidationReason::Forced,
        InvalidationReason::UpstreamRerun {
            stage: StageName::parse("download").unwrap(),
        },
        InvalidationReason::NoLockFile,
        InvalidationReason::StageNotInLock,
        InvalidationReason::PreviousRunIncomplete {
            status: "failed".to_owned(),
        },
        InvalidationReason::DepMoved {
            path: path("raw/x.wav"),
        },
        InvalidationReason::AlwaysRuns { cause: None },
        InvalidationReason::AlwaysRuns {
            cause: Some(AlwaysCause::NotDeterministic),
        },
        InvalidationReason::AlwaysRuns {
            cause: Some(AlwaysCause::NothingToDecideBy),
        },
        InvalidationReason::AlwaysRuns {
            cause: Some(AlwaysCause::ComplianceCheck),
        },
        InvalidationReason::AlwaysRuns {
            cause: Some(AlwaysCause::NothingRecorded),
        },
        InvalidationReason::CmdChanged {
            old: Some(old),
            new,
        },
        InvalidationReason::DepChanged {
            path: path("raw/x.wav"),
            old: Some(old),
            new,
            files: None,
            directory: false,
        },
        InvalidationReason::DepChanged {
            path: path("raw/x.wav"),
            old: None,
            new,
            files: None,
            directory: false,
        },
        InvalidationReason::DepChanged {
            path: path("raw"),
            old: Some(old),
            new,
            files: Some(FileCounts {
                added: 1,
                removed: 0,
                changed: 2,
            }),
            directory: true,
        },
        InvalidationReason::DepAdded {
            path: path("raw/y.wav"),
        },
        InvalidationReason::DepRemoved {
            path: path("raw/z.wav"),
        },
        InvalidationReason::ParamsChanged {
            changes: vec![change("model", text("tiny"), text("base"))],
        },
        InvalidationReason::ParamsChanged {
            changes: vec![
                change("a", Some(ParamValue::Int(1)), Some(ParamValue::Float(1.0))),
                change("b", text("1"), None),
                change(
                    "c.d",
                    None,
                    Some(ParamValue::List(vec![
                        ParamValue::Null,
                        ParamValue::Bool(true),
                    ])),
                ),
            ],
        },
        InvalidationReason::EnvChanged { variables: None },
        InvalidationReason::EnvChanged {
            variables: Some(EnvChanges {
                added: vec![variable("LANG"), variable("TZ")],
                removed: vec![variable("OLD")],
                changed: vec![variable("MODE")],
            }),
        },
        InvalidationReason::ShellChanged {
            old: ShellMode::Sh,
            new: ShellMode::Bash,
        },
        InvalidationReason::WdirChanged {
            old: None,
            new: Some(path("src")),
        },
        InvalidationReason::OutsChanged {
            added: vec![path("new")],
            removed: vec![path("old")],
        },
        InvalidationReason::SplitChanged {
            old: Some(Split {
                strategy: Strategy::PerFile,
                glob: Some("*.wav".to_owned()),
                ext: None,
            }),
            new: Some(Split {
                strategy: Strategy::Chunked { chunk_size: 10 },
                glob: Some("**/*.wav".to_owned()),
                ext: Some("txt".to_owned()),
            }),
        },
        InvalidationReason::SplitChanged {
            old: None,
            new: Some(Split {
                strategy: Strategy::PerFile,
                glob: None,
                ext: None,
            }),
        },
        InvalidationReason::CacheKeyMismatch { old, new },
        InvalidationReason::OutputMissing {
            path: path("out/x.json"),
        },
        InvalidationReason::OutputModified {
            path: path("out/x.json"),
            old: Some(old),
            new,
            files: None,
            directory: false,
        },
        InvalidationReason::OutputModified {
            path: path("out/x.json"),
            old: Some(old),
            new,
            files: Some(FileCounts {
                added: 0,
                removed: 1,
                changed: 2,
            }),
            directory: true,
        },
    ];
    for sample in &samples {
        assert!(
            serde_json::to_string(sample)
                .unwrap()
                .contains(&format!("\"kind\":\"{}\"", sample.code()))
        );
    }
    samples
}

#[test]
fn sentences() {
    let lines: Vec<String> = samples()
        .iter()
        .map(|reason| format!("{:<24} {reason}", reason.code()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn json_and_back() {
    let lines: Vec<String> = samples()
        .iter()
        .map(|reason| serde_json::to_string(reason).unwrap())
        .collect();
    for (line, reason) in lines.iter().zip(samples()) {
        assert_eq!(
            serde_json::from_str::<InvalidationReason>(line).unwrap(),
            reason
        );
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_reason_and_each_of_its_fields_is_documented() {
    let docs = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md"));
    for reason in samples() {
        let kind = format!("`{}`", reason.code());
        let of = |row: &&str| {
            row.split('|')
                .nth(1)
                .is_some_and(|cell| cell.contains(&kind))
        };
        let row = docs.lines().find(of).unwrap_or_default();
        assert!(
            !row.is_empty(),
            "docs/events.md has no row for the reason {kind}"
        );
        let serde_json::Value::Object(fields) = serde_json::to_value(&reason).unwrap() else {
            panic!("a reason is an object");
        };
        for field in fields.keys().filter(|field| *field != "kind") {
            assert!(
                row.contains(&format!("`{field}`")),
                "{field} is missing in: {row}"
            );
        }
    }
}
