//! Appending to the event log.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use playbook_hash::disk::{AppendFile, DiskError};
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind};
use uuid::Uuid;

/// The event log, opened when the first line is written.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: Option<AppendFile>,
}

impl EventLog {
    /// A log at `path`. Nothing is touched yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Appends whole lines with one write.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn append(&mut self, lines: &str) -> Result<(), DiskError> {
        let Some(file) = &mut self.file else {
            let torn = ends_torn(&self.path);
            let file = self.file.insert(AppendFile::open(&self.path)?);
            // A process that died while writing left half a line; close it, so that it spoils no other.
            return if torn {
                file.append_whole(format!("\n{lines}").as_bytes())
            } else {
                file.append_whole(lines.as_bytes())
            };
        };
        file.append_whole(lines.as_bytes())
    }

    /// An event as a line.
    pub fn line(event: &Event) -> String {
        let mut line = String::with_capacity(256);
        Self::add_line(event, &mut line);
        line
    }

    /// Adds an event as a line.
    pub fn add_line(event: &Event, lines: &mut String) {
        let Event { ts, run_id, kind } = event;
        Self::add_behind(&Self::front(*ts, *run_id), kind, lines);
    }

    /// What stands in front in the lines of all events of one moment.
    pub fn front(ts: Timestamp, run_id: Uuid) -> String {
        format!(r#"{{"ts":"{ts}","run_id":"{run_id}","#)
    }

    /// Adds what happened as a line with this front. It is what serde makes of the event, but quicker.
    pub fn add_behind(front: &str, kind: &EventKind, lines: &mut String) {
        lines.push_str(front);
        if let EventKind::StageCached {
            stage,
            cache_key: Some(key),
            reason: HitKind::Hit,
        } = kind
        {
            // Of a large pipeline nearly all lines are of this kind, and nothing in it needs escaping.
            let stage = stage.as_str();
            // Writing to a string cannot fail.
            writeln!(
                lines,
                r#""event":"stage_cached","stage":"{stage}","cache_key":"{key}","reason":"hit"}}"#
            )
            .ok();
            return;
        }
        // Events hold nothing that JSON cannot: keys are text, numbers finite.
        let kind = serde_json::to_string(kind).unwrap_or_default();
        lines.push_str(kind.strip_prefix('{').unwrap_or_default());
        lines.push('\n');
    }
}

fn ends_torn(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    let mut last = [0];
    let read = file
        .seek(SeekFrom::End(-1))
        .and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != *b"\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;
    use playbook_types::digest::Digest;
    use playbook_types::name::StageName;
    use playbook_types::record::event::RunTotals;

    #[test]
    fn a_line_is_what_serde_makes_of_the_event() {
        let kinds = [
            EventKind::RunStarted {
                playbook: "quotes \" and \\ and \n".to_owned(),
                generator: "playbook".to_owned(),
                stages: 3,
                params: IndexMap::new(),
            },
            EventKind::StageCached {
                stage: StageName::parse("a").unwrap(),
                cache_key: None,
                reason: HitKind::Hit,
            },
            EventKind::StageCached {
                stage: StageName::parse("a@b-1.x").unwrap(),
                cache_key: Some(Digest::from_bytes([0xa7; 32])),
                reason: HitKind::Hit,
            },
            EventKind::RunCompleted(RunTotals::default()),
        ];
        for nanos in [0, 1_000, 123_456_789] {
            for kind in kinds.clone() {
                let event = Event {
                    ts: Timestamp::new(1_700_000_000, nanos).unwrap(),
                    run_id: Uuid::from_u128(0x00ff_1234),
                    kind,
                };
                let expected = serde_json::to_string(&event).unwrap() + "\n";
                assert_eq!(EventLog::line(&event), expected);
            }
        }
    }
}
