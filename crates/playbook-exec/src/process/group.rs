//! A process group: waited for until its leader ends, then ended whole.

use std::io;
use std::os::unix::process::ExitStatusExt as _;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::process::usage::{Used, Whose, of_own_child, reap};

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

    /// Ends whatever is left of the group and reaps it; also says what it used. Because this process is a child subreaper where
    /// that exists, members whose parents ended are its children too, and are waited for: when this returns none of them can
    /// write any more.
    pub(crate) fn end(self) -> io::Result<(Ended, Used)> {
        signal(self.leader, Signal::KILL);
        let (mut ended, mut used) = (None, Used::default());
        while let Some((pid, status, its)) = reap(Whose::AnyOf(self.leader), false)? {
            if pid == self.leader {
                let code = status.code().map(Ended::Exited);
                ended = code
                    .or_else(|| status.signal().map(Ended::Signalled))
                    .or(ended);
                used = used.and(of_own_child(its));
            } else {
                used = used.and(its);
            }
        }
        let ended = ended.ok_or_else(|| {
            io::Error::other("the command's exit status was taken by somebody else")
        })?;
        Ok((ended, used))
    }
}

/// Sends a signal to a group; one that is gone is no error.
pub(crate) fn signal(group: Pid, signal: Signal) {
    // ESRCH: all of it has ended. EPERM: its members changed their user, and no signal of ours reaches them.
    kill_process_group(group, signal).ok();
}
