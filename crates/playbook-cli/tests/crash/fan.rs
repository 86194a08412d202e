//! A stage that is split into jobs: what each of them does, and what all of them have to make.

use std::fmt::Write as _;

use crate::pipeline::{Files, cksum};
use crate::rng::Rng;
use crate::stage::{Out, STYLES, Stage, Style};

/// What is split where no stage makes it.
const DIRECTORY: &str = "in/f";

/// Files that there may be in it, some of them deeper.
const NAMES: [&str; 8] = [
    "alpha", "beta", "delta", "gamma", "kappa", "sub/eta", "sub/iota", "sub/zeta",
];

/// The file whose job fails at first, if jobs do and it is there.
const FAILS: &str = "beta";

/// How a stage is split.
#[derive(Debug, Clone)]
pub(crate) struct Fan {
    /// So many files a job; `None` for one job a file, said as `per_file`.
    pub(crate) chunk: Option<usize>,
    /// What it splits is what another one makes.
    of_a_stage: bool,
    max_workers: Option<usize>,
    /// Its jobs use their work directories.
    scratch: bool,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) stage: String,
    /// Where its acts are counted, one file for each of its inputs.
    pub(crate) counts: Vec<String>,
    /// The files it makes.
    pub(crate) outs: Vec<String>,
    /// All that decides what it makes.
    pub(crate) key: String,
}

impl Fan {
    pub(crate) fn yaml(&self) -> String {
        let ext = self.exts().1;
        let strategy = match self.chunk {
            None => "per_file".to_owned(),
            Some(size) => format!("chunked, chunk_size: {size}"),
        };
        let most = self.max_workers;
        let most = most.map(|most| format!(", max_workers: {most}"));
        format!(
            "    parallel: {{strategy: {strategy}, ext: {ext}{}}}\n",
            most.unwrap_or_default()
        )
    }

    /// The extensions of inputs and outputs.
    fn exts(&self) -> (&'static str, &'static str) {
        if self.of_a_stage {
            ("mid", "fin")
        } else {
            ("src", "mid")
        }
    }

    /// What is split stands before all else that it reads.
    pub(crate) fn deps(&self, others: Vec<String>) -> Vec<String> {
        if self.of_a_stage {
            return others;
        }
        std::iter::once(DIRECTORY.to_owned())
            .chain(others)
            .collect()
    }

    /// Does the same for each input of a job, and counts each.
    pub(crate) fn command(&self, stage: &Stage) -> String {
        let Stage {
            name, param, lines, ..
        } = stage;
        let (from, _) = self.exts();
        let (inputs, outputs) = match self.chunk {
            None => ("{{ input }}", "{{ output }}"),
            Some(_) => ("{{ inputs }}", "{{ outputs }}"),
        };
        let count = |what: &str| {
            format!(
                "for f in {inputs}; do n=${{f##*/}}; echo {what} $CRASH_RUN >> counts/{name}@${{n%.{from}}}; done\n"
            )
        };
        let mut text = count("start");
        if stage.fails_first {
            writeln!(
                text,
                "for f in {inputs}; do\n  if [ ${{f##*/}} = {FAILS}.{from} ] && [ ! -e ok/{name} ]; then : > ok/{name}; exit 1; fi\ndone"
            )
            .unwrap();
        }
        let sleep = if stage.slow { "sleep 0.01; " } else { "" };
        let read = format!("cat {} $f", stage.reads.join(" "));
        let sum = if self.scratch {
            let file = "{{ work_dir }}/read";
            format!("{read} > {file}; sum=$(cksum < {file})")
        } else {
            format!("sum=$({read} | cksum)")
        };
        let work = format!(
            "set -- {outputs}\nfor f in {inputs}; do\n  echo half > $1\n  {sleep}: > $1\n  {sum}\n  i=0\n  while [ $i -lt {lines} ]; do i=$((i + 1)); echo {name} {{{{params.p{param}}}}} $i $sum >> $1; done\n  shift\ndone\n"
        );
        text.push_str(&stage.style.done_by(name, &work));
        text.push_str(&count("end"));
        text
    }

    /// The jobs of a stage, and what they make, of the files it splits, by their paths below what is split.
    pub(crate) fn jobs(
        &self,
        stage: &Stage,
        (param, read): (u32, &[u8]),
        inputs: &Files,
    ) -> (Vec<Job>, Files) {
        let (from, to) = self.exts();
        let out = stage.outs[0].path();
        let mut made = Files::new();
        let inputs: Vec<(&str, &Vec<u8>)> = inputs
            .iter()
            .map(|(path, bytes)| (path.strip_suffix(&format!(".{from}")).unwrap(), bytes))
            .collect();
        let jobs = inputs.chunks(self.chunk.unwrap_or(1)).map(|chunk| {
            let mut job = Job {
                stage: stage.name.clone(),
                counts: Vec::new(),
                outs: Vec::new(),
                key: format!("{}\n{param}\n{}", stage.name, String::from_utf8_lossy(read)),
            };
            for (path, bytes) in chunk {
                let name = path.rsplit('/').next().unwrap();
                let sum = cksum(&[read, bytes.as_slice()].concat());
                let lines =
                    (1..=stage.lines).map(|i| format!("{} {param} {i} {sum}\n", stage.name));
                let output = format!("{out}/{path}.{to}");
                made.insert(output.clone(), lines.collect::<String>().into_bytes());
                job.counts.push(format!("{}@{name}", stage.name));
                job.outs.push(output);
                write!(job.key, "{path}\n{}", String::from_utf8_lossy(bytes)).unwrap();
            }
            job
        });
        (jobs.collect(), made)
    }
}

/// A few files to split.
pub(crate) fn some_files(rng: &mut Rng) -> Vec<String> {
    let most = rng.between(3, 6);
    let names = rng.sample(&NAMES, most);
    names.into_iter().map(file).collect()
}

/// One of the files that there may be.
pub(crate) fn any_file(rng: &mut Rng) -> String {
    file(rng.pick(&NAMES))
}

fn file(name: &str) -> String {
    format!("{DIRECTORY}/{name}.src")
}

/// The file's path below the directory that is split, if it stands there.
pub(crate) fn below_directory(path: &str) -> Option<&str> {
    path.strip_prefix(DIRECTORY)?.strip_prefix('/')
}

/// One or two fan-outs, the second of what the first makes, and a stage that reads what the last one makes.
pub(crate) fn append(rng: &mut Rng, stages: &mut Vec<Stage>) {
    let chained = rng.one_in(3);
    for nth in 0..=usize::from(chained) {
        let mut stage = Stage::random(rng, &format!("fan{nth}"));
        stage.fan = Some(Fan {
            chunk: rng.one_in(2).then(|| rng.between(2, 3)),
            of_a_stage: nth > 0,
            max_workers: rng.one_in(4).then(|| rng.between(1, 2)),
            scratch: rng.one_in(2),
        });
        if nth > 0 {
            stage.needs.push((stages.len() - 1, 0));
        }
        stage.outs = vec![Out::Tree(format!("fan/{nth}"))];
        stage.fails_first = rng.one_in(2);
        while stage.style == Style::Detached {
            stage.style = rng.pick(&STYLES);
        }
        stages.push(stage);
    }
    let last = stages.len() - 1;
    let reading = Stage::below(rng, "read", &[last], stages);
    stages.push(reading);
}
