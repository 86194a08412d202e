//! One pipeline of cheap stages, in the words of each tool.
//!
//! Stage `i` runs `cksum DEPS > OUT`: one short process whose output stays small and changes whenever an input does.
//! Stages lie in layers of a hundred; each reads a source of its own and the outputs of two neighbours in the layer
//! above, so that a hundred may run at once and a changed source travels downwards.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::files::put;

const LAYER: usize = 100;

/// A tool's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Playbook,
    Ninja,
    Make,
    Doit,
    Task,
    Snakemake,
    Dvc,
}

/// One stage: its source is the last of its deps.
struct Stage {
    name: String,
    deps: Vec<String>,
    out: String,
}

/// The pipeline.
pub(super) struct Pipeline {
    stages: Vec<Stage>,
}

impl Pipeline {
    /// In layers.
    pub(super) fn layered(count: usize) -> Self {
        let digits = count.to_string().len().max(4);
        let out = |at: usize| format!("out/{:0digits$}.txt", at + 1);
        let stage = |at: usize| {
            let mut deps = Vec::new();
            if let Some(above) = at.checked_sub(LAYER) {
                let begin = above - above % LAYER;
                deps.push(out(above));
                deps.push(out(begin + (above + 1) % LAYER));
            }
            deps.push(format!("src/{:0digits$}.txt", at + 1));
            Stage {
                name: format!("s{:0digits$}", at + 1),
                deps,
                out: out(at),
            }
        };
        Self {
            stages: (0..count).map(stage).collect(),
        }
    }

    /// What the stages make, in order.
    pub(super) fn outs(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().map(|stage| stage.out.as_str())
    }

    /// The source of the last stage, which nothing else reads.
    pub(super) fn last_source(&self) -> Option<&str> {
        self.stages.last()?.deps.last().map(String::as_str)
    }

    /// Writes the sources and the pipeline into a folder that is not there yet.
    pub(super) fn write(&self, format: Format, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder.join("out"))?;
        for Stage { name, deps, .. } in &self.stages {
            if let Some(source) = deps.last() {
                put(
                    &folder.join(source),
                    format!("source of {name}\n").as_bytes(),
                )?;
            }
        }
        for (path, text) in self.files(format) {
            put(&folder.join(path), text.as_bytes())?;
        }
        Ok(())
    }

    fn files(&self, format: Format) -> Vec<(&'static str, String)> {
        match format {
            Format::Playbook => vec![("playbook.yaml", self.playbook())],
            Format::Ninja => vec![("build.ninja", self.ninja())],
            Format::Make => vec![("Makefile", self.make())],
            Format::Doit => vec![("dodo.py", self.doit())],
            Format::Task => vec![("Taskfile.yml", self.task())],
            Format::Snakemake => vec![("Snakefile", self.snakemake())],
            Format::Dvc => vec![
                ("dvc.yaml", self.dvc()),
                (".dvc/config", DVC_CONFIG.to_owned()),
            ],
        }
    }

    /// The head, then what `line` adds for each stage.
    fn lines(&self, head: &str, line: impl Fn(&mut String, &Stage)) -> String {
        let mut text = head.to_owned();
        for stage in &self.stages {
            line(&mut text, stage);
        }
        text
    }

    fn playbook(&self) -> String {
        let head = "version: \"1.0\"\nname: bench\nstages:\n";
        self.lines(head, |text, Stage { name, deps, out }| {
            let refs: Vec<String> = (0..deps.len())
                .map(|at| format!("{{{{deps[{at}].path}}}}"))
                .collect();
            let paths: Vec<String> = deps.iter().map(|dep| format!("{{path: {dep}}}")).collect();
            add(text, format_args!(
                "  {name}:\n    cmd: \"cksum {} > {{{{outs[0].path}}}}\"\n    deps: [{}]\n    outs: [{{path: {out}}}]\n",
                refs.join(" "),
                paths.join(", "),
            ));
        })
    }

    fn ninja(&self) -> String {
        let head = "rule r\n  command = cksum $in > $out\n";
        self.lines(head, |text, Stage { name: _, deps, out }| {
            add(text, format_args!("build {out}: r {}\n", deps.join(" ")));
        })
    }

    fn make(&self) -> String {
        let all: Vec<&str> = self.outs().collect();
        let head = format!("MAKEFLAGS += -rR\n.PHONY: all\nall: {}\n", all.join(" "));
        self.lines(&head, |text, Stage { name: _, deps, out }| {
            let deps = deps.join(" ");
            add(text, format_args!("{out}: {deps}\n\tcksum {deps} > $@\n"));
        })
    }

    fn doit(&self) -> String {
        let mut text = self.lines("STAGES = [\n", |text, Stage { name, deps, out }| {
            let deps = deps.join(" ");
            add(text, format_args!("    ('{name}', '{deps}', '{out}'),\n"));
        });
        text.push_str(DOIT_TAIL);
        text
    }

    fn task(&self) -> String {
        let maker = |path: &str| {
            let number = path.strip_prefix("out/")?.strip_suffix(".txt")?;
            Some(format!("s{number}"))
        };
        let names: Vec<&str> = self
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect();
        // `run: once`, or a task that many need runs again for each of them.
        let head = format!(
            "version: \"3\"\nrun: once\nsilent: true\ntasks:\n  default:\n    deps: [{}]\n",
            names.join(", ")
        );
        self.lines(&head, |text, Stage { name, deps, out }| {
            let needs: Vec<String> = deps.iter().filter_map(|dep| maker(dep)).collect();
            add(text, format_args!(
                "  {name}:\n    deps: [{}]\n    sources: [{}]\n    generates: [{out}]\n    cmds:\n    - cksum {} > {out}\n",
                needs.join(", "),
                deps.join(", "),
                deps.join(" "),
            ));
        })
    }

    fn snakemake(&self) -> String {
        let outs: Vec<String> = self.outs().map(|out| format!("'{out}'")).collect();
        let head = format!("rule all:\n    input: {}\n", outs.join(", "));
        self.lines(&head, |text, Stage { name, deps, out }| {
            add(text, format_args!(
                "rule {name}:\n    input: '{}'\n    output: '{out}'\n    shell: 'cksum {{input}} > {{output}}'\n",
                deps.join("', '"),
            ));
        })
    }

    fn dvc(&self) -> String {
        self.lines("stages:\n", |text, Stage { name, deps, out }| {
            // `cache: false`: outputs are hashed but not copied into a store, as with the others.
            add(text, format_args!(
                "  {name}:\n    cmd: cksum {} > {out}\n    deps: [{}]\n    outs:\n    - {out}:\n        cache: false\n",
                deps.join(" "),
                deps.join(", "),
            ));
        })
    }
}

const DOIT_TAIL: &str = "]


def task_stage():
    for name, deps, out in STAGES:
        action = 'cksum ' + deps + ' > ' + out
        yield {'name': name, 'file_dep': deps.split(), 'targets': [out], 'actions': [action]}
";

const DVC_CONFIG: &str =
    "[core]\n    analytics = false\n    check_update = false\n    no_scm = true\n";

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    let _ok = text.write_fmt(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_reads_its_source_and_two_neighbours_of_the_layer_above() {
        let pipeline = Pipeline::layered(250);
        let deps = |at: usize| pipeline.stages[at - 1].deps.join(" ");
        assert_eq!(deps(1), "src/0001.txt");
        assert_eq!(deps(100), "src/0100.txt");
        assert_eq!(deps(101), "out/0001.txt out/0002.txt src/0101.txt");
        assert_eq!(deps(200), "out/0100.txt out/0001.txt src/0200.txt");
        assert_eq!(deps(250), "out/0150.txt out/0151.txt src/0250.txt");
        assert_eq!(pipeline.last_source(), Some("src/0250.txt"));
        assert_eq!(pipeline.outs().last(), Some("out/0250.txt"));
    }

    #[test]
    fn names_are_as_long_as_the_count_asks() {
        let pipeline = Pipeline::layered(100_000);
        assert_eq!(pipeline.outs().next(), Some("out/000001.txt"));
        assert_eq!(pipeline.outs().last(), Some("out/100000.txt"));
    }

    #[test]
    fn every_language_has_every_stage_with_its_command() {
        let pipeline = Pipeline::layered(101);
        for format in [
            Format::Playbook,
            Format::Ninja,
            Format::Make,
            Format::Doit,
            Format::Task,
            Format::Snakemake,
            Format::Dvc,
        ] {
            let text = &pipeline.files(format)[0].1;
            assert!(text.contains("cksum"), "{format:?}");
            for out in pipeline.outs() {
                assert!(text.contains(out), "{format:?} {out}");
            }
            let sources = text.matches("src/").count();
            let twice = matches!(format, Format::Make | Format::Task | Format::Dvc);
            assert_eq!(sources, 101 * (1 + usize::from(twice)), "{format:?}");
        }
    }

    #[test]
    fn the_words_are_those_of_the_tools() {
        let pipeline = Pipeline::layered(101);
        let last = |format| {
            let text = pipeline.files(format).swap_remove(0).1;
            let from = text.rfind("101").and_then(|at| text[..at].rfind('\n'));
            text[from.unwrap_or(0)..].to_owned()
        };
        assert!(pipeline.playbook().ends_with(
            "  s0101:\n    cmd: \"cksum {{deps[0].path}} {{deps[1].path}} {{deps[2].path}} > {{outs[0].path}}\"\n    \
             deps: [{path: out/0001.txt}, {path: out/0002.txt}, {path: src/0101.txt}]\n    outs: [{path: out/0101.txt}]\n"
        ));
        assert_eq!(
            last(Format::Ninja),
            "\nbuild out/0101.txt: r out/0001.txt out/0002.txt src/0101.txt\n"
        );
        assert!(pipeline.task().contains("    deps: [s0001, s0002]\n"));
    }
}
