//! The sandbox.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;

/// A directory that goes when the test is over.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    fixed_clock: bool,
}

/// How a run of the binary ended.
#[must_use = "look at the output, or assert the exit code"]
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Asserts the exit code and gives what was said on standard error.
    pub(crate) fn says(self, code: i32) -> String {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self.stderr
    }

    /// Asserts the exit code and gives what was printed on standard output.
    pub(crate) fn prints(self, code: i32) -> String {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self.stdout
    }
}

impl Sandbox {
    /// An empty one. Time stands still in it and runs have one id, so that output can be compared whole.
    pub(crate) fn new() -> Self {
        be_interruptible();
        Self {
            directory: tempfile::tempdir().unwrap(),
            fixed_clock: true,
        }
    }

    /// One with these stages.
    pub(crate) fn with_stages(stages: &str) -> Self {
        let sandbox = Self::new();
        sandbox.stages(stages);
        sandbox
    }

    /// With the machine's clock and a new id for each run.
    pub(crate) fn real_clock(mut self) -> Self {
        self.fixed_clock = false;
        self
    }

    /// Writes a playbook with these stages.
    pub(crate) fn stages(&self, stages: &str) {
        self.write(
            "playbook.yaml",
            &format!("version: \"1.0\"\nname: test\nstages:\n{stages}"),
        );
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file and the directories above it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        fs::write(path, text).unwrap();
    }

    /// Makes a named pipe: who reads it waits for who writes it.
    pub(crate) fn fifo(&self, path: &str) {
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
        rustix::fs::mknodat(rustix::fs::CWD, self.path(path), kind, mode, 0).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    pub(crate) fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Names in a directory, sorted.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Bytes and time of a file, to see whether it was touched.
    pub(crate) fn stamp(&self, path: &str) -> (Vec<u8>, std::time::SystemTime) {
        let path = self.path(path);
        (
            fs::read(&path).unwrap(),
            fs::metadata(&path).unwrap().modified().unwrap(),
        )
    }

    /// The binary, to be started in the sandbox.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test starts the program itself"
        )]
        let mut command = Command::new(env!("CARGO_BIN_EXE_playbook"));
        command.current_dir(self.root()).args(args).env_clear();
        command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        // With this in the tests' environment the program reads everything in each of its runs.
        if let Some(off) = std::env::var_os("PLAYBOOK_NO_STAT_CACHE") {
            command.env("PLAYBOOK_NO_STAT_CACHE", off);
        }
        if self.fixed_clock {
            command.env("PLAYBOOK_TEST_CLOCK", "2026-02-16T14:00:00Z");
            command.env(
                "PLAYBOOK_TEST_RUN_ID",
                "0192f3c1-0000-7000-8000-000000000001",
            );
        }
        command
    }

    /// A shell script in the sandbox; `$0` is the binary.
    pub(crate) fn shell(&self, script: &str) -> Command {
        self.by(&["sh", "-c", script])
    }

    /// A program to be started as [`Sandbox::command`] has it, with the binary as its last argument.
    pub(crate) fn by(&self, program: &[&str]) -> Command {
        let like = self.command(&[]);
        #[expect(clippy::disallowed_methods, reason = "it starts the program in turn")]
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(like.get_program());
        command.current_dir(self.root()).env_clear();
        command.envs(
            like.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
    }

    /// Runs the binary in the sandbox. What it says of the sandbox's own path reads `[ROOT]`.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.finish(self.command(args))
    }

    /// Runs a command that [`Sandbox::command`] began.
    pub(crate) fn finish(&self, command: Command) -> Ended {
        self.start(command).finished()
    }

    /// Runs the playbook, which must succeed, and gives the stages that ran, in the order they started.
    pub(crate) fn ran(&self, args: &[&str]) -> Vec<String> {
        let all: Vec<&str> = ["run", "--json"].iter().chain(args).copied().collect();
        let printed = self.run(&all).prints(0);
        started(&printed)
    }
}

/// A program started in the background of a script ignores SIGINT, and so does what it starts. With handlers that do
/// what would be done without them, what tests start does not: handlers are not inherited.
fn be_interruptible() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGINT, SIGHUP, SIGTERM] {
            register_conditional_default(signal, Arc::new(AtomicBool::new(true))).unwrap();
        }
    });
}

/// The stages that started, from `run --json`.
pub(crate) fn started(printed: &str) -> Vec<String> {
    let events = printed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let started = events.filter(|event| event["event"] == "stage_started");
    started
        .map(|event| event["stage"].as_str().unwrap().to_owned())
        .collect()
}
