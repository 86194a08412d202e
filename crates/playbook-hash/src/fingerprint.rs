//! The fingerprint of a stage: everything that decides whether its result still stands, defined once.
//!
//! The cache key and the comparison with what the lock recorded both take the struct apart field by
//! field, so that a new field cannot be forgotten in either: the compiler stops at both.

use std::collections::{BTreeMap, BTreeSet};

use playbook_types::digest::Digest;
use playbook_types::model::fanout::{Split, Strategy};
use playbook_types::model::shell::ShellMode;
use playbook_types::name::ParamKey;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, StageEntry};
use playbook_types::record::reason::{InvalidationReason, ParamChange};
use playbook_types::value::ParamValue;

use crate::framed::Framed;
use crate::layout;
use crate::params::digest_params;

/// Everything that decides whether a stage's result still stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    /// Which shell reads the command.
    pub shell: ShellMode,
    /// Of the resolved command.
    pub command: Digest,
    /// Whether that is a list of commands, each in a shell of its own.
    pub is_list: bool,
    /// What it reads, in the playbook's order.
    pub deps: Vec<DataDigest>,
    /// The params it uses.
    pub params: BTreeMap<ParamKey, ParamValue>,
    /// Of the declared environment, if there is any.
    pub env: Option<Digest>,
    /// Its working directory; `None` is the root.
    pub wdir: Option<DataPath>,
    /// What it makes, in the playbook's order.
    pub outs: Vec<DataPath>,
    /// How its first dep is split into jobs, if it is.
    pub split: Option<Split>,
}

/// A path with the digest of what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDigest {
    /// As the playbook names it.
    pub path: DataPath,
    /// Of its contents.
    pub digest: Digest,
    /// Files below it, or one.
    pub file_count: u64,
    /// Bytes in those files.
    pub total_bytes: u64,
}

impl From<&DataDigest> for DataEntry {
    fn from(data: &DataDigest) -> Self {
        let DataDigest {
            path,
            digest,
            file_count,
            total_bytes,
        } = data;
        Self {
            path: path.clone(),
            hash: Some(*digest),
            file_count: Some(*file_count),
            total_bytes: Some(*total_bytes),
            ignored: None,
            symlink: None,
        }
    }
}

impl Fingerprint {
    /// The digest of all of it. Deps and outs are sorted by path, so that reordering them is no miss.
    pub fn cache_key(&self) -> Digest {
        let Self {
            shell,
            command,
            is_list,
            deps,
            params,
            env,
            wdir,
            outs,
            split,
        } = self;
        let mut framed = Framed::new(layout::CACHE_KEY);
        framed.bytes(shell.word().as_bytes());
        framed.digest(command);
        framed.tag(u8::from(*is_list));
        let deps: BTreeMap<&DataPath, &Digest> =
            deps.iter().map(|dep| (&dep.path, &dep.digest)).collect();
        framed.len(deps.len());
        for (path, digest) in deps {
            framed.bytes(path.as_str().as_bytes());
            framed.digest(digest);
        }
        framed.digest(&digest_params(params));
        framed.option(env.as_ref(), Framed::digest);
        framed.option(wdir.as_ref(), |framed, path| {
            framed.bytes(path.as_str().as_bytes());
        });
        let outs: BTreeSet<&DataPath> = outs.iter().collect();
        framed.len(outs.len());
        for path in outs {
            framed.bytes(path.as_str().as_bytes());
        }
        // Nothing at all where there is none: see the layout.
        if let Some(split) = split {
            frame_split(&mut framed, split);
        }
        framed.finish()
    }

    /// Each part that is not what the entry recorded, as a reason of its own.
    pub fn differences(&self, entry: &StageEntry) -> Vec<InvalidationReason> {
        let Self {
            shell,
            command,
            is_list: _, // not recorded on its own; the key tells a list from a text that looks like one

            deps,
            params,
            env,
            wdir,
            outs,
            split,
        } = self;
        let mut found = Vec::new();
        if entry.cmd_hash != Some(*command) {
            found.push(InvalidationReason::CmdChanged {
                old: entry.cmd_hash,
                new: *command,
            });
        }
        deps_differences(deps, &entry.deps, &mut found);
        let changes = param_changes(params, &entry.params);
        if !changes.is_empty() {
            found.push(InvalidationReason::ParamsChanged { changes });
        }
        if *env != entry.env_hash {
            found.push(InvalidationReason::EnvChanged { variables: None });
        }
        if *shell != entry.shell {
            found.push(InvalidationReason::ShellChanged {
                old: entry.shell,
                new: *shell,
            });
        }
        if *wdir != entry.wdir {
            found.push(InvalidationReason::WdirChanged {
                old: entry.wdir.clone(),
                new: wdir.clone(),
            });
        }
        found.extend(outs_difference(outs, &entry.outs));
        if *split != entry.split {
            found.push(InvalidationReason::SplitChanged {
                old: entry.split.clone(),
                new: split.clone(),
            });
        }
        found
    }
}

fn frame_split(framed: &mut Framed, split: &Split) {
    let Split {
        strategy,
        glob,
        ext,
    } = split;
    match strategy {
        Strategy::PerFile => framed.tag(layout::SPLIT_PER_FILE),
        Strategy::Chunked { chunk_size } => {
            framed.tag(layout::SPLIT_CHUNKED);
            framed.u64(u64::from(*chunk_size));
        }
    }
    for text in [glob, ext] {
        framed.option(text.as_ref(), |framed, text| framed.bytes(text.as_bytes()));
    }
}

fn deps_differences(
    deps: &[DataDigest],
    recorded: &[DataEntry],
    found: &mut Vec<InvalidationReason>,
) {
    let old: BTreeMap<&DataPath, Option<Digest>> =
        recorded.iter().map(|dep| (&dep.path, dep.hash)).collect();
    for dep in deps {
        match old.get(&dep.path) {
            None => found.push(InvalidationReason::DepAdded {
                path: dep.path.clone(),
            }),
            Some(hash) if *hash != Some(dep.digest) => found.push(InvalidationReason::DepChanged {
                path: dep.path.clone(),
                old: *hash,
                new: dep.digest,
                files: None,
                directory: false,
            }),
            Some(_) => {}
        }
    }
    let now: BTreeSet<&DataPath> = deps.iter().map(|dep| &dep.path).collect();
    let gone = recorded.iter().filter(|dep| !now.contains(&dep.path));
    found.extend(gone.map(|dep| InvalidationReason::DepRemoved {
        path: dep.path.clone(),
    }));
}

/// Each difference once, by the dotted name of the value that differs: of two maps it is in them.
fn param_changes(
    now: &BTreeMap<ParamKey, ParamValue>,
    old: &BTreeMap<ParamKey, ParamValue>,
) -> Vec<ParamChange> {
    let keys: BTreeSet<&ParamKey> = now.keys().chain(old.keys()).collect();
    let mut changes = BTreeMap::new();
    for key in keys {
        param_change(key.as_str(), (old.get(key), now.get(key)), &mut changes);
    }
    let change =
        |(param, (old, new)): (ParamKey, (Option<&ParamValue>, Option<&ParamValue>))| ParamChange {
            param,
            old: old.cloned(),
            new: new.cloned(),
        };
    changes.into_iter().map(change).collect()
}

/// A value as it was and as it is.
type OldAndNew<'v> = (Option<&'v ParamValue>, Option<&'v ParamValue>);

fn param_change<'v>(
    key: &str,
    (old, new): OldAndNew<'v>,
    changes: &mut BTreeMap<ParamKey, OldAndNew<'v>>,
) {
    match (old, new) {
        _ if old == new => {}
        (Some(ParamValue::Map(before)), Some(ParamValue::Map(after))) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let inner = (before.get(name), after.get(name));
                param_change(&format!("{key}.{name}"), inner, changes);
            }
        }
        // Params that a lock recorded may have names that none has now.
        _ => changes.extend(ParamKey::parse(key).ok().map(|key| (key, (old, new)))),
    }
}

fn outs_difference(now: &[DataPath], recorded: &[DataEntry]) -> Option<InvalidationReason> {
    let old: BTreeSet<&DataPath> = recorded.iter().map(|out| &out.path).collect();
    let new: BTreeSet<&DataPath> = now.iter().collect();
    let only = |a: &BTreeSet<&DataPath>, b: &BTreeSet<&DataPath>| -> Vec<DataPath> {
        a.difference(b).map(|path| (*path).clone()).collect()
    };
    let (added, removed) = (only(&new, &old), only(&old, &new));
    (!added.is_empty() || !removed.is_empty())
        .then_some(InvalidationReason::OutsChanged { added, removed })
}

/// The key depends on every field, and the comparison finds every difference the key finds.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::digest_command;

    fn path(text: &str) -> DataPath {
        DataPath::parse(text).unwrap()
    }

    fn data(name: &str, contents: &str) -> DataDigest {
        DataDigest {
            path: path(name),
            digest: digest_command(contents),
            file_count: 1,
            total_bytes: 1,
        }
    }

    fn split(strategy: Strategy, glob: Option<&str>, ext: Option<&str>) -> Split {
        Split {
            strategy,
            glob: glob.map(str::to_owned),
            ext: ext.map(str::to_owned),
        }
    }

    fn sample() -> Fingerprint {
        Fingerprint {
            shell: ShellMode::Sh,
            command: digest_command("echo hello"),
            is_list: false,
            deps: vec![data("b", "1"), data("a", "2")],
            params: BTreeMap::from([(
                ParamKey::parse("model").unwrap(),
                ParamValue::Str("tiny".to_owned()),
            )]),
            env: None,
            wdir: None,
            outs: vec![path("y"), path("x")],
            split: None,
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
            (
                "cmd_changed",
                change(|it| it.command = digest_command("echo")),
            ),
            (
                "dep_changed",
                change(|it| it.deps[0].digest = digest_command("3")),
            ),
            ("dep_added", change(|it| it.deps.push(data("c", "1")))),
            ("dep_removed", change(|it| drop(it.deps.pop()))),
            (
                "params_changed",
                change(|it| {
                    drop(
                        it.params
                            .insert(ParamKey::parse("k").unwrap(), ParamValue::Null),
                    );
                }),
            ),
            ("params_changed", change(|it| it.params.clear())),
            (
                "env_changed",
                change(|it| it.env = Some(digest_command(""))),
            ),
            ("wdir_changed", change(|it| it.wdir = Some(path("src")))),
            ("outs_changed", change(|it| drop(it.outs.pop()))),
            (
                "split_changed",
                change(|it| it.split = Some(split(Strategy::PerFile, None, None))),
            ),
            (
                "split_changed",
                change(|it| it.split = Some(split(Strategy::PerFile, Some("*"), None))),
            ),
            (
                "split_changed",
                change(|it| it.split = Some(split(Strategy::PerFile, None, Some("*")))),
            ),
            (
                "split_changed",
                change(|it| {
                    it.split = Some(split(Strategy::Chunked { chunk_size: 1 }, None, None));
                }),
            ),
            (
                "split_changed",
                change(|it| {
                    it.split = Some(split(Strategy::Chunked { chunk_size: 2 }, None, None));
                }),
            ),
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
            outs: fingerprint
                .outs
                .iter()
                .map(|path| DataEntry {
                    path: path.clone(),
                    ..DataEntry::from(&data("x", ""))
                })
                .collect(),
            cmd_hash: Some(fingerprint.command),
            cache_key: Some(fingerprint.cache_key()),
            shell: fingerprint.shell,
            wdir: fingerprint.wdir.clone(),
            split: fingerprint.split.clone(),
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
            assert!(
                !keys.contains(&changed.cache_key()),
                "{code} leaves the key as it was"
            );
            keys.push(changed.cache_key());
            let codes: Vec<_> = changed
                .differences(&recorded)
                .iter()
                .map(InvalidationReason::code)
                .collect();
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
        insta::assert_snapshot!(sample().cache_key(), @"blake3:904d7ed4aba2c668f23fe30b4d1211bdd208d759c8e2b163794073ceed77961f");
        let mut split_up = sample();
        split_up.split = Some(split(
            Strategy::Chunked { chunk_size: 7 },
            Some("*.wav"),
            Some("txt"),
        ));
        insta::assert_snapshot!(split_up.cache_key(), @"blake3:7295b3a30fa4f530a17fb9d4a01b60277436e5ae402956023ebf2d35e9775229");
    }
}
