//! Ending the commands of a dead run that still run.
//!
//! They must not write any more when outs are put right. Two things tell them from strangers:
//!
//! - the journal names the process groups, and when their leaders started. A leader with that number and that
//!   start is the one noted. If it has ended, the number stays taken while any of its group lives, and those are
//!   ours if they are also in the session that was noted;
//! - their environment says that they descend from a command of this playbook, or their standard output or error is the
//!   log of a stage of that run, open for writing. This finds those that left their group, and a command that
//!   started just before the run died, of which the journal knows nothing.
//!
//! Each is signalled through a handle that names the process, not its number (`pidfd_open(2)`).

#[cfg(target_os = "linux")]
pub(super) use linux::end_orphans;
#[cfg(not(target_os = "linux"))]
pub(super) use other::end_orphans;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use indexmap::IndexMap;
    use playbook_lock::journal::{OpenStage, RunHeader};
    use playbook_types::name::StageName;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

    use crate::error::ExecError;
    use crate::outputs::Places;
    use crate::process::MARK;
    use crate::process::identity::{Process, pid_namespace, process};

    /// Ends them, first with SIGTERM, after `grace` with SIGKILL. Says how many there were.
    pub(in super::super) fn end_orphans(
        header: &RunHeader,
        open: &IndexMap<StageName, OpenStage>,
        places: &Places,
        grace: Duration,
    ) -> Result<usize, ExecError> {
        let search = Search {
            // Numbers of another namespace name other processes here.
            groups: if header.pid_namespace == pid_namespace() {
                open.values()
                    .flat_map(OpenStage::all_groups)
                    .copied()
                    .collect()
            } else {
                Vec::new()
            },
            logs: places.logs_dir().canonicalize().ok(),
            mark: mark(places.state_dir()),
            ours: ancestors(),
        };
        let deadline = Instant::now() + grace;
        let mut told = BTreeSet::new();
        loop {
            let found = search.orphans();
            if found.is_empty() {
                return Ok(told.len());
            }
            let mut waiting = Vec::new();
            for (pid, orphan) in found {
                let Some(handle) = handle_of(pid, orphan) else {
                    continue;
                };
                let new = told.insert((pid.as_raw_nonzero().get(), orphan.started));
                let late = Instant::now() >= deadline;
                if new || late {
                    let signal = if late { Signal::KILL } else { Signal::TERM };
                    end(&handle, pid, signal)?;
                }
                waiting.push(handle);
            }
            wait_for_any(&waiting, deadline);
        }
    }

    fn end(handle: &OwnedFd, pid: Pid, signal: Signal) -> Result<(), ExecError> {
        match pidfd_send_signal(handle, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(ExecError::Orphan {
                pid: pid.as_raw_nonzero().get(),
                source: error.into(),
            }),
        }
    }

    /// A handle of the process that was looked at, not of another that has its number by now.
    fn handle_of(pid: Pid, seen: Process) -> Option<OwnedFd> {
        let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        let still = process(pid).is_some_and(|now| now.started == seen.started && !now.zombie);
        still.then_some(handle)
    }

    /// How long to wait at most before looking again: others may have been started meanwhile.
    const LOOK_AGAIN: Duration = Duration::from_millis(100);

    /// Waits until one of them has ended.
    fn wait_for_any(handles: &[OwnedFd], deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = if left.is_zero() {
            LOOK_AGAIN
        } else {
            left.min(LOOK_AGAIN)
        };
        let mut fds: Vec<PollFd<'_>> = handles
            .iter()
            .map(|handle| PollFd::new(handle, PollFlags::IN))
            .collect();
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        // Interrupted or not, the next look tells.
        poll(&mut fds, Some(&wait)).ok();
    }

    struct Search {
        groups: Vec<(i32, Option<i32>, Option<u64>)>,
        /// Where the logs of the dead run are.
        logs: Option<PathBuf>,
        /// What the environment of its commands has.
        mark: Vec<u8>,
        /// This process and those it descends from, whatever they look like.
        ours: Vec<Pid>,
    }

    fn mark(state: &Path) -> Vec<u8> {
        let mut mark = format!("{MARK}=").into_bytes();
        mark.extend(state.as_os_str().as_bytes());
        mark
    }

    fn ancestors() -> Vec<Pid> {
        let parent = |pid: &Pid| process(*pid).and_then(|found| Pid::from_raw(found.parent));
        std::iter::successors(Some(getpid()), parent).collect()
    }

    impl Search {
        /// Every process that is one of the dead run's.
        fn orphans(&self) -> Vec<(Pid, Process)> {
            let Ok(entries) = std::fs::read_dir("/proc") else {
                return Vec::new();
            };
            let pids = entries.filter_map(|entry| {
                let name = entry.ok()?.file_name();
                Pid::from_raw(name.to_str()?.parse().ok()?)
            });
            pids.filter(|pid| !self.ours.contains(pid))
                .filter_map(|pid| Some((pid, process(pid)?)))
                .filter(|(_, found)| !found.zombie)
                .filter(|(pid, found)| {
                    self.is_in_noted_group(found) || self.is_marked(*pid) || self.writes_log(*pid)
                })
                .collect()
        }

        fn is_in_noted_group(&self, found: &Process) -> bool {
            self.groups.iter().any(|(id, session, leader_started)| {
                if found.group != *id {
                    return false;
                }
                let leader = Pid::from_raw(*id).and_then(process);
                match leader {
                    Some(leader) => Some(leader.started) == *leader_started,
                    None => Some(found.session) == *session,
                }
            })
        }

        /// Whether its environment is that of a command of this playbook. Since nobody else runs it now, that
        /// command was of the run that died.
        fn is_marked(&self, pid: Pid) -> bool {
            std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()))
                .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == self.mark))
        }

        /// Whether its standard output or error is one of the logs, open for writing.
        fn writes_log(&self, pid: Pid) -> bool {
            let Some(logs) = &self.logs else {
                return false;
            };
            let writes = |fd: u32| is_below(pid, fd, logs) && is_open_for_writing(pid, fd);
            writes(1) || writes(2)
        }
    }

    fn is_below(pid: Pid, fd: u32, directory: &Path) -> bool {
        std::fs::read_link(format!("/proc/{}/fd/{fd}", pid.as_raw_nonzero())).is_ok_and(|file| {
            // One that was removed reads `… (deleted)`, which is below the directory all the same.
            file.starts_with(directory)
        })
    }

    fn is_open_for_writing(pid: Pid, fd: u32) -> bool {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", pid.as_raw_nonzero()));
        let flags = info.ok().and_then(|info| {
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            u32::from_str_radix(flags.trim(), 8).ok()
        });
        // O_ACCMODE is the last two bits; 0 is read-only.
        flags.is_some_and(|flags| flags & 3 != 0)
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::time::Duration;

    use indexmap::IndexMap;
    use playbook_lock::journal::{OpenStage, RunHeader};
    use playbook_types::name::StageName;
    use rustix::process::{Pid, test_kill_process_group};

    use crate::error::ExecError;
    use crate::outputs::Places;

    /// Without a way to tell when a process started, a group that is there may be somebody else's: it is left
    /// alone, and the user asked.
    pub(in super::super) fn end_orphans(
        _header: &RunHeader,
        open: &IndexMap<StageName, OpenStage>,
        _places: &Places,
        _grace: Duration,
    ) -> Result<usize, ExecError> {
        for (id, _, _) in open.values().flat_map(OpenStage::all_groups) {
            let group = Pid::from_raw(*id);
            if group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
                return Err(ExecError::Orphan {
                    pid: *id,
                    source: std::io::Error::other("this system does not tell whose it is"),
                });
            }
        }
        Ok(0)
    }
}
