//! The lines of an event log from its end to its beginning, and what stands in front in each.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use memchr::{memchr, memrchr};
use serde::Deserialize;
use uuid::Uuid;

/// How much is read at once; twice as much each time for a line that is longer.
const BLOCK: usize = 64 * 1024;

/// Lines from the end of a file to its beginning.
#[derive(Debug)]
pub(super) struct Backward<'f> {
    file: &'f File,
    /// Where `rest` begins in the file.
    at: u64,
    /// What was read and not given out yet.
    rest: Vec<u8>,
    /// How much is read next.
    block: usize,
}

/// One line, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'b> {
    /// Where it begins in the file.
    pub(super) at: u64,
    pub(super) bytes: &'b [u8],
}

impl<'f> Backward<'f> {
    /// The lines in the first `length` bytes.
    pub(super) fn new(file: &'f File, length: u64) -> Self {
        Self {
            file,
            at: length,
            rest: Vec::new(),
            block: BLOCK,
        }
    }

    /// The line before the one given last. Behind a newline at the very end there is an empty one.
    pub(super) fn next<R>(&mut self, see: impl FnOnce(Line<'_>) -> R) -> io::Result<Option<R>> {
        loop {
            if let Some(newline) = memrchr(b'\n', &self.rest) {
                let at = self.at + newline as u64 + 1;
                let bytes = &self.rest[newline + 1..];
                let seen = see(Line { at, bytes });
                self.rest.truncate(newline);
                self.block = BLOCK;
                return Ok(Some(seen));
            }
            if self.at == 0 {
                let bytes = std::mem::take(&mut self.rest);
                let line = Line {
                    at: 0,
                    bytes: &bytes,
                };
                return Ok((!bytes.is_empty()).then(|| see(line)));
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let ahead = usize::try_from(self.at).unwrap_or(usize::MAX);
        let count = self.block.min(ahead);
        let mut bytes = vec![0; count];
        let from = self.at - count as u64;
        self.file.read_exact_at(&mut bytes, from)?;
        bytes.append(&mut self.rest);
        (self.rest, self.at) = (bytes, from);
        self.block = self.block.saturating_mul(2);
        Ok(())
    }
}

/// What every event begins with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Head<'l> {
    #[serde(borrow)]
    pub(super) ts: Cow<'l, str>,
    pub(super) run_id: Uuid,
    #[serde(borrow)]
    pub(super) event: Cow<'l, str>,
}

/// The front of a line that is an event of this or another version; `None` if it is none, or torn.
pub(super) fn head(line: &[u8]) -> Option<Head<'_>> {
    quick_head(line).or_else(|| serde_json::from_slice(line).ok())
}

/// The same for a line as this program writes it, without reading what follows.
fn quick_head(line: &[u8]) -> Option<Head<'_>> {
    if line.last() != Some(&b'}') {
        return None;
    }
    let rest = line.strip_prefix(br#"{"ts":""#)?;
    let (ts, rest) = plain(rest)?;
    let (run_id, rest) = plain(rest.strip_prefix(br#","run_id":""#)?)?;
    let (event, _) = plain(rest.strip_prefix(br#","event":""#)?)?;
    Some(Head {
        ts: Cow::Borrowed(ts),
        run_id: Uuid::try_parse(run_id).ok()?,
        event: Cow::Borrowed(event),
    })
}

/// Text up to the next quote, if nothing in it is escaped, and what is behind the quote.
fn plain(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr(b'"', bytes)?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    (!text.contains('\\')).then_some((text, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn lines(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut backward = Backward::new(&file, bytes.len() as u64);
        let mut lines = Vec::new();
        while let Some(line) = backward
            .next(|line| (line.at, line.bytes.to_vec()))
            .unwrap()
        {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn lines_come_from_the_end_each_with_its_place() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"a"), [(0, b"a".to_vec())]);
        assert_eq!(
            lines(b"one\ntwo\n"),
            [(8, vec![]), (4, b"two".to_vec()), (0, b"one".to_vec())]
        );
        assert_eq!(lines(b"\n\nx").len(), 2);
    }

    #[test]
    fn a_line_may_be_longer_than_a_block() {
        let mut bytes = b"first\n".to_vec();
        bytes.extend(vec![b'x'; BLOCK * 5 + 7]);
        bytes.extend(b"\nlast");
        let lines = lines(&bytes);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].1.len(), BLOCK * 5 + 7);
        assert_eq!(lines[2], (0, b"first".to_vec()));
    }

    #[test]
    fn the_quick_way_reads_what_serde_reads() {
        let id = "0192f3c1-0000-7000-8000-000000000001";
        let ours = format!(r#"{{"ts":"t","run_id":"{id}","event":"e","more":1}}"#);
        assert_eq!(
            quick_head(ours.as_bytes()),
            serde_json::from_str(&ours).unwrap()
        );
        let escaped = ours.replace(r#""e""#, r#""\u0065""#);
        assert_eq!(quick_head(escaped.as_bytes()), None);
        assert_eq!(head(escaped.as_bytes()).unwrap().event, "e");
        let turned = format!(r#"{{"event":"e","run_id":"{id}","ts":"t"}}"#);
        assert_eq!(head(turned.as_bytes()), quick_head(ours.as_bytes()));
        assert_eq!(head(&ours.as_bytes()[..ours.len() - 1]), None);
        assert_eq!(head(b"{}"), None);
    }
}
