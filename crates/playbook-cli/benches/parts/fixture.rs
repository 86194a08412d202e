//! Files and values that several measurements need.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use playbook_hash::{DataDigest, Fingerprint, digest_command};
use playbook_lock::entry::{Ran, completed};
use playbook_types::model::shell::ShellMode;
use playbook_types::name::{ParamKey, StageName};
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, LockFile, StageEntry};
use playbook_types::value::ParamValue;

/// Writes a file, and the folders above it.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Writes files of so many bytes each, a hundred to a folder.
pub(crate) fn tree(folder: &Path, files: usize, size: usize) -> Vec<PathBuf> {
    let path = |number: usize| folder.join(format!("{:03}/{number:06}", number / 100));
    let paths: Vec<PathBuf> = (0..files).map(path).collect();
    for (number, path) in paths.iter().enumerate() {
        let mut bytes = vec![0x5A; size];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        put(path, &bytes);
    }
    paths
}

/// Lets files grow old: what is younger than two seconds when it is read is not worth keeping, for it may change
/// without a new time stamp.
pub(crate) fn let_files_grow_old() {
    let until = Instant::now() + Duration::from_millis(2500);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        park_timeout(left);
    }
}

pub(crate) fn path(text: &str) -> DataPath {
    DataPath::parse(text).unwrap()
}

/// A stage with two deps, a param and an out.
pub(crate) fn fingerprint(number: usize) -> Fingerprint {
    let dep = |name: &str| DataDigest {
        path: path(&format!("{name}/{number:06}.txt")),
        digest: digest_command(name),
        file_count: 1,
        total_bytes: 100,
    };
    Fingerprint {
        shell: ShellMode::Sh,
        command: digest_command("train raw.txt --model tiny"),
        is_list: false,
        deps: vec![dep("raw"), dep("config")],
        params: [(
            ParamKey::parse("model").unwrap(),
            ParamValue::Str("tiny".to_owned()),
        )]
        .into(),
        env: None,
        wdir: None,
        outs: vec![path(&format!("out/{number:06}.txt"))],
        split: None,
    }
}

/// Its entry in the lock.
pub(crate) fn entry(number: usize) -> StageEntry {
    let out = DataEntry {
        path: path(&format!("out/{number:06}.txt")),
        hash: Some(digest_command("made")),
        file_count: Some(1),
        total_bytes: Some(100),
        ignored: None,
        symlink: None,
    };
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let ran = Ran {
        started_at: at,
        completed_at: at,
        duration_seconds: 1.25,
        target: None,
        after: Vec::new(),
        retries: 0,
    };
    completed(&fingerprint(number), vec![out], ran)
}

pub(crate) fn name(number: usize) -> StageName {
    StageName::parse(&format!("s{number:06}")).unwrap()
}

/// A lock of so many stages.
pub(crate) fn lock(stages: usize) -> LockFile {
    LockFile {
        schema: "1.0".to_owned(),
        playbook: "bench".to_owned(),
        generated_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
        generator: "playbook".to_owned(),
        blake3_version: "1.8".to_owned(),
        params_hash: None,
        stages: (0..stages).map(|at| (name(at), entry(at))).collect(),
    }
}
