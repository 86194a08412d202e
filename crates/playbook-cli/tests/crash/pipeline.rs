//! Random pipelines, and what their stages have to make, reckoned here without running them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::fan::{self, Job};
use crate::parts::below;
use crate::rng::Rng;
use crate::stage::{Out, Stage, Style, Written};
use crate::wild::{self, Wild};

/// Bytes by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A pipeline, and the values its stages depend on.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) stages: Vec<Stage>,
    /// Values of the params `p0`, `p1`, …
    pub(crate) params: Vec<u32>,
    /// Values of the files that no stage makes, by their paths.
    pub(crate) sources: BTreeMap<String, u32>,
    /// The last value a file was given: none is given twice.
    last: u32,
    pub(crate) policy: &'static str,
    /// What the last stages are made of, if files and lists decide which there are.
    wild: Option<Wild>,
}

/// What a pipeline has beside stages that stand by themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) wild: bool,
    pub(crate) fan_out: bool,
}

/// What there is to make.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// By stage.
    pub(crate) made: Vec<Files>,
    /// Of all fan-outs.
    pub(crate) jobs: Vec<Job>,
}

impl Pipeline {
    /// One of six to fifteen stages, sometimes with such that files and lists decide about.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let count = rng.between(6, 15);
        let parts = Parts {
            wild: rng.one_in(3),
            fan_out: false,
        };
        Self::with(rng, count, parts)
    }

    /// One with so many stages that stand by themselves, and others.
    pub(crate) fn with(rng: &mut Rng, count: usize, parts: Parts) -> Self {
        let shape = rng.below(4);
        let mut stages: Vec<Stage> = Vec::new();
        for at in 0..count {
            let above: Vec<usize> = match (shape, at) {
                (_, 0) => Vec::new(),
                (0, at) => vec![at - 1],
                (1, _) => vec![0],
                // A diamond: a row of four between two single ones.
                (2, at) if at % 5 == 0 => (at - 4..at).collect(),
                (2, at) => vec![at - at % 5],
                (_, at) => (0..rng.between(0, 2)).map(|_| rng.below(at)).collect(),
            };
            let stage = Stage::below(rng, &format!("s{at}"), &above, &stages);
            stages.push(stage);
        }
        let mut sources = two_sources();
        if parts.fan_out {
            fan::append(rng, &mut stages);
            sources.extend(fan::some_files(rng).into_iter().map(|path| (path, 1)));
        }
        let mut pipeline = Self {
            stages,
            params: vec![1; 3],
            sources,
            last: 1,
            policy: rng.pick(&["stop_on_first", "continue_on_failure"]),
            wild: None,
        };
        if parts.wild {
            let files = wild::some_files(rng).into_iter().map(|path| (path, 1));
            pipeline.sources.extend(files);
            let wild = Wild::random(rng);
            let first = pipeline.stages.len();
            pipeline
                .stages
                .extend(wild.stages(&pipeline.sources, first));
            pipeline.wild = Some(wild);
        }
        pipeline
    }

    /// A small one that has something of everything and does not dawdle.
    pub(crate) fn small() -> Self {
        let stage = |at: usize, needs: &[(usize, usize)], outs: &[&str]| Stage {
            name: format!("s{at}"),
            needs: needs.to_vec(),
            reads: vec![format!("in/{}", at % 2)],
            param: at % 3,
            outs: outs.iter().map(|path| Out::of(path)).collect(),
            lines: 2,
            style: Style::Plain,
            slow: false,
            fails_first: false,
            written: Written::Alone,
            fan: None,
        };
        let mut stages = vec![
            stage(0, &[], &["out/s0.txt", "out/s0.d"]),
            stage(1, &[(0, 0)], &["deep/s1/a/one.txt", "out/s1.txt"]),
            stage(2, &[(0, 1)], &["out/s2.d"]),
            stage(3, &[(1, 0), (2, 0)], &["out/s3.txt"]),
        ];
        stages[2].fails_first = true;
        Self {
            stages,
            params: vec![1; 3],
            sources: two_sources(),
            last: 1,
            policy: "continue_on_failure",
            wild: None,
        }
    }

    /// Changes what some stages depend on. If those are only files, stats tell which.
    pub(crate) fn next_generation(&mut self, rng: &mut Rng) {
        self.source_changes(rng);
        if rng.one_in(2) {
            self.files_come_and_go(rng);
        }
        if rng.one_in(3) {
            return;
        }
        let at = rng.below(self.params.len());
        self.params[at] += 1;
        if rng.one_in(2) {
            self.params[0] += 1;
        }
        if rng.one_in(2) {
            self.values_come_and_go(rng);
        }
    }

    /// One of the files that no stage makes says something else.
    pub(crate) fn source_changes(&mut self, rng: &mut Rng) {
        let at = rng.below(self.sources.len());
        self.last += 1;
        let value = self.sources.values_mut().nth(at);
        *value.unwrap() = self.last;
    }

    /// All of them do.
    pub(crate) fn sources_change(&mut self) {
        self.last += 1;
        self.sources
            .values_mut()
            .for_each(|value| *value = self.last);
    }

    /// Files that decide which stages and jobs there are come, or go, but never the last of a kind.
    pub(crate) fn files_come_and_go(&mut self, rng: &mut Rng) {
        for _ in 0..rng.between(1, 3) {
            let path = match (rng.one_in(2), &self.wild) {
                (true, Some(_)) => wild::any_file(rng),
                _ => fan::any_file(rng),
            };
            let kind = &path[.."in/f/".len()];
            let there = self.sources.keys().filter(|path| path.starts_with(kind));
            match (there.count(), self.sources.contains_key(&path)) {
                // There is no stage that would read it.
                (0, _) | (1, true) => {}
                (_, true) => {
                    self.sources.remove(&path);
                }
                (_, false) => {
                    self.last += 1;
                    self.sources.insert(path, self.last);
                }
            }
        }
        self.decide_stages();
    }

    /// Values that decide which stages there are come, or go.
    fn values_come_and_go(&mut self, rng: &mut Rng) {
        if let Some(wild) = &mut self.wild {
            wild.vary(rng);
            self.decide_stages();
        }
    }

    fn decide_stages(&mut self) {
        if let Some(wild) = &self.wild {
            let first = self.stand_alone();
            self.stages.truncate(first);
            self.stages.extend(wild.stages(&self.sources, first));
        }
    }

    /// How many stages stand before those that files and lists decide about.
    fn stand_alone(&self) -> usize {
        let mut stages = self.stages.iter();
        let first = stages.position(|stage| stage.written != Written::Alone);
        first.unwrap_or(self.stages.len())
    }

    /// A stage goes; those that files and lists decide about go first, and together.
    pub(crate) fn stage_goes(&mut self) {
        if self.wild.take().is_some() {
            self.stages.truncate(self.stand_alone());
        } else if self.stages.len() > 2 {
            self.stages.pop();
        }
    }

    /// A stage gets another name, or all that files and lists decide about do.
    pub(crate) fn stage_is_renamed(&mut self, rng: &mut Rng) {
        let at = rng.below(self.stages.len());
        match &mut self.wild {
            Some(wild) if self.stages[at].written != Written::Alone => {
                wild.renamed.push('r');
                self.decide_stages();
            }
            _ => self.stages[at].name.push('r'),
        }
    }

    pub(crate) fn yaml(&self) -> String {
        let mut text = format!(
            "version: \"1.0\"\nname: crash\npolicy: {{failure: {}}}\nparams:\n",
            self.policy
        );
        for (at, value) in self.params.iter().enumerate() {
            writeln!(text, "  p{at}: {value}").unwrap();
        }
        text.push_str("stages:\n");
        for stage in &self.stages {
            text.push_str(&stage.yaml(self));
        }
        text
    }

    pub(crate) fn source(&self, path: &str) -> Vec<u8> {
        format!("source {path} {}\n", self.sources[path]).into_bytes()
    }

    /// What each stage has to make, and each job.
    pub(crate) fn expected(&self) -> Expected {
        let mut made: Vec<Files> = Vec::new();
        let mut jobs = Vec::new();
        for stage in &self.stages {
            let param = self.params[stage.param];
            let read = stage.reads.iter().map(|path| self.source(path));
            let mut read: Vec<u8> = read.flatten().collect();
            // In the order of their paths, as the shell's `*` gives them.
            let mut needed = Files::new();
            for (at, out) in &stage.needs {
                let found = below(&made[*at], self.stages[*at].outs[*out].path());
                for (path, bytes) in found {
                    read.extend(bytes.iter().filter(|_| stage.fan.is_none()));
                    needed.insert(path.trim_start_matches('/').to_owned(), bytes.to_vec());
                }
            }
            let Some(fan) = &stage.fan else {
                made.push(stage.makes(param, &cksum(&read)));
                continue;
            };
            if stage.needs.is_empty() {
                let split = self.sources.keys().filter_map(|path| {
                    let below = fan::below_directory(path)?.to_owned();
                    Some((below, self.source(path)))
                });
                needed.extend(split);
            }
            let (all, files) = fan.jobs(stage, (param, &read), &needed);
            jobs.extend(all);
            made.push(files);
        }
        Expected { made, jobs }
    }

    pub(crate) fn stage(&self, name: &str) -> usize {
        let at = self.stages.iter().position(|stage| stage.name == name);
        assert!(at.is_some(), "there is no stage {name}");
        at.unwrap()
    }
}

fn two_sources() -> BTreeMap<String, u32> {
    [("in/0".to_owned(), 1), ("in/1".to_owned(), 1)].into()
}

/// What `cksum` prints for these bytes: a CRC over them and their length, and the length (POSIX, `cksum`).
pub(crate) fn cksum(bytes: &[u8]) -> String {
    let mut length = bytes.len();
    let mut tail = Vec::new();
    while length > 0 {
        tail.push(u8::try_from(length & 0xff).unwrap());
        length >>= 8;
    }
    let mut crc: u32 = 0;
    for byte in bytes.iter().chain(&tail) {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            let carry = crc & 0x8000_0000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x04c1_1db7;
            }
        }
    }
    format!("{} {}", !crc, bytes.len())
}
