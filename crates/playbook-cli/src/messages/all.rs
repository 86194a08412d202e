//! Every error in one place, as a person is told it. None can be left out: the enums are read for their variants.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use playbook_exec::{ExecError, OutFault, TooLarge, Unadoptable, Unsupported};
use playbook_hash::disk::DiskError;
use playbook_hash::{HashError, SpecialKind};
use playbook_lock::LockError;
use playbook_lock::journal::RunHeader;
use playbook_types::finding::{Finding, Findings, KeyPath};
use playbook_types::graph::{Cycle, StageId};
use playbook_types::model::params::OverrideError;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::state::{IllegalStep, StageState};
use playbook_types::template::Template;
use rustix::io::Errno;
use uuid::Uuid;

use crate::error::CliError;
use crate::messages::stages::of_stages;

fn refused(errno: Errno) -> io::Error {
    errno.into()
}

pub(super) fn file(path: &str) -> PathBuf {
    PathBuf::from(path)
}

pub(super) fn data(path: &str) -> DataPath {
    DataPath::parse(path).unwrap()
}

pub(super) fn disk(op: &'static str, path: &str, errno: Errno) -> DiskError {
    DiskError::new(op, Path::new(path), refused(errno))
}

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn of_lock() -> Vec<LockError> {
    let path = || file("playbook.lock.yaml");
    let mut findings = Findings::default();
    findings.0.push(Finding::error(
        KeyPath::default(),
        "the playbook has no stages",
    ));
    let unknown = |suggestion: Option<&str>| {
        LockError::Override(OverrideError::Unknown {
            key: "lrr".to_owned(),
            suggestion: suggestion.map(str::to_owned),
        })
    };
    vec![
        LockError::Unreadable {
            path: path(),
            source: refused(Errno::ACCESS),
        },
        LockError::Unreadable {
            path: path(),
            source: refused(Errno::MFILE),
        },
        LockError::Conflict {
            path: path(),
            line: 12,
        },
        LockError::Broken {
            path: path(),
            line: 3,
            message: "missing field `status`".to_owned(),
        },
        LockError::Schema {
            path: path(),
            found: "2.0".to_owned(),
        },
        LockError::Unwritable {
            message: "a value cannot be written as YAML".to_owned(),
        },
        LockError::Disk(disk("write", "playbook.lock.yaml", Errno::NOSPC)),
        LockError::Disk(disk("write", "playbook.lock.yaml", Errno::ROFS)),
        LockError::PlaybookUnreadable {
            path: file("gone.yaml"),
            source: refused(Errno::NOENT),
        },
        LockError::PlaybookUnreadable {
            path: file("playbook.yaml"),
            source: refused(Errno::NFILE),
        },
        LockError::PlaybookNotText {
            path: file("playbook.yaml"),
            line: 4,
        },
        LockError::PlaybookName {
            path: file("play.yaml"),
        },
        LockError::Twins {
            first: file("playbook.yaml"),
            second: file("playbook.yml"),
        },
        LockError::Playbook {
            path: file("playbook.yaml"),
            findings,
        },
        LockError::ParamsFileUnreadable {
            path: file("prod.yaml"),
            source: refused(Errno::NOENT),
        },
        LockError::ParamsFileUnreadable {
            path: file("prod.yaml"),
            source: refused(Errno::ISDIR),
        },
        LockError::ParamsFileFormat {
            path: file("prod.ini"),
        },
        unknown(Some("lr")),
        unknown(None),
        LockError::Override(OverrideError::NotAMap {
            key: "lr.max".to_owned(),
            at: "lr".to_owned(),
            kind: "a number",
        }),
        LockError::NoPlaybook {
            start: file("here"),
        },
        LockError::ForeignPlaybook {
            path: file("../playbook.yaml"),
        },
        LockError::RunLock {
            path: file(".playbook/playbook/run.lock"),
            source: refused(Errno::ACCESS),
        },
        LockError::JournalUnreadable {
            path: file(".playbook/playbook/journal"),
            source: refused(Errno::ACCESS),
        },
        LockError::EventsUnreadable {
            path: file("playbook.events.jsonl"),
            source: refused(Errno::ACCESS),
        },
        LockError::JournalFormat {
            path: file(".playbook/playbook/journal"),
            found: 9,
        },
        LockError::Held {
            holder: "pid 71, on host alpha, since 2026-02-16T14:00:00Z".to_owned(),
        },
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a list")]
fn of_exec() -> Vec<ExecError> {
    let stage = || "train".to_owned();
    let template = Template::parse("{{ params.lr").unwrap_err().remove(0);
    let run = RunHeader {
        format: 1,
        run_id: Uuid::nil(),
        since: Timestamp::UNIX_EPOCH,
        pid: 71,
        pid_started: None,
        host: "alpha".to_owned(),
        boot: None,
        pid_namespace: None,
    };
    let selection = |suggestion: Option<&str>| ExecError::Selection {
        selector: "trian".to_owned(),
        what: "no stage has this name and none makes this path".to_owned(),
        suggestion: suggestion.map(str::to_owned),
    };
    vec![
        ExecError::Lock(LockError::NoPlaybook {
            start: file("here"),
        }),
        ExecError::Disk(disk("write", "out/x", Errno::NOSPC)),
        ExecError::Hash(HashError::NotFound { path: file("in") }),
        ExecError::NotSupported {
            features: vec![Unsupported {
                at: KeyPath::default(),
                what: "retry",
            }],
        },
        ExecError::Unadoptable {
            faults: vec![Unadoptable {
                stage: StageName::parse("train").unwrap(),
                what: "out out/model.bin does not exist".to_owned(),
            }],
        },
        ExecError::Template {
            stage: stage(),
            source: template,
        },
        ExecError::Cycle(Cycle(vec![StageId::new(0), StageId::new(1)])),
        selection(Some("train")),
        selection(None),
        ExecError::TooLarge {
            found: vec![TooLarge {
                stage: StageName::parse("train").unwrap(),
                at: KeyPath::TOP
                    .key("stages")
                    .key("train")
                    .key("resources")
                    .key("memory_gb"),
                asked: "128 GB of memory".to_owned(),
                has: "this machine has 16.4 GB".to_owned(),
            }],
        },
        ExecError::SameRealPath {
            first: "out/x".to_owned(),
            second: "link/x".to_owned(),
        },
        ExecError::ForbiddenOut {
            stage: stage(),
            out: "../x".to_owned(),
            what: "holds the playbook",
        },
        ExecError::NotFolded(LockError::Disk(disk(
            "replace",
            "playbook.lock.yaml",
            Errno::NOSPC,
        ))),
        ExecError::OldOuts {
            stage: stage(),
            fault: OutFault::Gone {
                out: data("model.bin"),
            },
        },
        ExecError::DiedElsewhere { run: Box::new(run) },
        ExecError::Orphan {
            pid: 71,
            source: refused(Errno::PERM),
        },
        ExecError::System {
            what: "start a thread for a stage",
            source: refused(Errno::AGAIN),
        },
        ExecError::System {
            what: "watch for signals",
            source: refused(Errno::MFILE),
        },
        ExecError::Internal(IllegalStep {
            from: StageState::Completed,
            to: StageState::Running,
        }),
    ]
}

fn of_hash() -> Vec<HashError> {
    let path = || file("raw/a");
    vec![
        HashError::NotFound { path: path() },
        HashError::DanglingLink {
            path: path(),
            target: file("nowhere"),
        },
        HashError::LinkLoop { path: path() },
        HashError::IsDirectory { path: path() },
        HashError::NotADirectory { path: path() },
        HashError::Special {
            path: path(),
            kind: SpecialKind::Fifo,
        },
        HashError::KeepsChanging { path: path() },
        HashError::Halted { path: path() },
        HashError::Io {
            action: "read",
            path: path(),
            source: refused(Errno::ACCESS),
        },
        HashError::IgnorePattern {
            path: file(".playbookignore"),
            line: 2,
            problem: "unclosed character class".to_owned(),
        },
    ]
}

fn of_outs() -> Vec<OutFault> {
    let out = || data("out/x");
    vec![
        OutFault::Special { out: out() },
        OutFault::ForeignLink {
            out: out(),
            target: "/data/x".to_owned(),
        },
        OutFault::MountPoint { out: out() },
        OutFault::MountInside {
            out: out(),
            at: file("out/x/mnt"),
        },
        OutFault::Gone { out: out() },
        OutFault::Unreadable {
            out: out(),
            source: refused(Errno::ACCESS),
        },
        OutFault::Disk(disk("rename", "out/x", Errno::NOSPC)),
    ]
}

/// The names of an enum's variants, as its source has them.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let body = source
        .split_once(&format!("pub enum {name} {{\n"))
        .unwrap()
        .1;
    let body = body.split_once("\n}\n").unwrap().0;
    let names = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(char::is_uppercase));
    names
        .map(|line| line.split([' ', '(', ',']).next().unwrap().to_owned())
        .collect()
}

fn assert_complete(samples: &[impl Debug], source: &str, name: &str) {
    let word = |sample: String| sample.split([' ', '(']).next().unwrap().to_owned();
    let sampled: BTreeSet<String> = samples
        .iter()
        .map(|sample| word(format!("{sample:?}")))
        .collect();
    assert_eq!(sampled, variants(source, name), "{name}");
}

fn shown(errors: Vec<impl Into<CliError>>) -> String {
    let texts = errors.into_iter().map(|error| {
        let error: CliError = error.into();
        format!("[exit {}]\n{}\n", error.outcome().code(), error.render())
    });
    anstream::adapter::strip_str(&texts.collect::<String>()).to_string()
}

#[test]
fn every_error_says_what_where_and_what_next() {
    let (lock, exec, hash, outs, stages) =
        (of_lock(), of_exec(), of_hash(), of_outs(), of_stages());
    assert_complete(
        &lock,
        include_str!("../../../playbook-lock/src/error.rs"),
        "LockError",
    );
    assert_complete(
        &exec,
        include_str!("../../../playbook-exec/src/error.rs"),
        "ExecError",
    );
    assert_complete(
        &hash,
        include_str!("../../../playbook-hash/src/error.rs"),
        "HashError",
    );
    assert_complete(
        &outs,
        include_str!("../../../playbook-exec/src/outputs/fault.rs"),
        "OutFault",
    );
    assert_complete(
        &stages,
        include_str!("../../../playbook-exec/src/stage/cause.rs"),
        "FailureCause",
    );
    let outs = outs
        .iter()
        .map(|fault| format!("stage 'train' failed: {fault}\n"));
    let stages = stages
        .iter()
        .map(|cause| format!("stage 'train' failed: {cause}\n"));
    let all = [
        "# The lock, the playbook, the run lock, the journal\n\n".to_owned(),
        shown(lock),
        "# Planning and running\n\n".to_owned(),
        shown(exec),
        "# Data\n\n".to_owned(),
        shown(hash),
        "# A stage that fails\n\n".to_owned(),
        stages.collect(),
        outs.collect(),
    ];
    insta::assert_snapshot!(all.concat());
}
