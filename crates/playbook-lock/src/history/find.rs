//! Finding one event in a log that may be large, from its end: what is asked for is nearly always young.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use memchr::memmem;
use playbook_types::name::StageName;
use playbook_types::record::event::{Event, EventKind};

/// So much of the log is read at once.
const BLOCK: usize = 256 * 1024;

/// The lines of a file from the last to the first, without their line breaks. What cannot be read ends them.
#[derive(Debug)]
pub struct LinesFromEnd {
    file: File,
    /// Where the bytes in `tail` begin.
    from: u64,
    tail: Vec<u8>,
}

impl LinesFromEnd {
    /// Those of the file at `path`; `None` if it is not there or cannot be read.
    pub fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let from = file.metadata().ok()?.len();
        let tail = Vec::new();
        Some(Self { file, from, tail })
    }

    /// Reads the block before those that were read.
    fn more(&mut self) -> Option<()> {
        let size = self.from.min(BLOCK as u64);
        let mut block = vec![0; usize::try_from(size).ok()?];
        self.from -= size;
        self.file.read_exact_at(&mut block, self.from).ok()?;
        block.append(&mut self.tail);
        self.tail = block;
        Some(())
    }
}

impl Iterator for LinesFromEnd {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            let unsearched = self.tail.len() - searched;
            if let Some(at) = self.tail[..unsearched]
                .iter()
                .rposition(|byte| *byte == b'\n')
            {
                let line = self.tail.split_off(at + 1);
                self.tail.truncate(at);
                return Some(line);
            }
            searched = self.tail.len();
            if self.from == 0 {
                return (!self.tail.is_empty()).then(|| std::mem::take(&mut self.tail));
            }
            self.more()?;
        }
    }
}

/// A worker begins with a stage this soon after the event that says so was made.
const SOON: SignedDuration = SignedDuration::from_secs(60);

/// The event with which the attempt of a stage began that started at this moment, by the event log at `path`.
pub fn find_start(path: &Path, stage: &StageName, started_at: Timestamp) -> Option<Event> {
    let named = format!("\"stage\":\"{stage}\"");
    let wanted = |line: &[u8]| {
        memmem::find(line, b"\"stage_started\"").is_some()
            && memmem::find(line, named.as_bytes()).is_some()
    };
    let events = LinesFromEnd::open(path)?
        .filter(|line| wanted(line))
        .filter_map(|line| serde_json::from_slice::<Event>(&line).ok());
    events.into_iter().find(|event| {
        let of_stage =
            matches!(&event.kind, EventKind::StageStarted { stage: other, .. } if other == stage);
        let before = started_at.duration_since(event.ts);
        of_stage && !before.is_negative() && before <= SOON
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::EventLog;
    use uuid::Uuid;

    fn started(run: u128, stage: &str, at: &str, command: &str) -> String {
        EventLog::line(&Event {
            ts: at.parse().unwrap(),
            run_id: Uuid::from_u128(run),
            kind: EventKind::StageStarted {
                stage: StageName::parse(stage).unwrap(),
                target: "local".to_owned(),
                attempt: 1,
                cache_key: None,
                command: command.to_owned(),
                reasons: Vec::new(),
                cache_miss_reason: String::new(),
            },
        })
    }

    fn log(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        file
    }

    #[test]
    fn lines_come_from_the_end_whatever_their_length() {
        for lines in [
            vec![],
            vec!["one".to_owned()],
            vec![
                "a".repeat(BLOCK),
                "b".to_owned(),
                "c".repeat(3 * BLOCK + 1),
                String::new(),
            ],
            (0..100_000).map(|n| n.to_string()).collect(),
        ] {
            let file = log(lines.join("\n").as_bytes());
            let mut found: Vec<String> = LinesFromEnd::open(file.path())
                .unwrap()
                .map(|line| String::from_utf8(line).unwrap())
                .collect();
            found.reverse();
            let expected: Vec<String> = lines.into_iter().skip_while(String::is_empty).collect();
            assert!(
                found == expected,
                "{} lines of {}",
                found.len(),
                expected.len()
            );
        }
    }

    #[test]
    fn the_start_that_is_on_record_is_found_and_no_other() {
        let lines = [
            started(1, "a", "2026-01-01T00:00:00Z", "echo 1 '\"stage_started\"'"),
            started(2, "b", "2026-01-01T01:00:00Z", "cat \"stage\":\"a\""),
            started(3, "a", "2026-01-01T02:00:00Z", "echo 2"),
            "{\"torn\": \"stage_started\" \"stage\":\"a\"".to_owned(),
        ];
        let file = log(lines.concat().as_bytes());
        let stage = StageName::parse("a").unwrap();
        let find = |at: &str| {
            find_start(file.path(), &stage, at.parse().unwrap()).map(|event| event.run_id.as_u128())
        };
        assert_eq!(find("2026-01-01T00:00:00.5Z"), Some(1));
        assert_eq!(find("2026-01-01T02:00:00Z"), Some(3));
        assert_eq!(find("2026-01-01T01:00:00Z"), None, "that of another stage");
        assert_eq!(
            find("2026-01-01T03:00:00Z"),
            None,
            "a run that is not in this log"
        );
        assert_eq!(find("2025-12-31T23:59:59Z"), None);
    }
}
