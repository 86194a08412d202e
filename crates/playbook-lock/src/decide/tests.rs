//! The rules, one by one and in their order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use playbook_hash::{DataDigest, Fingerprint, digest_command};
use playbook_types::digest::Digest;
use playbook_types::model::policy::Validation;
use playbook_types::model::shell::ShellMode;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::decision::CacheDecision;
use playbook_types::record::lock::{AfterEntry, DataEntry, EntryStatus, StageEntry};
use playbook_types::record::reason::AlwaysCause;
use playbook_types::value::ParamValue;

use super::{LockState, OutputState, Query, Standing, check_cache};
use crate::entry::{Ran, completed};

fn path(text: &str) -> DataPath {
    DataPath::parse(text).unwrap()
}

fn name(text: &str) -> StageName {
    StageName::parse(text).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn fingerprint() -> Fingerprint {
    let dep = DataDigest {
        path: path("in"),
        digest: digest_command("in"),
        file_count: 1,
        total_bytes: 2,
    };
    Fingerprint {
        shell: ShellMode::Sh,
        command: digest_command("cp in x --model tiny"),
        is_list: false,
        deps: vec![dep],
        params: BTreeMap::from([(
            ParamKey::parse("model").unwrap(),
            ParamValue::Str("tiny".to_owned()),
        )]),
        env: None,
        wdir: None,
        outs: vec![path("x"), path("y")],
        split: None,
    }
}

fn out(text: &str) -> DataEntry {
    let digest = digest_command(text);
    DataEntry::from(&DataDigest {
        path: path(text),
        digest,
        file_count: 1,
        total_bytes: 1,
    })
}

fn entry() -> StageEntry {
    let ran = Ran {
        started_at: at(10),
        completed_at: at(20),
        duration_seconds: 1.0,
        target: None,
        after: Vec::new(),
        retries: 0,
    };
    completed(&fingerprint(), vec![out("x"), out("y")], ran)
}

fn made() -> Vec<OutputState> {
    ["x", "y"]
        .iter()
        .map(|text| OutputState::Digest(digest_command(text)))
        .collect()
}

/// A case: everything is as recorded but for one edit.
struct Case {
    entry: StageEntry,
    fingerprint: Fingerprint,
    outputs: Vec<OutputState>,
    validation: Validation,
    recorded_command: Option<Digest>,
}

impl Case {
    fn new() -> Self {
        let (entry, fingerprint) = (entry(), fingerprint());
        Self {
            entry,
            fingerprint,
            outputs: made(),
            validation: Validation::Checksum,
            recorded_command: None,
        }
    }

    /// The reasons, or `hit`.
    fn says<'a>(&'a self, edit: impl FnOnce(&mut Standing<'a>)) -> String {
        let mut standing = Standing {
            forced: false,
            frozen: false,
            always_runs: None,
            forced_upstream: Vec::new(),
            after: Vec::new(),
            lock: LockState::Entry(&self.entry),
        };
        edit(&mut standing);
        let query = Query {
            standing: &standing,
            fingerprint: &self.fingerprint,
            recorded_command: &|_| self.recorded_command,
            outputs: &self.outputs,
            validation: self.validation,
        };
        match check_cache(&query) {
            CacheDecision::Hit => "hit".to_owned(),
            CacheDecision::Miss(reasons) => reasons.sentence(),
        }
    }
}

fn says(edit: impl FnOnce(&mut Case)) -> String {
    let mut case = Case::new();
    edit(&mut case);
    case.says(|_| {})
}

#[test]
fn everything_as_recorded_is_a_hit() {
    assert_eq!(says(|_| {}), "hit");
}

#[test]
fn rules_before_the_comparison() {
    let case = Case::new();
    assert_eq!(
        case.says(|it| (it.forced, it.frozen) = (true, true)),
        "forced (--force)"
    );
    assert_eq!(
        case.says(|it| (it.frozen, it.lock) = (true, LockState::NoLock)),
        "hit"
    );
    assert_eq!(
        case.says(|it| it.lock = LockState::NoLock),
        "no lock file found (first run)"
    );
    assert_eq!(
        case.says(|it| it.lock = LockState::NotInLock),
        "not in the lock file (new stage)"
    );
    assert_eq!(
        case.says(|it| it.always_runs = Some(AlwaysCause::NotDeterministic)),
        "always runs (deterministic: false)"
    );
    let failed = says(|it| it.entry.status = EntryStatus::Failed);
    assert_eq!(failed, "previous run did not complete (failed)");
    assert_eq!(
        says(|it| it.entry.status = EntryStatus::Running),
        "previous run did not complete (interrupted)"
    );
    assert_eq!(
        says(|it| it.entry.cache_key = None),
        "not in the lock file (new stage)"
    );
    let moved = says(|it| (it.entry.cache_key, it.entry.moved) = (None, vec![path("in")]));
    assert_eq!(
        moved,
        "in changed while the stage last ran (if its own command writes in, that is so each time)"
    );
}

#[test]
fn stages_it_is_ordered_after() {
    let (a, b) = (name("a"), name("b"));
    let mut case = Case::new();
    case.entry.after = vec![AfterEntry {
        stage: a.clone(),
        completed_at: Some(at(5)),
    }];
    assert_eq!(case.says(|it| it.after = vec![(&a, Some(at(5)))]), "hit");
    let ran = "'a' has run since this stage last did (after)";
    assert_eq!(case.says(|it| it.after = vec![(&a, Some(at(6)))]), ran);
    assert_eq!(
        case.says(|it| it.after = vec![(&a, Some(at(4)))]),
        ran,
        "a clock that was set back"
    );
    assert_eq!(
        case.says(|it| it.after = vec![(&a, None)]),
        "hit",
        "it never ran"
    );
    // Newly ordered after b: only a run of b that ended since this stage began counts.
    assert_eq!(case.says(|it| it.after = vec![(&b, Some(at(9)))]), "hit");
    assert_eq!(
        case.says(|it| it.after = vec![(&b, Some(at(11)))]),
        "'b' has run since this stage last did (after)"
    );
    assert_eq!(case.says(|it| it.forced_upstream = vec![&a]), ran);
}

#[test]
fn a_changed_param_reads_as_just_that() {
    let change = |it: &mut Case| {
        it.fingerprint.params.insert(
            ParamKey::parse("model").unwrap(),
            ParamValue::Str("base".to_owned()),
        );
        it.fingerprint.command = digest_command("cp in x --model base");
    };
    // With the recorded params put in, today's command is the recorded one.
    let only_param = says(|it| {
        change(it);
        it.recorded_command = it.entry.cmd_hash;
    });
    assert_eq!(only_param, "param model: tiny → base");
    let both = says(|it| {
        change(it);
        it.recorded_command = Some(digest_command("cp -v in x --model tiny"));
    });
    assert_eq!(both, "command changed; param model: tiny → base");
}

#[test]
fn every_difference_is_named() {
    let all = says(|it| {
        it.fingerprint.command = digest_command("other");
        it.fingerprint.deps[0].digest = digest_command("changed");
        it.fingerprint.shell = ShellMode::Bash;
        it.fingerprint.outs = vec![path("x"), path("z")];
        it.fingerprint.env = Some(digest_command("env"));
        it.fingerprint.wdir = Some(path("sub"));
    });
    assert_eq!(
        all,
        "command changed; in changed; declared environment changed (which variables is not known); shell: sh → bash; wdir: . → sub; outs changed (+z, -y)"
    );
    let foreign = says(|it| it.entry.cache_key = Some(digest_command("another program's key")));
    assert!(
        foreign.starts_with("the lock has another cache_key for it, "),
        "{foreign}"
    );
}

#[test]
fn outputs() {
    assert_eq!(
        says(|it| it.outputs[0] = OutputState::Missing),
        "x is missing"
    );
    assert_eq!(
        says(|it| it.outputs = vec![
            OutputState::Digest(digest_command("edited")),
            OutputState::Missing
        ]),
        "x was modified since it was made; y is missing"
    );
    assert_eq!(says(|it| it.outputs.clear()), "x is missing; y is missing");
    let lax = says(|it| {
        it.validation = Validation::None;
        it.outputs[0] = OutputState::Digest(digest_command("edited"));
        it.outputs[1] = OutputState::Present;
    });
    assert_eq!(lax, "hit");
    assert_eq!(
        says(|it| it.entry.outs[0].hash = None),
        "x was modified since it was made"
    );
}
