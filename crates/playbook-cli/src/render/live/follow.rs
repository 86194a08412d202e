//! What stages print, as they print it: the logs are read on from where they were read to.
//!
//! Commands write to their logs directly, so nothing here can slow them down; one that prints faster than a person's terminal
//! takes it gets ahead. Then what lies between is left out, and said to be.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_types::name::StageName;

use crate::render::harmless::harmless;
use crate::render::units::bytes;
use crate::term::{Tone, paint};

/// So much of a log is read at once.
const BLOCK: usize = 64 * 1024;
/// A stage that is so far ahead is caught up with at once.
const AHEAD: u64 = 8 << 20;
/// A line is shown in pieces of this length.
const LINE: usize = 16 * 1024;

/// The logs that are followed.
#[derive(Debug, Default)]
pub(super) struct Follow(IndexMap<StageName, Followed>);

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    /// Open once something may be in it.
    file: Option<File>,
    /// How much was read.
    at: u64,
    /// The beginning of a line whose end is not there yet.
    open: Vec<u8>,
}

impl Follow {
    /// A stage's attempt begins that prints to this file.
    pub(super) fn begin(&mut self, stage: &StageName, path: &Path) {
        let followed = Followed {
            path: path.to_owned(),
            file: None,
            at: 0,
            open: Vec::new(),
        };
        self.0.insert(stage.clone(), followed);
    }

    /// What each of them has printed since, a block at most, as lines with the stage in front. Nothing if that is nothing.
    pub(super) fn news(&mut self) -> Option<String> {
        let mut news = String::new();
        let mut any = false;
        for (stage, followed) in &mut self.0 {
            any |= followed.block(stage, &mut news);
        }
        any.then_some(news)
    }

    /// Tells what this one has printed since, all of it: it ended.
    pub(super) fn end(&mut self, stage: &StageName, mut tell: impl FnMut(&str)) {
        let Some(mut followed) = self.0.shift_remove(stage) else {
            return;
        };
        let mut news = String::new();
        while followed.block(stage, &mut news) {
            tell(&std::mem::take(&mut news));
        }
        if !followed.open.is_empty() {
            tell(&line(stage, &followed.open));
        }
    }
}

impl Followed {
    /// Reads on and adds the lines to `news`; false at the end.
    fn block(&mut self, stage: &StageName, news: &mut String) -> bool {
        if self.file.is_none() {
            // The log is there once its command is about to start.
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &self.file else {
            return false;
        };
        let length = file.metadata().map_or(0, |meta| meta.len());
        if length.saturating_sub(self.at) > AHEAD {
            let to = length - BLOCK as u64;
            let left_out = to - self.at + self.open.len() as u64;
            self.open.clear();
            self.at = to;
            let said = format!(
                "… {} not shown: they are in {}",
                bytes(left_out),
                harmless(&self.path.to_string_lossy())
            );
            news.push_str(&line(stage, said.as_bytes()));
        }
        let mut block = vec![0; BLOCK];
        let Ok(read @ 1..) = file.read_at(&mut block, self.at) else {
            return false;
        };
        self.at += read as u64;
        let mut rest = &block[..read];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.open.extend_from_slice(&rest[..end]);
            news.push_str(&line(stage, &self.open));
            self.open.clear();
            rest = &rest[end + 1..];
        }
        self.open.extend_from_slice(rest);
        if self.open.len() > LINE {
            // A progress bar that redraws itself has ends of its own.
            let shown = self.open.iter().rposition(|byte| *byte == b'\r');
            let shown = shown.map_or(self.open.len(), |end| end + 1);
            let rest = self.open.split_off(shown);
            news.push_str(&line(stage, &self.open));
            self.open = rest;
        }
        true
    }
}

/// A line of a stage's. What was drawn over with carriage returns is left out, as it would be on a terminal.
fn line(stage: &StageName, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = anstream::adapter::strip_str(&text).to_string();
    let drawn = text
        .trim_end_matches('\r')
        .rsplit('\r')
        .next()
        .unwrap_or("");
    let drawn: Vec<_> = drawn.split('\t').map(harmless).collect();
    format!(
        "{} {}\n",
        paint(Tone::Dim, &format!("{stage} |")),
        drawn.join("\t")
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn stage() -> StageName {
        StageName::parse("s").unwrap()
    }

    /// What is shown of a log that grows by these pieces, one look after each, and one at the end.
    fn shown(pieces: &[&[u8]]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut follow = Follow::default();
        follow.begin(&stage(), file.path());
        let mut all = String::new();
        for piece in pieces {
            file.write_all(piece).unwrap();
            all.extend(follow.news());
        }
        follow.end(&stage(), |more| all.push_str(more));
        anstream::adapter::strip_str(&all).to_string()
    }

    #[test]
    fn lines_are_shown_whole_and_the_last_one_even_without_an_end() {
        let pieces: [&[u8]; 4] = [b"one\ntw", b"o\n\n", b"thr", b"ee"];
        assert_eq!(shown(&pieces), "s | one\ns | two\ns | \ns | three\n");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn nothing_in_a_line_reaches_the_terminal_as_a_command() {
        let pieces: [&[u8]; 1] = [b"10%\r99%\r\n\x1b[31mred\x1b[0m\ta\x07b\xff\x1b]0;title\x07\n"];
        assert_eq!(shown(&pieces), "s | 99%\ns | red\tab\u{fffd}\n");
    }

    #[test]
    fn a_line_without_an_end_is_shown_in_pieces() {
        let long = vec![b'x'; 3 * BLOCK];
        let shown = shown(&[&long]);
        let count = shown.matches('x').count();
        assert!(count == long.len() && shown.lines().count() > 2);
    }

    #[test]
    fn who_prints_faster_than_is_shown_is_caught_up_with() {
        let mut much = b"y\n".repeat(usize::try_from(AHEAD).unwrap());
        much.extend(b"end\n");
        let shown = shown(&[&much]);
        assert!(
            shown.starts_with("s | … 15.9 MiB not shown"),
            "{}",
            &shown[..80]
        );
        assert!(shown.ends_with("s | y\ns | end\n"));
        assert!(shown.len() < 4 * BLOCK);
    }
}
