//! The key depends on every field, and the comparison finds every difference the key finds.

use super::*;
use crate::command::digest_command;

fn path(text: &str) -> DataPath {
    DataPath::parse(text).unwrap()
}

fn data(name: &str, contents: &str) -> DataDigest {
    DataDigest { path: path(name), digest: digest_command(contents), file_count: 1, total_bytes: 1 }
}

fn sample() -> Fingerprint {
    Fingerprint {
        shell: ShellMode::Sh,
        command: digest_command("echo hello"),
        deps: vec![data("b", "1"), data("a", "2")],
        params: BTreeMap::from([(ParamKey::parse("model").unwrap(), ParamValue::Str("tiny".to_owned()))]),
        env: None,
        wdir: None,
        outs: vec![path("y"), path("x")],
    }
}

/// One change to each part, with the reasons it must give.
fn changes() -> Vec<(&'static str, Fingerprint)> {
    let change = |edit: fn(&mut Fingerprint)| {
        let mut changed = sample();
        edit(&mut changed);
        changed
    };
    vec![
        ("shell_changed", change(|it| it.shell = ShellMode::Bash)),
        ("cmd_changed", change(|it| it.command = digest_command("echo"))),
        ("dep_changed", change(|it| it.deps[0].digest = digest_command("3"))),
        ("dep_added", change(|it| it.deps.push(data("c", "1")))),
        ("dep_removed", change(|it| drop(it.deps.pop()))),
        ("params_changed", change(|it| drop(it.params.insert(ParamKey::parse("k").unwrap(), ParamValue::Null)))),
        ("params_changed", change(|it| it.params.clear())),
        ("env_changed", change(|it| it.env = Some(digest_command("")))),
        ("wdir_changed", change(|it| it.wdir = Some(path("src")))),
        ("outs_changed", change(|it| drop(it.outs.pop()))),
    ]
}

fn entry(fingerprint: &Fingerprint) -> StageEntry {
    StageEntry {
        status: playbook_types::record::lock::EntryStatus::Completed,
        started_at: None,
        completed_at: None,
        duration_seconds: None,
        target: None,
        deps: fingerprint.deps.iter().map(DataEntry::from).collect(),
        params: fingerprint.params.clone(),
        params_hash: None,
        outs: fingerprint.outs.iter().map(|path| DataEntry { path: path.clone(), ..DataEntry::from(&data("x", "")) }).collect(),
        cmd_hash: Some(fingerprint.command),
        cache_key: Some(fingerprint.cache_key()),
        shell: fingerprint.shell,
        wdir: fingerprint.wdir.clone(),
        env_hash: fingerprint.env,
        after: Vec::new(),
        moved: Vec::new(),
        adopted: false,
        retries: None,
    }
}

#[test]
fn every_part_changes_the_key_and_is_named() {
    let recorded = entry(&sample());
    assert_eq!(sample().differences(&recorded), []);
    let mut keys = vec![sample().cache_key()];
    for (code, changed) in changes() {
        assert!(!keys.contains(&changed.cache_key()), "{code} leaves the key as it was");
        keys.push(changed.cache_key());
        let codes: Vec<_> = changed.differences(&recorded).iter().map(InvalidationReason::code).collect();
        assert_eq!(codes, [code]);
    }
}

#[test]
fn order_is_no_difference() {
    let mut turned = sample();
    turned.deps.reverse();
    turned.outs.reverse();
    assert_eq!(turned.cache_key(), sample().cache_key());
    assert_eq!(turned.differences(&entry(&sample())), []);
}

#[test]
fn the_layout_is_pinned() {
    insta::assert_snapshot!(sample().cache_key(), @"");
}
