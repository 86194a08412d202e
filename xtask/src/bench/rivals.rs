//! The tools that one would take instead: which are here, in which version, how each is told to bring everything up to
//! date, and up to what size it is asked to.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::pipelines::Format;
use crate::tools::{output_of, program};

/// A program, found on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// As tables show it.
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) version: String,
}

/// What runs a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Runner {
    pub(super) program: Program,
    pub(super) format: Format,
    args: &'static [&'static str],
    /// The size up to which it is measured.
    most: usize,
}

/// How a tool is known and called. `{jobs}` stands for the number of jobs.
struct Spec {
    name: &'static str,
    program: &'static str,
    format: Format,
    args: &'static [&'static str],
    /// Beyond this many stages a run takes minutes.
    most: usize,
}

/// The program's own name in tables.
pub(super) const PLAYBOOK: &str = "playbook";

const ANY: usize = usize::MAX;
/// Up to here the quick ones take minutes at most to do everything once.
const LARGE: usize = 10_000;

const RIVALS: [Spec; 7] = [
    spec("n2", "n2", Format::Ninja, &["-j{jobs}"], LARGE),
    spec(
        "ninja",
        "ninja",
        Format::Ninja,
        &["--quiet", "-j{jobs}"],
        LARGE,
    ),
    spec("make", "make", Format::Make, &["-s", "-j{jobs}"], LARGE),
    spec("doit", "doit", Format::Doit, &["-n{jobs}"], 1_000),
    spec("go-task", "task", Format::Task, &["-C{jobs}"], 1_000),
    spec(
        "Snakemake",
        "snakemake",
        Format::Snakemake,
        // Its usual scheduler takes twice as long for stages as cheap as these.
        &["-c{jobs}", "--scheduler", "greedy", "--quiet"],
        200,
    ),
    // DVC runs one stage at a time.
    spec("DVC", "dvc", Format::Dvc, &["repro", "-q"], 200),
];

const fn spec(
    name: &'static str,
    program: &'static str,
    format: Format,
    args: &'static [&'static str],
    most: usize,
) -> Spec {
    Spec {
        name,
        program,
        format,
        args,
        most,
    }
}

impl Runner {
    /// The program itself, as it was just built.
    pub(super) fn playbook(path: &Path) -> anyhow::Result<Self> {
        let version =
            version(path).ok_or_else(|| anyhow::anyhow!("{} --version failed", path.display()))?;
        Ok(Self {
            program: Program {
                name: PLAYBOOK,
                path: path.to_owned(),
                version,
            },
            format: Format::Playbook,
            args: &["run", "--quiet", "-j{jobs}"],
            most: ANY,
        })
    }

    /// What comes behind the program's name.
    pub(super) fn args(&self, jobs: usize) -> Vec<String> {
        let jobs = jobs.to_string();
        let args = self.args.iter();
        args.map(|arg| arg.replace("{jobs}", &jobs)).collect()
    }

    /// Whether it is asked to run so many stages.
    pub(super) fn takes(&self, stages: usize) -> bool {
        stages <= self.most
    }

    pub(super) fn is_playbook(&self) -> bool {
        self.program.name == PLAYBOOK
    }
}

#[cfg(test)]
impl Runner {
    /// A tool that is a script.
    pub(super) fn script(words: &'static [&'static str]) -> Self {
        Self {
            program: Program {
                name: "script",
                path: find("env", "env").unwrap().path,
                version: String::new(),
            },
            format: Format::Make,
            args: words,
            most: ANY,
        }
    }
}

/// Every rival: the ones that are here, and for the others why not.
pub(super) fn rivals(without: &[String], with_slow: bool) -> (Vec<Runner>, Vec<String>) {
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    for Spec {
        name,
        program,
        format,
        args,
        most,
    } in RIVALS
    {
        if without.iter().any(|word| word == name || word == program) {
            left_out.push(format!("{name}: not asked for"));
            continue;
        }
        match find(name, program) {
            Ok(program) => found.push(Runner {
                program,
                format,
                args,
                most: if with_slow { ANY } else { most },
            }),
            Err(why) => left_out.push(why),
        }
    }
    (found, left_out)
}

/// Looks for a program on PATH. Its path is resolved once, so that no run pays for the search.
pub(super) fn find(name: &'static str, program: &str) -> Result<Program, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
        .ok_or_else(|| format!("{name}: no `{program}` on PATH"))?;
    let version = version(&path).ok_or_else(|| format!("{name}: `{program} --version` failed"))?;
    Ok(Program {
        name,
        path,
        version,
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What it says of itself with `--version`.
fn version(path: &Path) -> Option<String> {
    let output = output_of(path.to_str()?, &["--version"])?;
    version_in(&String::from_utf8_lossy(&output))
}

/// The first line without the name before the number.
fn version_in(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim();
    let mut words = line.split([' ', '-']);
    let number = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Some(number.unwrap_or(line).to_owned())
}

/// A program with arguments, and where it runs.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) folder: PathBuf,
}

impl Call {
    pub(super) fn new(program: &Path, args: &[&str], folder: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            folder: folder.to_owned(),
        }
    }

    /// Ready to be started, in the environment that cargo was started in: without what cargo adds for xtask.
    pub(super) fn command(&self) -> std::process::Command {
        let mut command = program(self.program.as_os_str());
        command.args(&self.args).current_dir(&self.folder);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO") || name.starts_with("RUST") || LEFT_OUT.contains(&&*name) {
                command.env_remove(&*name);
            }
        }
        command.env("DVC_NO_ANALYTICS", "1");
        command
    }
}

/// What would change how a tool works, or is cargo's.
const LEFT_OUT: [&str; 5] = [
    "LD_LIBRARY_PATH",
    "MAKEFLAGS",
    "NINJA_STATUS",
    "PLAYBOOK_FILE",
    "GIT_DIR",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_left_out_with_the_reason() {
        assert_eq!(
            find("x", "a-program-that-is-not-there"),
            Err("x: no `a-program-that-is-not-there` on PATH".to_owned())
        );
    }

    #[test]
    fn what_is_not_asked_for_is_left_out() {
        let names: Vec<String> = RIVALS.iter().map(|spec| spec.program.to_owned()).collect();
        let (found, left_out) = rivals(&names, false);
        assert_eq!((found.len(), left_out.len()), (0, RIVALS.len()));
        assert!(left_out.contains(&"go-task: not asked for".to_owned()));
    }

    #[test]
    fn a_version_is_told_without_the_name() {
        for (said, version) in [
            ("GNU Make 4.3\nBuilt for x", "4.3"),
            ("b3sum 1.8.7", "1.8.7"),
            ("valgrind-3.19.0", "3.19.0"),
            ("git version 2.47.3", "2.47.3"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(version_in(said).as_deref(), Some(version));
        }
    }

    #[test]
    fn jobs_stand_where_each_tool_expects_them() {
        let runner = |args| Runner {
            most: 10,
            ..Runner::script(args)
        };
        assert_eq!(runner(RIVALS[2].args).args(2), ["-s", "-j2"]);
        assert!(runner(&[]).takes(10));
        assert!(!runner(&[]).takes(11));
    }
}
