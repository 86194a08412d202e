//! What stages print, as they print it: the logs are read on from where they were read to.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_types::name::StageName;

use crate::render::harmless::harmless;
use crate::term::{Tone, paint};

/// So much of a log is read at once.
const BLOCK: usize = 64 * 1024;

/// The logs that are followed.
#[derive(Debug, Default)]
pub(super) struct Follow(IndexMap<StageName, Followed>);

#[derive(Debug)]
struct Followed {
    path: PathBuf,
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
            at: 0,
            open: Vec::new(),
        };
        self.0.insert(stage.clone(), followed);
    }

    /// What all of them have printed since, as lines with the stage in front.
    pub(super) fn news(&mut self) -> String {
        let news = self
            .0
            .iter_mut()
            .map(|(stage, followed)| followed.news(stage));
        news.collect()
    }

    /// What this one has printed since, all of it: it ended.
    pub(super) fn end(&mut self, stage: &StageName) -> String {
        let Some(mut followed) = self.0.shift_remove(stage) else {
            return String::new();
        };
        let mut news = followed.news(stage);
        if !followed.open.is_empty() {
            news.push_str(&line(stage, &followed.open));
        }
        news
    }
}

impl Followed {
    fn news(&mut self, stage: &StageName) -> String {
        let mut news = String::new();
        // A log is there once something was printed, or not at all.
        let Ok(file) = File::open(&self.path) else {
            return news;
        };
        let mut block = vec![0; BLOCK];
        while let Ok(read @ 1..) = file.read_at(&mut block, self.at) {
            self.at += read as u64;
            self.open.extend_from_slice(&block[..read]);
            while let Some(end) = self.open.iter().position(|byte| *byte == b'\n') {
                let rest = self.open.split_off(end + 1);
                news.push_str(&line(stage, &self.open[..end]));
                self.open = rest;
            }
        }
        news
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
