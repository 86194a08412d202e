//! Descendants of commands that left their process group.
//!
//! A daemon that a command starts calls `setsid(2)` and is not reached by ending the command's group. But this
//! process is a child subreaper (`prctl(2)`): whoever loses its parent among its descendants becomes its
//! child, and shows up in the list of its first thread, which starts nothing itself.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::process::identity;
use crate::process::usage::{Used, Whose, reap};

/// The children of this process's first thread that have not ended (`proc_pid_task(5)`); those that have are
/// taken note of, and `used` is told in which group each was and what it used. None where the system does not tell.
pub(crate) fn adopted(mut used: impl FnMut(i32, Used)) -> Vec<Pid> {
    let me = std::process::id();
    let Ok(list) = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")) else {
        return Vec::new();
    };
    list.split_ascii_whitespace()
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .filter(|pid| match identity::process(*pid) {
            Some(process) if process.zombie => {
                // How it ended is nobody's business: it is no command's leader.
                if let Ok(Some((_, _, its))) = reap(Whose::Process(*pid), true) {
                    used(process.group, its);
                }
                false
            }
            found => found.is_some(),
        })
        .collect()
}

/// Whether the process's standard output or error goes to this file.
pub(crate) fn writes_to(pid: Pid, file: &Path) -> bool {
    let pid = pid.as_raw_nonzero();
    [1, 2].iter().any(|fd| {
        std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|target| target == file)
    })
}

/// Ends an adopted child, takes note of its end, and says what it used. Its own children are adopted in turn.
pub(crate) fn end_adopted(pid: Pid) -> Used {
    // It cannot have another's number yet: nobody else takes note of the end of our children.
    kill_process(pid, Signal::KILL).ok();
    let ended = reap(Whose::Process(pid), false).ok().flatten();
    ended.map_or_else(Used::default, |(_, _, used)| used)
}
