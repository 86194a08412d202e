//! Random pipelines, and what their stages have to make, reckoned here without running them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::rng::Rng;

/// Bytes by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A pipeline, and the values its stages depend on.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) stages: Vec<Stage>,
    /// Values of the params `p0`, `p1`, …
    pub(crate) params: Vec<u32>,
    /// Values of the files `in/0`, `in/1`, …
    pub(crate) sources: Vec<u32>,
    pub(crate) policy: &'static str,
}

/// A stage: its outs are a function of its deps and its param.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// Outs of earlier stages: stage and out.
    pub(crate) needs: Vec<(usize, usize)>,
    /// Files below `in/`.
    pub(crate) reads: Vec<usize>,
    pub(crate) param: usize,
    pub(crate) outs: Vec<Out>,
    /// How many lines each file has.
    pub(crate) lines: usize,
    pub(crate) style: Style,
    /// It sleeps between its lines.
    pub(crate) slow: bool,
    /// It fails until the file `ok/NAME` is there, which it makes itself.
    pub(crate) fails_first: bool,
    /// How it stands in the playbook.
    pub(crate) written: Written,
}

/// How a stage stands in the playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// By itself.
    Alone,
    /// As one of the stages of `w{n}`, for the source with this number.
    ForSource(usize),
    /// By itself, reading what all of those make.
    Collecting,
}

/// An out, by its path.
#[derive(Debug, Clone)]
pub(crate) enum Out {
    File(String),
    /// With a file for each line.
    Directory(String),
}

impl Out {
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::File(path) | Self::Directory(path) => path,
        }
    }
}

/// What the processes of a stage's command are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// One shell.
    Plain,
    /// The work is done by a child in the background.
    Background,
    /// By a child that has left the group and the session.
    Detached,
    /// By a shell that takes no notice of SIGTERM.
    Stubborn,
    /// By a shell whose output goes elsewhere than to the log.
    Quiet,
}

/// All of them.
pub(crate) const STYLES: [Style; 5] = [
    Style::Plain,
    Style::Background,
    Style::Detached,
    Style::Stubborn,
    Style::Quiet,
];

impl Pipeline {
    /// One of six to fifteen stages.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let count = rng.between(6, 15);
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
            let stage = Stage::random(rng, at, &above, &stages);
            stages.push(stage);
        }
        if rng.one_in(2) {
            let first = stages.len();
            let slow = rng.one_in(2);
            for n in 0..2 {
                let stage = Stage::for_source(rng, n);
                stages.push(Stage { slow, ..stage });
            }
            stages.push(Stage::collecting(rng, &[first, first + 1]));
        }
        Self {
            stages,
            params: vec![1; 3],
            sources: vec![1; 2],
            policy: rng.pick(&["stop_on_first", "continue_on_failure"]),
        }
    }

    /// A small one that has something of everything and does not dawdle.
    pub(crate) fn small() -> Self {
        let stage = |at: usize, needs: &[(usize, usize)], outs: &[&str]| Stage {
            name: format!("s{at}"),
            needs: needs.to_vec(),
            reads: vec![at % 2],
            param: at % 3,
            outs: outs.iter().map(|path| Out::of(path)).collect(),
            lines: 2,
            style: Style::Plain,
            slow: false,
            fails_first: false,
            written: Written::Alone,
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
            sources: vec![1; 2],
            policy: "continue_on_failure",
        }
    }

    /// Changes what some stages depend on. If that is only a source, stats tell which.
    pub(crate) fn next_generation(&mut self, rng: &mut Rng) {
        if rng.one_in(3) {
            let at = rng.below(self.sources.len());
            self.sources[at] += 1;
            return;
        }
        let at = rng.below(self.params.len());
        self.params[at] += 1;
        if rng.one_in(2) {
            self.params[0] += 1;
        }
        if rng.one_in(3) {
            let at = rng.below(self.sources.len());
            self.sources[at] += 1;
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
            match stage.written {
                // They are written as the first of them.
                Written::ForSource(n) if n > 0 => {}
                Written::ForSource(_) => {
                    let alone = stage.yaml(self).replace("w0", "w{n}");
                    let alone = alone.replace("in/0", "in/{n}");
                    text.push_str(&alone.replace("wild/0", "wild/{n}"));
                }
                Written::Alone | Written::Collecting => text.push_str(&stage.yaml(self)),
            }
        }
        text
    }

    pub(crate) fn source(&self, at: usize) -> Vec<u8> {
        format!("source {at} {}\n", self.sources[at]).into_bytes()
    }

    /// What each stage has to make.
    pub(crate) fn expected(&self) -> Vec<Files> {
        let mut made: Vec<Files> = Vec::new();
        for stage in &self.stages {
            let mut read = Vec::new();
            for at in &stage.reads {
                read.extend(self.source(*at));
            }
            for (at, out) in &stage.needs {
                let path = self.stages[*at].outs[*out].path();
                // In the order of their paths, as the shell's `*` gives them.
                let files = made[*at].iter().filter(|(file, _)| {
                    let rest = file.strip_prefix(path);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                });
                files.for_each(|(_, bytes)| read.extend(bytes));
            }
            let sum = cksum(&read);
            made.push(stage.makes(self.params[stage.param], &sum));
        }
        made
    }

    pub(crate) fn stage(&self, name: &str) -> usize {
        let at = self.stages.iter().position(|stage| stage.name == name);
        assert!(at.is_some(), "there is no stage {name}");
        at.unwrap()
    }
}

impl Out {
    fn of(path: &str) -> Self {
        match path.strip_suffix(".d") {
            Some(_) => Self::Directory(path.to_owned()),
            None => Self::File(path.to_owned()),
        }
    }
}

impl Stage {
    fn random(rng: &mut Rng, at: usize, above: &[usize], stages: &[Self]) -> Self {
        let name = format!("s{at}");
        let mut outs = vec![Out::File(format!("out/{name}.txt"))];
        if rng.one_in(2) {
            outs.push(Out::Directory(format!("out/{name}.d")));
        }
        if rng.one_in(3) {
            outs.push(Out::File(format!("deep/{name}/a/more.txt")));
        }
        let mut needs: Vec<(usize, usize)> = above
            .iter()
            .map(|above| (*above, rng.below(stages[*above].outs.len())))
            .collect();
        needs.sort_unstable();
        needs.dedup();
        let style = if rng.one_in(3) {
            rng.pick(&STYLES)
        } else {
            Style::Plain
        };
        Self {
            name,
            needs,
            reads: vec![rng.below(2)],
            param: rng.below(3),
            outs,
            lines: rng.between(1, 4),
            style,
            slow: !rng.one_in(3),
            fails_first: rng.one_in(6),
            written: Written::Alone,
        }
    }

    /// One of the stages that are written as one.
    fn for_source(rng: &mut Rng, n: usize) -> Self {
        Self {
            name: format!("w{n}"),
            needs: Vec::new(),
            reads: vec![n],
            outs: vec![Out::File(format!("wild/{n}.txt"))],
            // They have one command.
            param: 0,
            lines: 2,
            style: Style::Plain,
            fails_first: false,
            written: Written::ForSource(n),
            ..Self::random(rng, 0, &[], &[])
        }
    }

    /// It reads what these make.
    fn collecting(rng: &mut Rng, wild: &[usize]) -> Self {
        Self {
            name: "all".to_owned(),
            needs: wild.iter().map(|at| (*at, 0)).collect(),
            outs: vec![Out::File("out/all.txt".to_owned())],
            written: Written::Collecting,
            ..Self::random(rng, 0, &[], &[])
        }
    }

    fn yaml(&self, pipeline: &Pipeline) -> String {
        let quoted = |paths: Vec<String>| {
            let paths = paths.iter().map(|path| format!("'{path}'"));
            paths.collect::<Vec<_>>().join(", ")
        };
        let outs = self.outs.iter().map(|out| out.path().to_owned()).collect();
        let (deps, outs) = (quoted(self.deps(pipeline)), quoted(outs));
        let mut text = format!(
            "  {}:\n    deps: [{deps}]\n    outs: [{outs}]\n    cmd: |\n",
            self.name
        );
        for line in self.command(pipeline).lines() {
            writeln!(text, "      {line}").unwrap();
        }
        text
    }

    fn deps(&self, pipeline: &Pipeline) -> Vec<String> {
        let reads = self.reads.iter().map(|at| format!("in/{at}"));
        if self.written == Written::Collecting {
            return reads.chain(["wild/{any}.txt".to_owned()]).collect();
        }
        let needs = self
            .needs
            .iter()
            .map(|(at, out)| pipeline.stages[*at].outs[*out].path().to_owned());
        reads.chain(needs).collect()
    }

    /// The command. Its first and its last act are lines in a file of which the playbook knows nothing.
    fn command(&self, pipeline: &Pipeline) -> String {
        let Self { name, .. } = self;
        let mut text = format!("echo start $CRASH_RUN >> counts/{name}\n");
        if self.fails_first {
            let out = self.outs[0].path();
            let half = match self.outs[0] {
                Out::File(_) => format!("echo half > {out}"),
                Out::Directory(_) => format!("mkdir {out}; echo half > {out}/1"),
            };
            writeln!(
                text,
                "if [ ! -e ok/{name} ]; then {half}; : > ok/{name}; exit 1; fi"
            )
            .unwrap();
        }
        let work = self.work(pipeline);
        match self.style {
            Style::Plain => text.push_str(&work),
            Style::Stubborn => write!(text, "trap '' TERM\n{work}").unwrap(),
            Style::Quiet => write!(text, "exec > counts/{name}.said 2>&1\n{work}").unwrap(),
            Style::Background => write!(text, "(\n{work}) &\nwait $!\n").unwrap(),
            Style::Detached => write!(text, "setsid sh -e -c '\n{work}' &\nwait $!\n").unwrap(),
        }
        writeln!(text, "echo end $CRASH_RUN >> counts/{name}").unwrap();
        text
    }

    /// Appends line by line, each time by name: a process that should be dead would spoil the next attempt's files.
    fn work(&self, pipeline: &Pipeline) -> String {
        let Self {
            name, param, lines, ..
        } = self;
        let deps = self.needs.iter().map(|(at, out)| {
            let out = &pipeline.stages[*at].outs[*out];
            match out {
                Out::File(path) => path.clone(),
                Out::Directory(path) => format!("{path}/*"),
            }
        });
        let reads = self.reads.iter().map(|at| format!("in/{at}"));
        let read: Vec<String> = reads.chain(deps).collect();
        let mut text = format!("sum=$(cat {} | cksum)\ni=0\n", read.join(" "));
        writeln!(text, "while [ $i -lt {lines} ]; do\n  i=$((i + 1))").unwrap();
        for (nth, out) in self.outs.iter().enumerate() {
            let line = format!("echo {name} {nth} {{{{params.p{param}}}}} $i $sum");
            match out {
                Out::File(path) => writeln!(text, "  {line} >> {path}"),
                Out::Directory(path) => {
                    writeln!(text, "  mkdir -p {path}\n  {line} >> {path}/$i")
                }
            }
            .unwrap();
        }
        if self.slow {
            text.push_str("  sleep 0.01\n");
        }
        text.push_str("done\n");
        text
    }

    fn makes(&self, param: u32, sum: &str) -> Files {
        let mut files = Files::new();
        for (nth, out) in self.outs.iter().enumerate() {
            for i in 1..=self.lines {
                let line = format!("{} {nth} {param} {i} {sum}\n", self.name);
                let path = match out {
                    Out::File(path) => path.clone(),
                    Out::Directory(path) => format!("{path}/{i}"),
                };
                files.entry(path).or_default().extend(line.bytes());
            }
        }
        files
    }
}

/// What `cksum` prints for these bytes: a CRC over them and their length, and the length (POSIX, `cksum`).
fn cksum(bytes: &[u8]) -> String {
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
