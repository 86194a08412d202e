//! One stage of a random pipeline: its command, and what that has to make.

use std::fmt::Write as _;

use crate::fan::Fan;
use crate::pipeline::{Files, Pipeline};
use crate::rng::Rng;

/// A stage: its outs are a function of its deps and its param.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    /// Outs of earlier stages: stage and out.
    pub(crate) needs: Vec<(usize, usize)>,
    /// Files that no stage makes.
    pub(crate) reads: Vec<String>,
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
    /// How it is split into jobs.
    pub(crate) fan: Option<Fan>,
}

/// How a stage stands in the playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// By itself.
    Alone,
    /// For all that are written as one: under this title, with this line, and with what stands there for its own words.
    First {
        title: String,
        line: String,
        words: Vec<(String, String)>,
    },
    /// With the first of them.
    Another,
    /// By itself, reading by this pattern what several make.
    Collecting(String),
}

/// An out, by its path.
#[derive(Debug, Clone)]
pub(crate) enum Out {
    File(String),
    /// With a file for each line.
    Directory(String),
    /// With what jobs make, at any depth.
    Tree(String),
}

/// What the processes of a stage's command are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// One shell.
    Plain,
    /// The work is done by a child in the background.
    Background,
    /// By a shell that takes no notice of SIGTERM.
    Stubborn,
    /// By a shell whose output goes elsewhere than to the log.
    Quiet,
    /// By a child that has left the group and the session.
    Detached,
}

/// All of them. The last one's work stands in quotes, where no list can.
pub(crate) const STYLES: [Style; 5] = [
    Style::Plain,
    Style::Background,
    Style::Stubborn,
    Style::Quiet,
    Style::Detached,
];

impl Out {
    pub(crate) fn of(path: &str) -> Self {
        match path.strip_suffix(".d") {
            Some(_) => Self::Directory(path.to_owned()),
            None => Self::File(path.to_owned()),
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            Self::File(path) | Self::Directory(path) | Self::Tree(path) => path,
        }
    }

    /// Shell words for its files, in the order of their paths.
    fn files(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Directory(path) => format!("{path}/*"),
            Self::Tree(path) => format!("$(find {path} -type f | LC_ALL=C sort)"),
        }
    }
}

impl Stage {
    /// One that stands by itself, reads no other's outs and makes one file.
    pub(crate) fn random(rng: &mut Rng, name: &str) -> Self {
        let style = if rng.one_in(3) {
            rng.pick(&STYLES)
        } else {
            Style::Plain
        };
        Self {
            name: name.to_owned(),
            needs: Vec::new(),
            reads: vec![format!("in/{}", rng.below(2))],
            param: rng.below(3),
            outs: vec![Out::File(format!("out/{name}.txt"))],
            lines: rng.between(1, 4),
            style,
            slow: !rng.one_in(3),
            fails_first: rng.one_in(6),
            written: Written::Alone,
            fan: None,
        }
    }

    /// One that reads outs of these, and may make more than a file.
    pub(crate) fn below(rng: &mut Rng, name: &str, above: &[usize], stages: &[Self]) -> Self {
        let mut stage = Self::random(rng, name);
        if rng.one_in(2) {
            stage.outs.push(Out::Directory(format!("out/{name}.d")));
        }
        if rng.one_in(3) {
            let path = format!("deep/{name}/a/more.txt");
            stage.outs.push(Out::File(path));
        }
        stage.needs = above
            .iter()
            .map(|above| (*above, rng.below(stages[*above].outs.len())))
            .collect();
        stage.needs.sort_unstable();
        stage.needs.dedup();
        stage
    }

    pub(crate) fn yaml(&self, pipeline: &Pipeline) -> String {
        let quoted = |paths: Vec<String>| {
            let paths = paths.iter().map(|path| format!("'{path}'"));
            paths.collect::<Vec<_>>().join(", ")
        };
        let (title, line, words) = match &self.written {
            Written::Another => return String::new(),
            Written::Alone | Written::Collecting(_) => (self.name.as_str(), "", &[][..]),
            Written::First { title, line, words } => (title.as_str(), line.as_str(), &words[..]),
        };
        let outs = self.outs.iter().map(|out| out.path().to_owned()).collect();
        let (deps, outs) = (quoted(self.deps(pipeline)), quoted(outs));
        let mut rest = format!("    deps: [{deps}]\n    outs: [{outs}]\n    cmd: |\n");
        for line in self.command(pipeline).lines() {
            writeln!(rest, "      {line}").unwrap();
        }
        for (word, placeholder) in words {
            rest = rest.replace(word, placeholder);
        }
        let fan = self.fan.as_ref().map(Fan::yaml).unwrap_or_default();
        format!("  {title}:\n{line}{fan}{rest}")
    }

    /// What it reads. That of a fan-out begins with what is split.
    fn deps(&self, pipeline: &Pipeline) -> Vec<String> {
        let reads = self.reads.iter().cloned();
        if let Written::Collecting(pattern) = &self.written {
            return reads.chain([pattern.clone()]).collect();
        }
        let needs = self
            .needs
            .iter()
            .map(|(at, out)| pipeline.stages[*at].outs[*out].path().to_owned());
        match &self.fan {
            Some(fan) => fan.deps(needs.chain(reads).collect()),
            None => reads.chain(needs).collect(),
        }
    }

    /// The command. Its first and its last act are lines in a file of which the playbook knows nothing.
    fn command(&self, pipeline: &Pipeline) -> String {
        if let Some(fan) = &self.fan {
            return fan.command(self);
        }
        let Self { name, .. } = self;
        let mut text = format!("echo start $CRASH_RUN >> counts/{name}\n");
        if self.fails_first {
            let out = self.outs[0].path();
            writeln!(
                text,
                "if [ ! -e ok/{name} ]; then echo half > {out}; : > ok/{name}; exit 1; fi"
            )
            .unwrap();
        }
        text.push_str(&self.style.done_by(name, &self.work(pipeline)));
        writeln!(text, "echo end $CRASH_RUN >> counts/{name}").unwrap();
        text
    }

    /// Appends line by line, each time by name: a process that should be dead would spoil the next attempt's files.
    fn work(&self, pipeline: &Pipeline) -> String {
        let Self {
            name, param, lines, ..
        } = self;
        let deps = self.needs.iter();
        let deps = deps.map(|(at, out)| pipeline.stages[*at].outs[*out].files());
        let read: Vec<String> = match self.written {
            Written::Collecting(_) => vec!["{{ deps }}".to_owned()],
            _ => self.reads.iter().cloned().chain(deps).collect(),
        };
        let mut text = format!("sum=$(cat {} | cksum)\ni=0\n", read.join(" "));
        writeln!(text, "while [ $i -lt {lines} ]; do\n  i=$((i + 1))").unwrap();
        for (nth, out) in self.outs.iter().enumerate() {
            let line = format!("echo {name} {nth} {{{{params.p{param}}}}} $i $sum");
            match out {
                Out::File(path) => writeln!(text, "  {line} >> {path}"),
                Out::Directory(path) | Out::Tree(path) => {
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

    /// What it has to make of what it reads.
    pub(crate) fn makes(&self, param: u32, sum: &str) -> Files {
        let mut files = Files::new();
        for (nth, out) in self.outs.iter().enumerate() {
            for i in 1..=self.lines {
                let line = format!("{} {nth} {param} {i} {sum}\n", self.name);
                let path = match out {
                    Out::File(path) => path.clone(),
                    Out::Directory(path) | Out::Tree(path) => format!("{path}/{i}"),
                };
                files.entry(path).or_default().extend(line.bytes());
            }
        }
        files
    }
}

impl Style {
    /// A command whose work is done by processes like this.
    pub(crate) fn done_by(self, name: &str, work: &str) -> String {
        match self {
            Self::Plain => work.to_owned(),
            Self::Stubborn => format!("trap '' TERM\n{work}"),
            Self::Quiet => format!("exec > counts/{name}.said 2>&1\n{work}"),
            Self::Background => format!("(\n{work}) &\nwait $!\n"),
            Self::Detached => format!("setsid sh -e -c '\n{work}' &\nwait $!\n"),
        }
    }
}
