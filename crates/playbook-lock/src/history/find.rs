//! Finding one event in a log that may be large, from its end: what is asked for is nearly always young.

use std::fs::File;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use memchr::memmem;
use playbook_types::name::StageName;
use playbook_types::record::event::{Event, EventKind};

use crate::history::lines::{Backward, Line};

/// A worker begins with a stage this soon after the event that says so was made.
const SOON: SignedDuration = SignedDuration::from_secs(60);

/// The event with which the attempt of a stage began that started at this moment, by the event log at `path`.
pub fn find_start(path: &Path, stage: &StageName, started_at: Timestamp) -> Option<Event> {
    let named = format!("\"stage\":\"{stage}\"");
    let wanted = |line: &[u8]| {
        memmem::find(line, b"\"stage_started\"").is_some()
            && memmem::find(line, named.as_bytes()).is_some()
    };
    let is_it = |event: &Event| {
        let of_stage =
            matches!(&event.kind, EventKind::StageStarted { stage: other, .. } if other == stage);
        let before = started_at.duration_since(event.ts);
        of_stage && !before.is_negative() && before <= SOON
    };
    let parsed = |line: Line<'_>| -> Option<Event> {
        wanted(line.bytes).then_some(())?;
        serde_json::from_slice(line.bytes).ok()
    };
    let file = File::open(path).ok()?;
    let mut lines = Backward::new(&file, file.metadata().ok()?.len());
    while let Some(event) = lines.next(parsed).ok()? {
        if event.as_ref().is_some_and(is_it) {
            return event;
        }
    }
    None
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
