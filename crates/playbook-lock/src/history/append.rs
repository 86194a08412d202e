//! Appending to the event log.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use playbook_hash::disk::{AppendFile, DiskError};
use playbook_types::record::event::Event;

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
        // Events hold nothing that JSON cannot: keys are text, numbers finite.
        let mut line = serde_json::to_string(event).unwrap_or_default();
        line.push('\n');
        line
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
