//! The log of one attempt: what its commands print, byte for byte.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_hash::disk::{self, DiskError};

/// The log of one attempt at a stage.
#[derive(Debug)]
pub(crate) struct AttemptLog {
    path: PathBuf,
    file: File,
}

impl AttemptLog {
    /// To be handed to the command.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything was printed to it.
    pub(crate) fn has_text(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| meta.len() > 0)
    }

    /// Whether what was printed ends with its line.
    pub(crate) fn ends_a_line(&self) -> bool {
        let last = || -> io::Result<u8> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            Ok(last[0])
        };
        last().is_ok_and(|last| last == b'\n')
    }

    /// Forgets what was printed.
    pub(crate) fn empty(&mut self) -> Result<(), DiskError> {
        disk::overwrite(&self.path, &mut self.file, b"")
    }
}

/// Logs that nothing was printed to. Most commands print nothing, and a file for each would cost more than much
/// of the rest: so the next attempt gets the file, under its own name.
#[derive(Debug, Default)]
pub(crate) struct SpareLogs(Mutex<Vec<AttemptLog>>);

impl SpareLogs {
    /// An empty log at `path`; its directory must exist.
    pub(crate) fn open(&self, path: &Path) -> Result<AttemptLog, DiskError> {
        let spare = self.spare().pop();
        let taken = spare.map(|spare| disk::rename(&spare.path, path).map(|()| spare.file));
        let file = match taken {
            Some(Err(error)) if error.source.kind() != io::ErrorKind::NotFound => {
                return Err(error);
            }
            Some(Ok(taken)) => taken,
            // A run that ended unluckily may have left one of the same name.
            Some(Err(_)) | None => disk::open_empty(path)?,
        };
        let path = path.to_owned();
        Ok(AttemptLog { path, file })
    }

    /// Takes back the log of an attempt that went well and of which nothing is left that could print.
    pub(crate) fn give_back(&self, log: AttemptLog) {
        if log.file.metadata().is_ok_and(|meta| meta.len() == 0) {
            self.spare().push(log);
        }
    }

    /// Removes them, and their directory if there is nothing else in it: the run is over.
    pub(crate) fn remove(&self) -> Result<(), DiskError> {
        for AttemptLog { path, file } in self.spare().drain(..) {
            drop(file);
            match disk::remove_file(&path) {
                Err(error) if error.source.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let is_empty = |directory: &&Path| {
                std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
            };
            path.parent()
                .filter(is_empty)
                .map_or(Ok(()), disk::remove_dir)?;
        }
        Ok(())
    }

    fn spare(&self) -> MutexGuard<'_, Vec<AttemptLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most of a log that is read to show its end.
const TAIL_BYTES: u64 = 16 * 1024;

/// The last lines of a log, at most `lines` of them, with what is not text replaced.
///
/// # Errors
///
/// When the log cannot be read.
pub fn tail(path: &Path, lines: usize) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The first line is cut unless the log begins there.
    let whole = text
        .lines()
        .skip(usize::from(from > 0 && text.contains('\n')));
    let all: Vec<String> = whole.map(printable).collect();
    Ok(all[all.len().saturating_sub(lines)..].to_vec())
}

/// A log line on a terminal must not move the cursor or change colours; carriage returns redraw a line.
fn printable(line: &str) -> String {
    let last_drawn = line
        .trim_end_matches('\r')
        .rsplit('\r')
        .next()
        .unwrap_or("");
    let mut shown = String::with_capacity(last_drawn.len());
    let mut rest = last_drawn.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\t' => shown.push(c),
            c if c.is_control() => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

/// Skips what follows an escape character: a sequence that moves or colours (ECMA-48, CSI), one that sets a title or the
/// like (OSC), or one character.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => {
            rest.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']') => {
            rest.find(|c| matches!(c, '\u{7}' | '\u{1b}'));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn tail_of(bytes: &[u8], lines: usize) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        tail(file.path(), lines).unwrap()
    }

    #[test]
    fn the_end_of_a_log() {
        assert_eq!(tail_of(b"", 3), Vec::<String>::new());
        assert_eq!(tail_of(b"a\nb\nc\nd", 2), ["c", "d"]);
        assert_eq!(
            tail_of(b"10%\r50%\r100%\n\x1b[31mred\xff\n", 9),
            ["100%", "red\u{fffd}"]
        );
    }

    #[test]
    fn nothing_of_a_line_reaches_a_terminal_as_a_command() {
        for (line, shown) in [
            ("\x1b[1;31mred\x1b[0m plain", "red plain"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1bcreset", "reset"),
            ("torn \x1b[12", "torn "),
            ("bell\x07\ttab", "bell\u{fffd}\ttab"),
        ] {
            assert_eq!(printable(line), shown, "{line:?}");
        }
    }

    #[test]
    fn a_huge_log_is_not_read_whole() {
        let mut bytes = vec![b'x'; 1_000_000];
        bytes.extend(b"\nlast\n");
        assert_eq!(tail_of(&bytes, 5), ["last"]);
    }

    #[test]
    fn a_log_that_nobody_printed_to_is_the_next_ones() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        disk::create_dirs(&run).unwrap();
        let names = || {
            let entries = std::fs::read_dir(&run).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let logs = SpareLogs::default();
        for name in ["a", "b"] {
            logs.give_back(logs.open(&run.join(name)).unwrap());
        }
        assert_eq!(names(), ["b"]);
        let loud = logs.open(&run.join("c")).unwrap();
        loud.file()
            .try_clone()
            .unwrap()
            .write_all(b"heard")
            .unwrap();
        logs.give_back(loud);
        logs.give_back(logs.open(&run.join("d")).unwrap());
        assert_eq!(names(), ["c", "d"]);
        // Somebody tidied up meanwhile.
        disk::remove_file(&run.join("d")).unwrap();
        logs.give_back(logs.open(&run.join("e")).unwrap());
        logs.remove().unwrap();
        assert_eq!(names(), ["c"]);
        assert_eq!(tail(&run.join("c"), 1).unwrap(), ["heard"]);
    }

    #[test]
    fn of_a_run_that_printed_nothing_no_directory_stays() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        disk::create_dirs(&run).unwrap();
        let logs = SpareLogs::default();
        let both = [
            logs.open(&run.join("a")).unwrap(),
            logs.open(&run.join("b")).unwrap(),
        ];
        for log in both {
            logs.give_back(log);
        }
        logs.remove().unwrap();
        assert!(!run.exists());
    }
}
