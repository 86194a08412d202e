//! Which process is meant by a number that is used again and again.
//!
//! A process id alone names nobody: the process may have ended, and another may have its number. Together
//! with the moment the process started it does, until the machine starts anew.

use std::fs::File;
use std::io::Read as _;

use playbook_hash::boot_id;
use playbook_lock::journal::{FORMAT, RunHeader};
use rustix::process::Pid;
use uuid::Uuid;

use jiff::Timestamp;

/// What the system says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    /// It has ended, and nobody has asked how yet.
    pub(crate) zombie: bool,
    /// Its parent; 0 for none that can be seen.
    pub(crate) parent: i32,
    /// Its process group.
    pub(crate) group: i32,
    /// Its session.
    pub(crate) session: i32,
    /// When it started, in clock ticks since the machine did.
    pub(crate) started: u64,
}

/// Looks at a process; nothing where there is none, or where the system does not tell.
pub(crate) fn process(id: Pid) -> Option<Process> {
    // It is made anew with every read, so one has to do; the fields that matter are in front.
    let mut stat = [0; 1024];
    let mut file = File::open(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
    let length = file.read(&mut stat).ok()?;
    parse_stat(&stat[..length])
}

/// Whether a process has any file open. One that is dying gives up its files, and with them its locks, before its
/// number. Where that may not be seen it is taken to have some.
pub(crate) fn has_files_open(id: Pid) -> bool {
    match std::fs::read_dir(format!("/proc/{}/fd", id.as_raw_nonzero())) {
        Ok(mut files) => files.next().is_some(),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The value of a variable in the environment a process was started with, where it may be read.
pub(crate) fn value_in_environment(id: Pid, name: &str) -> Option<String> {
    let all = std::fs::read(format!("/proc/{}/environ", id.as_raw_nonzero())).ok()?;
    let value = all.split(|byte| *byte == 0).find_map(|one| {
        let rest = one.strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    });
    Some(String::from_utf8_lossy(value?).into_owned())
}

/// The fields of `proc_pid_stat(5)` behind the name, which may hold anything, even parentheses.
fn parse_stat(stat: &[u8]) -> Option<Process> {
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let text = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    // Field 3 of the page is the first here.
    Some(Process {
        zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

/// The run of this process, for the journal.
pub(crate) fn header(run_id: Uuid, since: Timestamp) -> RunHeader {
    RunHeader {
        format: FORMAT,
        run_id,
        since,
        pid: std::process::id(),
        pid_started: process(rustix::process::getpid()).map(|process| process.started),
        host: host(),
        boot: boot_id().map(str::to_owned),
        pid_namespace: pid_namespace(),
    }
}

/// This machine's name.
pub fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The namespace of this process's id, where there are several.
pub(crate) fn pid_namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat =
            b"42 (a) Z b) (c) S 1 40 39 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1000 1\n";
        let expected = Process {
            zombie: false,
            parent: 1,
            group: 40,
            session: 39,
            started: 123_456,
        };
        assert_eq!(parse_stat(stat), Some(expected));
        let ended = b"42 (a) Z 1 40 39 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1 1000 1\n";
        assert!(parse_stat(ended).unwrap().zombie);
        assert_eq!(parse_stat(b"42 (a"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_there() {
        let me = process(rustix::process::getpid()).unwrap();
        assert!(!me.zombie);
        assert_eq!(me, process(rustix::process::getpid()).unwrap());
        assert!(boot_id().is_some() && pid_namespace().is_some());
    }
}
