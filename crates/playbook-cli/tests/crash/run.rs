//! Starting a run and killing it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::sandbox::{Alive, Sandbox};

/// What is to happen to a run.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// Nothing.
    Undisturbed,
    /// SIGKILL after so many bytes of its events were read, and after a while of doing nothing.
    Killed {
        bytes: usize,
        spins: u32,
        /// Somebody looks at the status just before.
        look: bool,
    },
    /// What the seam in the binary is told to bring about.
    Faults(String),
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) number: u32,
    /// How many commands it was allowed to run at once.
    pub(crate) at_once: usize,
    pub(crate) code: Option<i32>,
    pub(crate) killed: bool,
    /// Whole lines it printed.
    pub(crate) events: Vec<Value>,
    /// What it printed that is no event.
    pub(crate) junk: Vec<String>,
    pub(crate) stderr: String,
    /// Processes of earlier runs that were alive when this one had recovered.
    pub(crate) survivors: Vec<Alive>,
    /// The status while it was alive, if somebody looked.
    pub(crate) live: Option<Read>,
}

impl Ran {
    /// The stages of the events of this kind.
    pub(crate) fn stages(&self, kind: &str) -> Vec<String> {
        let of_kind = self.events.iter().filter(|event| event["event"] == kind);
        of_kind
            .map(|event| event["stage"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// What is read counts as old, so that stats vouch for it in the time a test takes.
const AGED: &str = "late=10";

/// A hang is a failure, not a test that never ends.
const TOO_LONG: Duration = Duration::from_mins(2);

/// Kills a process that takes too long, until dropped.
struct Guard {
    _over: Sender<()>,
}

impl Guard {
    fn over(child: &Child) -> Self {
        let (over, waits) = channel::<()>();
        let pid = Pid::from_child(child);
        std::thread::spawn(move || {
            if waits.recv_timeout(TOO_LONG) == Err(RecvTimeoutError::Timeout) {
                kill_process(pid, Signal::KILL).ok();
            }
        });
        Self { _over: over }
    }
}

/// Runs `playbook run --json` to its end, whatever that is.
pub(crate) fn run(sandbox: &Sandbox, fate: &Fate, args: &[&str]) -> Ran {
    let mut all = vec!["run", "--json"];
    all.extend(args);
    let ran = run_command((sandbox, "stderr"), sandbox.new_run(&all), fate);
    let jobs = args.iter().find_map(|arg| arg.strip_prefix("-j"));
    let at_once = jobs.map_or(ran.at_once, |jobs| jobs.parse().unwrap());
    Ran { at_once, ..ran }
}

/// As [`run`], with a command that [`Sandbox::new_run`] began, and the name of a file for what it says.
pub(crate) fn run_command(
    (sandbox, said): (&Sandbox, &str),
    mut command: Command,
    fate: &Fate,
) -> Ran {
    let said = sandbox.beside(said);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&said).unwrap());
    let faults = match fate {
        Fate::Faults(faults) => faults,
        Fate::Undisturbed | Fate::Killed { .. } => "",
    };
    command.env("PLAYBOOK_TEST_FAULTS", format!("{AGED};{faults}"));
    let mut child = command.spawn().unwrap();
    let guard = Guard::over(&child);
    let number = sandbox.last_run();
    let mut pipe = BufReader::new(child.stdout.take().unwrap());
    let mut printed = Vec::new();
    let mut survivors = Vec::new();
    // A run that prints has recovered.
    if !pipe.fill_buf().unwrap().is_empty() {
        survivors = sandbox.alive();
        survivors.retain(|alive| alive.run < number);
    }
    let mut live = None;
    if let Fate::Killed {
        bytes,
        spins,
        look: looks,
    } = fate
    {
        let mut first = pipe.by_ref().take(*bytes as u64);
        first.read_to_end(&mut printed).unwrap();
        (0..*spins).for_each(|_| std::hint::spin_loop());
        live = looks.then(|| look(sandbox, &["status", "--json"], None));
        child.kill().unwrap();
    }
    pipe.read_to_end(&mut printed).unwrap();
    let status = child.wait().unwrap();
    drop(guard);
    let stderr = std::fs::read(&said).unwrap();
    let (events, junk) = events(&printed);
    Ran {
        number,
        at_once: std::thread::available_parallelism().map_or(1, usize::from),
        code: status.code(),
        killed: status.signal() == Some(Signal::KILL.as_raw()),
        events,
        junk,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        survivors,
        live,
    }
}

/// Whole lines that are events, and those that are not. What has no end was cut off by the kill.
fn events(printed: &[u8]) -> (Vec<Value>, Vec<String>) {
    let text = String::from_utf8_lossy(printed);
    let mut events = Vec::new();
    let mut junk = Vec::new();
    for line in text.split_inclusive('\n') {
        match serde_json::from_str(line) {
            Ok(event) if line.ends_with('\n') => events.push(event),
            Err(_) if line.ends_with('\n') => junk.push(line.to_owned()),
            _ => {}
        }
    }
    (events, junk)
}

/// How a command that only reads ended.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
}

/// Runs a command that only reads, and prints JSON.
pub(crate) fn look(sandbox: &Sandbox, args: &[&str], faults: Option<&str>) -> Read {
    let mut command = sandbox.command(args);
    if let Some(faults) = faults {
        command.env("PLAYBOOK_TEST_FAULTS", faults);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    Read {
        code: output.status.code(),
        lines: text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
