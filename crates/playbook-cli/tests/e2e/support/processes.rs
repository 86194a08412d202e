//! Who is alive: processes are found by a variable that everything a run starts inherits.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The variable; its value is no other run's.
pub(super) const MARK: &str = "PLAYBOOK_TEST_MARK";

/// A process that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// As `proc_pid_stat(5)` has it: `R`, `S`, `T` for stopped, …
    pub(crate) state: char,
    pub(crate) command: String,
}

/// The processes with this mark that have not ended. One that has, and that nobody has asked about yet, is dead.
pub(crate) fn marked(mark: &str) -> Vec<Process> {
    let wanted = format!("{MARK}={mark}");
    let bears_it = |pid: i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|pair| pair == wanted.as_bytes())
    };
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| bears_it(*pid))
        .filter_map(process)
        .collect()
}

/// A process, unless it has ended.
pub(crate) fn process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    (!matches!(state, 'Z' | 'X')).then_some(Process {
        pid,
        state,
        command,
    })
}

/// Ends whatever with this mark is still alive.
pub(super) fn end_marked(mark: &str) {
    loop {
        let alive = marked(mark);
        if alive.is_empty() {
            return;
        }
        for process in alive {
            // It may have ended by itself.
            kill_process(Pid::from_raw(process.pid).unwrap(), Signal::KILL).ok();
        }
    }
}
