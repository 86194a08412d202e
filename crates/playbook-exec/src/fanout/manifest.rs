//! The record of a stage's jobs: which were done, and what they made.
//!
//! It is a file in the state directory, one checksummed line per job that ended well, appended when it did. A job is done
//! if its key is on record and what stands at its outputs is what was recorded with it. Whatever cannot be read is not on
//! record, so that what is lost or damaged costs time only: the jobs run again.

use std::path::PathBuf;

use indexmap::IndexMap;
use playbook_hash::EntryKind;
use playbook_hash::disk::{self, AppendFile, DiskError, Durability, StateDir, records, replace};
use playbook_types::digest::Digest;
use playbook_types::name::StageName;
use serde::{Deserialize, Serialize};

/// What a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeFile {
    /// Below the stage's out.
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) seen: Thing,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thing {
    /// What it is, as in the digest of a directory.
    pub(crate) kind: u8,
    pub(crate) hash: Digest,
}

impl Thing {
    pub(crate) fn new(kind: EntryKind, hash: Digest) -> Self {
        let kind = kind.tag();
        Self { kind, hash }
    }
}

/// A job that ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    /// The run it ran in.
    pub(crate) run: String,
    /// What it made.
    pub(crate) outs: Vec<MadeFile>,
    /// How long its command ran.
    pub(crate) seconds: f64,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A job is done.
    Job {
        key: Digest,
        #[serde(flatten)]
        record: JobRecord,
    },
    /// The stage began. It is what tells how many jobs there are without looking at its input.
    Split {
        /// How many there were.
        jobs: usize,
        /// How many of them were done before.
        done: usize,
    },
    /// All jobs run again: what is recorded before is what stages of old made, and nothing of it is done.
    Anew {},
}

/// How far a stage's jobs had come when it last ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JobsOnRecord {
    /// How many there were.
    pub total: usize,
    /// How many of them were done.
    pub done: usize,
}

impl JobsOnRecord {
    /// What the state directory has of a stage. Only the end of the record is decoded: what was written since the stage
    /// last began.
    pub fn of(state: &StateDir, stage: &StageName) -> Option<Self> {
        let bytes = std::fs::read(path(state, stage)).ok()?;
        let starts = |line: &[u8]| records::payload_at(line).starts_with(SPLIT);
        let mut end = bytes.len();
        let last = bytes.rsplit(|byte| *byte == b'\n').find_map(|line| {
            let start = end - line.len();
            end = start.saturating_sub(1);
            starts(line).then_some(start)
        })?;
        let (payloads, _) = records::decode(&bytes[last..]);
        let (first, rest) = payloads.split_first()?;
        let Ok(Line::Split { jobs, done }) = serde_json::from_str(first) else {
            return None;
        };
        let since = rest
            .iter()
            .filter(|payload| payload.as_bytes().starts_with(JOB));
        Some(Self {
            total: jobs,
            done: jobs.min(done + since.count()),
        })
    }
}

/// How lines begin; text within a line has its quotes escaped.
const SPLIT: &[u8] = b"{\"split\":";
const JOB: &[u8] = b"{\"job\":";

fn path(state: &StateDir, stage: &StageName) -> PathBuf {
    state.fan_out_dir().join(format!("{stage}.jobs"))
}

/// The record of one stage's jobs.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    file: Option<AppendFile>,
    /// How many of the file's bytes are whole records.
    good: u64,
    lines: usize,
    done: IndexMap<Digest, JobRecord>,
    /// What was made by jobs that are no longer done.
    old: Vec<MadeFile>,
}

impl Manifest {
    /// That of a stage; empty where there is none that can be read.
    pub(crate) fn load(state: &StateDir, stage: &StageName) -> Self {
        let path = path(state, stage);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut manifest = Self {
            path,
            file: None,
            good: 0,
            lines: 0,
            done: IndexMap::new(),
            old: Vec::new(),
        };
        let (payloads, _) = records::decode(&bytes);
        for payload in payloads {
            let Ok(line) = serde_json::from_str(payload) else {
                break;
            };
            manifest.apply(line);
            manifest.good += records::encoded_len(payload) as u64;
        }
        manifest
    }

    fn apply(&mut self, line: Line) {
        self.lines += 1;
        match line {
            Line::Job { key, record } => {
                self.done.insert(key, record);
            }
            Line::Split { .. } => {}
            Line::Anew {} => {
                let done = self.done.drain(..);
                self.old.extend(done.flat_map(|(_, record)| record.outs));
            }
        }
    }

    /// What is on record of a job.
    pub(crate) fn job(&self, key: &Digest) -> Option<&JobRecord> {
        self.done.get(key)
    }

    /// Everything that jobs are on record to have made, the same path perhaps several times.
    pub(crate) fn made(&self) -> impl Iterator<Item = &MadeFile> {
        let done = self.done.values().flat_map(|record| &record.outs);
        self.old.iter().chain(done)
    }

    /// The stage begins: of so many jobs so many are done.
    pub(crate) fn begin(&mut self, jobs: usize, done: usize) -> Result<(), DiskError> {
        self.append(&Line::Split { jobs, done })
    }

    /// A job ended well.
    pub(crate) fn add(&mut self, key: Digest, record: JobRecord) -> Result<(), DiskError> {
        let line = Line::Job {
            key,
            record: record.clone(),
        };
        self.append(&line)?;
        self.done.insert(key, record);
        Ok(())
    }

    /// All jobs run again.
    pub(crate) fn begin_anew(&mut self) -> Result<(), DiskError> {
        if self.done.is_empty() {
            return Ok(());
        }
        self.append(&Line::Anew {})?;
        let done = self.done.drain(..);
        self.old.extend(done.flat_map(|(_, record)| record.outs));
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), DiskError> {
        if self.file.is_none() {
            if let Some(directory) = self.path.parent() {
                disk::create_dirs(directory)?;
            }
            let mut file = AppendFile::open(&self.path)?;
            // What is behind the last whole record would hide everything behind it.
            file.cut(self.good)?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.append_whole(encode(line).as_bytes())?;
        self.lines += 1;
        Ok(())
    }

    /// Leaves nothing on record but these jobs, if there is much else.
    pub(crate) fn tidy(&mut self, keys: &[Digest]) -> Result<(), DiskError> {
        if self.lines <= keys.len() * 2 + 64 && self.old.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        let mut lines = 0;
        for key in keys {
            if let Some(record) = self.done.get(key) {
                text.push_str(&encode(&Line::Job {
                    key: *key,
                    record: record.clone(),
                }));
                lines += 1;
            }
        }
        text.push_str(&encode(&Line::Split {
            jobs: keys.len(),
            done: lines,
        }));
        self.file = None;
        replace(&self.path, text.as_bytes(), Durability::Fast)?;
        self.good = text.len() as u64;
        self.lines = lines + 1;
        self.old.clear();
        Ok(())
    }
}

fn encode(line: &Line) -> String {
    // Lines hold nothing that JSON cannot: paths are text, numbers finite.
    let payload = serde_json::to_string(line).unwrap_or_default();
    let mut text = String::with_capacity(payload.len() + 18);
    records::encode(&payload, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_hash::disk::Root;

    fn key(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn record(path: &str, number: u8) -> JobRecord {
        JobRecord {
            run: "0192f3c1".to_owned(),
            outs: vec![MadeFile {
                path: path.to_owned(),
                seen: Thing::new(EntryKind::File, key(number)),
            }],
            seconds: 0.5,
        }
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn load(&self) -> Manifest {
            let root = Root::new(self.0.path().to_owned()).unwrap();
            Manifest::load(&StateDir::new(&root, "p"), &StageName::parse("s").unwrap())
        }

        fn file(&self) -> PathBuf {
            self.0.path().join(".playbook/p/fanout/s.jobs")
        }
    }

    #[test]
    fn what_is_added_is_there_and_what_is_torn_is_not() {
        let place = Place(tempfile::tempdir().unwrap());
        let mut manifest = place.load();
        assert!(manifest.job(&key(1)).is_none());
        for number in 1..4 {
            manifest
                .add(key(number), record("odd\n\"name", number))
                .unwrap();
        }
        let whole = std::fs::read(place.file()).unwrap();
        for cut in 0..whole.len() {
            #[expect(clippy::disallowed_methods, reason = "a crash writes like this")]
            std::fs::write(place.file(), &whole[..cut]).unwrap();
            let mut found = place.load();
            let lines = whole[..cut].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(found.done.len(), lines, "at {cut}");
            found.add(key(9), record("x", 9)).unwrap();
            let again = place.load();
            assert_eq!(again.done.len(), lines + 1, "at {cut}");
            assert_eq!(again.job(&key(9)), Some(&record("x", 9)));
        }
    }

    #[test]
    fn how_far_the_jobs_had_come_is_told_by_what_was_written_since_the_stage_began() {
        let place = Place(tempfile::tempdir().unwrap());
        let on_record = || {
            let root = Root::new(place.0.path().to_owned()).unwrap();
            let stage = StageName::parse("s").unwrap();
            JobsOnRecord::of(&StateDir::new(&root, "p"), &stage).map(|jobs| (jobs.done, jobs.total))
        };
        assert_eq!(on_record(), None);
        let mut manifest = place.load();
        manifest.begin(3, 0).unwrap();
        assert_eq!(on_record(), Some((0, 3)));
        manifest.add(key(1), record("{\"split\":", 1)).unwrap();
        manifest.add(key(2), record("b", 2)).unwrap();
        assert_eq!(on_record(), Some((2, 3)));
        // What a run that was killed wrote half is no job.
        let whole = std::fs::read(place.file()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a crash writes like this")]
        std::fs::write(place.file(), &whole[..whole.len() - 1]).unwrap();
        assert_eq!(on_record(), Some((1, 3)));
        let mut manifest = place.load();
        manifest.begin(4, 1).unwrap();
        for number in 3..6 {
            manifest.add(key(number), record("c", number)).unwrap();
        }
        manifest.begin_anew().unwrap();
        assert_eq!(on_record(), Some((4, 4)));
        manifest.add(key(1), record("a", 1)).unwrap();
        manifest.tidy(&[key(1), key(9)]).unwrap();
        assert_eq!(on_record(), Some((1, 2)));
    }

    #[test]
    fn when_all_run_again_nothing_is_done_and_what_was_made_is_known() {
        let place = Place(tempfile::tempdir().unwrap());
        let mut manifest = place.load();
        manifest.add(key(1), record("a", 1)).unwrap();
        manifest.begin_anew().unwrap();
        manifest.add(key(2), record("b", 2)).unwrap();
        for manifest in [&manifest, &place.load()] {
            assert!(manifest.job(&key(1)).is_none());
            assert!(manifest.job(&key(2)).is_some());
            let made: Vec<_> = manifest.made().map(|made| made.path.as_str()).collect();
            assert_eq!(made, ["a", "b"]);
        }
        manifest.tidy(&[key(2), key(3)]).unwrap();
        for manifest in [&manifest, &place.load()] {
            assert_eq!(manifest.done.len(), 1);
            assert_eq!(manifest.made().count(), 1);
        }
        manifest.add(key(3), record("c", 3)).unwrap();
        assert_eq!(place.load().done.len(), 2);
    }
}
