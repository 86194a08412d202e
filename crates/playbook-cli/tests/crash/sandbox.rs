//! A directory with a playbook in it, and everything that runs there.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::pipeline::{Files, Pipeline};

/// Names the sandbox a process belongs to.
const MARK: &str = "CRASH_MARK";
/// Names the run a process belongs to.
const RUN: &str = "CRASH_RUN";

/// A directory that goes when the test is over, and no process of which outlives it.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    runs: AtomicU32,
}

/// A live process of a sandbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alive {
    pub(crate) pid: Pid,
    /// The run it was started by or in.
    pub(crate) run: u32,
    /// For whoever has to find out why: its command line, and where its output goes.
    pub(crate) what: String,
}

/// With this in the tests' environment the program reads everything in each of its runs.
const CACHES_OFF: &str = "PLAYBOOK_NO_STAT_CACHE";

/// Whether no stat may save any reading.
pub(crate) fn caches_are_off() -> bool {
    std::env::var_os(CACHES_OFF).is_some()
}

impl Sandbox {
    /// With a playbook of this pipeline, which has not run.
    pub(crate) fn new(pipeline: &Pipeline) -> Self {
        let sandbox = Self::empty();
        for directory in ["counts", "ok", "in"] {
            fs::create_dir_all(sandbox.path(directory)).unwrap();
        }
        sandbox.write_playbook(pipeline);
        sandbox
    }

    /// With nothing in it.
    pub(crate) fn empty() -> Self {
        let sandbox = Self {
            directory: tempfile::tempdir().unwrap(),
            runs: AtomicU32::new(0),
        };
        fs::create_dir(sandbox.root()).unwrap();
        sandbox
    }

    /// One with the same files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self {
            directory: tempfile::tempdir().unwrap(),
            runs: AtomicU32::new(self.last_run()),
        };
        copy_tree(&self.root(), &copy.root());
        copy
    }

    pub(crate) fn write_playbook(&self, pipeline: &Pipeline) {
        let text = pipeline.yaml();
        if self.read("playbook.yaml").as_ref() != Some(&text) {
            self.write("playbook.yaml", text.as_bytes());
        }
        for path in self.files().keys().filter(|path| path.starts_with("in/")) {
            if !pipeline.sources.contains_key(path) {
                fs::remove_file(self.path(path)).unwrap();
                // A directory without files would be part of the digest of the one it is in.
                fs::remove_dir(self.path(path).parent().unwrap()).ok();
            }
        }
        for path in pipeline.sources.keys() {
            self.write(path, &pipeline.source(path));
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// A file that is no part of what is tested.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, later by the clock of the file system than anything before: no stat stays the same.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        self.let_time_pass();
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        fs::write(path, bytes).unwrap();
    }

    fn let_time_pass(&self) {
        let scratch = self.beside("scratch");
        let touched = || {
            File::create(&scratch).unwrap();
            let meta = scratch.metadata().unwrap();
            (meta.ctime(), meta.ctime_nsec())
        };
        let now = touched();
        while touched() == now {}
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Every file below the root, by its path from there.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        collect(&self.root(), "", &mut files);
        files
    }

    /// The number of the last run.
    pub(crate) fn last_run(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The binary, to be started in the sandbox as a run of its own.
    pub(crate) fn new_run(&self, args: &[&str]) -> Command {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.command(args)
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
            .env("PLAYBOOK_TEST_GRACE_MS", "100")
            .env(MARK, self.directory.path())
            .env(RUN, self.last_run().to_string());
        if caches_are_off() {
            command.env(CACHES_OFF, "1");
        }
        command
    }

    /// Processes of this sandbox that are alive, found by their environment.
    pub(crate) fn alive(&self) -> Vec<Alive> {
        let mark = format!("{MARK}={}", self.directory.path().display());
        let entries = fs::read_dir("/proc").unwrap();
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let pids = numbers.filter_map(|number| Pid::from_raw(number.parse().ok()?));
        pids.filter_map(|pid| {
            // One that has ended has no environment any more.
            let environ = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
            let variables: Vec<&[u8]> = environ.split(|byte| *byte == 0).collect();
            variables.contains(&mark.as_bytes()).then_some(())?;
            let run = variables
                .iter()
                .find_map(|variable| variable.strip_prefix(format!("{RUN}=").as_bytes()))?;
            let run = std::str::from_utf8(run).ok()?.parse().ok()?;
            let what = what_is(pid);
            Some(Alive { pid, run, what })
        })
        .collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::env::var_os("PLAYBOOK_CRASH_KEEP").is_some() {
            self.directory.disable_cleanup(true);
        }
        for Alive { pid, .. } in self.alive() {
            kill_process(pid, Signal::KILL).ok();
        }
    }
}

fn what_is(pid: Pid) -> String {
    let number = pid.as_raw_nonzero();
    let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    let output = fs::read_link(format!("/proc/{number}/fd/1")).unwrap_or_default();
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    format!("{line} > {}; {stat}", output.display())
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What goes away while this looks is not there.
fn collect(directory: &Path, prefix: &str, into: &mut Files) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), &format!("{path}/"), into);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            into.insert(path, bytes);
        }
    }
}
