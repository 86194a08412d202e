//! The shape of a lock file. Reading, writing and judging one is `playbook-lock`'s.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::model::fanout::Split;
use crate::model::shell::ShellMode;
use crate::name::{ParamKey, StageName};
use crate::path::DataPath;
use crate::value::ParamValue;

/// A whole lock file. The order of the fields is the order in the file. Its entries are `&StageEntry` where it is only
/// written, and they stand elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub struct LockFile<E = StageEntry> {
    /// The version of this shape: `'1.0'`.
    pub schema: String,
    /// The playbook's name.
    #[serde(default)]
    pub playbook: String,
    /// When it was written.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub generated_at: Option<Timestamp>,
    /// What wrote it.
    #[serde(default)]
    pub generator: String,
    /// The version of BLAKE3 the digests are of.
    #[serde(default)]
    pub blake3_version: String,
    /// Of all the playbook's params.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub params_hash: Option<Digest>,
    /// One entry per stage, in the playbook's order.
    #[serde(default, deserialize_with = "unique_keys")]
    pub stages: IndexMap<StageName, E>,
}

impl LockFile<&StageEntry> {
    /// The same with entries of its own.
    pub fn into_owned(self) -> LockFile {
        let own = |(name, entry): (StageName, &StageEntry)| (name, entry.clone());
        LockFile {
            schema: self.schema,
            playbook: self.playbook,
            generated_at: self.generated_at,
            generator: self.generator,
            blake3_version: self.blake3_version,
            params_hash: self.params_hash,
            stages: self.stages.into_iter().map(own).collect(),
        }
    }
}

/// What is known of a stage's last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageEntry {
    /// How it ended.
    pub status: EntryStatus,
    /// When it started.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub completed_at: Option<Timestamp>,
    /// How long its command ran, in seconds.
    #[serde(
        default,
        deserialize_with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_seconds: Option<f64>,
    /// Where it ran; absent for this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it read.
    #[serde(default)]
    pub deps: Vec<DataEntry>,
    /// The params it used.
    #[serde(
        default,
        deserialize_with = "unique_keys_sorted",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub params: BTreeMap<ParamKey, ParamValue>,
    /// Of those params.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub params_hash: Option<Digest>,
    /// What it made.
    #[serde(default)]
    pub outs: Vec<DataEntry>,
    /// Of its resolved command.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub cmd_hash: Option<Digest>,
    /// Of everything that decides whether this result still stands; absent when nothing may rely on it.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub cache_key: Option<Digest>,
    /// Absent for `sh`.
    #[serde(default, skip_serializing_if = "ShellMode::is_default")]
    pub shell: ShellMode,
    /// Absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wdir: Option<DataPath>,
    /// How its input was split into jobs; absent when it was not.
    #[serde(
        default,
        deserialize_with = "known_split",
        skip_serializing_if = "Option::is_none"
    )]
    pub split: Option<Split>,
    /// Of the declared environment; absent when there is none.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub env_hash: Option<Digest>,
    /// Which runs of the stages it is ordered after this run followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<AfterEntry>,
    /// Deps that changed while it ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<DataPath>,
    /// Recorded as it was found, without a run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub adopted: bool,
    /// Retries it took; absent when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

impl StageEntry {
    /// An entry that says nothing: the stage must run.
    pub fn unknown() -> Self {
        Self {
            status: EntryStatus::Running,
            started_at: None,
            completed_at: None,
            duration_seconds: None,
            target: None,
            deps: Vec::new(),
            params: BTreeMap::new(),
            params_hash: None,
            outs: Vec::new(),
            cmd_hash: None,
            cache_key: None,
            shell: ShellMode::default(),
            wdir: None,
            split: None,
            env_hash: None,
            after: Vec::new(),
            moved: Vec::new(),
            adopted: false,
            retries: None,
        }
    }
}

/// A file or directory with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataEntry {
    /// As the playbook names it, normalised.
    #[serde(deserialize_with = "any_path")]
    pub path: DataPath,
    /// Absent when it is not known.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub hash: Option<Digest>,
    /// Files below it, or one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_count: Option<u64>,
    /// Bytes in those files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Entries below it that did not count when it was made; absent when none. More of them later are
    /// somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<u64>,
    /// The text of the symbolic link that stood at this path, if the stage made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symlink: Option<String>,
}

/// Which run of another stage was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterEntry {
    /// The other stage.
    pub stage: StageName,
    /// When that run of it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub completed_at: Option<Timestamp>,
}

/// How a stage's last run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryStatus {
    /// It made every out.
    Completed,
    /// It did not.
    Failed,
    /// It was still running when this was written.
    Running,
    /// A word of another generator.
    Other(String),
}

impl EntryStatus {
    /// The word in the lock file.
    pub fn word(&self) -> &str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for EntryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for EntryStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for EntryStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(match word.as_str() {
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "running" => Self::Running,
            _ => Self::Other(word),
        })
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A digest or time that another generator wrote in its own way reads as unknown, never as equal.
fn lenient<'de, D: Deserializer<'de>, T: std::str::FromStr>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// A way to split that this version does not know reads as none: the key differs all the same.
fn known_split<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Split>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        Known(Split),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Found>::deserialize(deserializer)? {
        Some(Found::Known(split)) => Some(split),
        Some(Found::Other(_)) | None => None,
    })
}

/// What is no length of time reads as unknown: `.nan` would spoil every sum, and a line of the event log.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    Ok(seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0))
}

/// A path that this version would not accept is kept as it stands: it equals none.
fn any_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DataPath, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(DataPath::parse(&text).unwrap_or_else(|_| DataPath::verbatim(&text)))
}

/// serde would keep the last of two equal keys in silence.
fn unique_keys<'de, D, V>(deserializer: D) -> Result<IndexMap<StageName, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let pairs = deserializer.deserialize_map(Pairs::<StageName, V>(std::marker::PhantomData))?;
    let mut map = IndexMap::with_capacity(pairs.len());
    for (key, value) in pairs {
        if map.contains_key(&key) {
            return Err(D::Error::custom(format!("duplicate key '{key}'")));
        }
        map.insert(key, value);
    }
    Ok(map)
}

fn unique_keys_sorted<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ParamKey, ParamValue>, D::Error> {
    let pairs =
        deserializer.deserialize_map(Pairs::<ParamKey, ParamValue>(std::marker::PhantomData))?;
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.contains_key(&key) {
            return Err(D::Error::custom(format!("duplicate key '{key}'")));
        }
        map.insert(key, value);
    }
    Ok(map)
}

struct Pairs<K, V>(std::marker::PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::with_capacity(access.size_hint().unwrap_or(0).min(4096));
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_length_of_time_is_unknown() {
        for (written, expected) in [
            ("1.5", Some(1.5)),
            ("2", Some(2.0)),
            ("~", None),
            (".nan", None),
            (".inf", None),
            ("-1", None),
        ] {
            let text = format!("{{status: completed, duration_seconds: {written}}}");
            let entry: StageEntry = serde_yaml_ng::from_str(&text).unwrap();
            assert_eq!(entry.duration_seconds, expected, "{written}");
        }
    }
}
