//! A process group: waited for until its leader ends, then ended whole.

use std::io;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid,
};

/// The group of one command. Its id is its leader's process id.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
    led_by: Leader,
}

/// What leads the group of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leader {
    /// The shell that reads the command.
    Shell,
    /// The program that the command names: no shell was needed.
    Program,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl Group {
    pub(super) fn new(leader: u32, led_by: Leader) -> Self {
        // A child's id is never 0.
        let leader = i32::try_from(leader)
            .ok()
            .and_then(Pid::from_raw)
            .unwrap_or(Pid::INIT);
        Self { leader, led_by }
    }

    /// The group's id.
    pub(crate) fn id(&self) -> Pid {
        self.leader
    }

    /// What leads it.
    pub(crate) fn led_by(&self) -> Leader {
        self.led_by
    }

    /// Waits until the leader has ended, and leaves it unreaped: until then no other process can have its id.
    pub(crate) fn wait_for_leader(&self) -> io::Result<()> {
        loop {
            match waitid(
                WaitId::Pid(self.leader),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            ) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends whatever is left of the group and reaps it. Because this process is a child subreaper where
    /// that exists, members whose parents ended are its children too, and are waited for: when this
    /// returns none of them can write any more.
    pub(crate) fn end(self) -> io::Result<Ended> {
        signal(self.leader, Signal::KILL);
        let mut ended = None;
        loop {
            match waitpgid(self.leader, WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid == self.leader => {
                    let code = status.exit_status().map(Ended::Exited);
                    ended = code
                        .or_else(|| status.terminating_signal().map(Ended::Signalled))
                        .or(ended);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::CHILD) => break,
                Err(error) => return Err(error.into()),
            }
        }
        ended
            .ok_or_else(|| io::Error::other("the command's exit status was taken by somebody else"))
    }
}

/// Sends a signal to a group; one that is gone is no error.
pub(crate) fn signal(group: Pid, signal: Signal) {
    // ESRCH: all of it has ended. EPERM: its members changed their user, and no signal of ours reaches them.
    kill_process_group(group, signal).ok();
}
