//! A text is a file of params in one of three formats, or there is something wrong with it that can be shown; and its values are
//! the same in the lock, and in YAML if it is JSON.

use std::path::Path;

use indexmap::IndexMap;
use playbook_lock::{parse_lock, render_lock};
use playbook_types::finding::{Finding, Origin, Severity};
use playbook_types::model::params::Params;
use playbook_types::name::ParamKey;
use playbook_types::parse::{ParamsFile, ParamsFormat};

use crate::shown::can_be_shown;

const FORMATS: [ParamsFormat; 3] = [ParamsFormat::Yaml, ParamsFormat::Toml, ParamsFormat::Json];

/// A lock with an entry that has room for params.
const LOCK: &str = "schema: '1.0'\nplaybook: p\ngenerated_at: 2026-11-23T10:20:20Z\ngenerator: playbook 0.1.0\nblake3_version: '1.8'\nstages:\n  s:\n    status: completed\n";

/// Reads a params file in each format, and writes its values down as the lock would.
pub fn check(data: &[u8]) {
    let [yaml, _, json] = FORMATS.map(|format| {
        let file = ParamsFile::parse(data, format, Origin::default());
        let again = ParamsFile::parse(data, format, Origin::default());
        let found = file.findings();
        assert_eq!(found, again.findings(), "read twice, found twice");
        assert_eq!(
            file.params(),
            again.params(),
            "read twice, understood twice"
        );
        // What is no text is shown as well as it can be.
        can_be_shown(&String::from_utf8_lossy(data), found);
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        let params = (!found.iter().any(is_error)).then(|| file.params().clone());
        if let Some(params) = &params {
            survives_the_lock(params);
        }
        params
    });
    if let (Some(yaml), Some(json)) = (yaml, json) {
        assert_eq!(yaml, json, "one text, read as YAML and as JSON");
    }
}

/// What is written into a lock is what the next run compares with.
fn survives_the_lock(params: &Params) {
    let read = |text: &str| match parse_lock(text, Path::new("playbook.lock.yaml")) {
        Ok(lock) => lock,
        Err(error) => panic!("{error}: cannot be read:\n{text}"),
    };
    let mut lock = read(LOCK);
    for entry in lock.stages.values_mut() {
        let keyed = params.iter().filter_map(|(name, value)| {
            let key = ParamKey::parse(name).ok()?;
            Some((key, value.clone()))
        });
        entry.params = keyed.collect();
    }
    let written = render_lock(&lock).unwrap_or_else(|error| panic!("{error}: {lock:?}"));
    let again = read(&written);
    let values = |lock: &playbook_types::record::lock::LockFile| {
        let entries = lock.stages.values();
        let params = entries.flat_map(|entry| entry.params.clone());
        params.collect::<IndexMap<_, _>>()
    };
    assert_eq!(
        values(&again),
        values(&lock),
        "other values from:\n{written}"
    );
}
