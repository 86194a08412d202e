//! What processes used, told by the system when the end of each is taken note of.
//!
//! `wait4(2)` tells of a process and of all it waited for itself. What it left to others is told when they end: this process is
//! a child subreaper. Nothing is measured while they run, so it costs nothing.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::time::Duration;

use playbook_types::record::usage::Usage;
use rustix::process::Pid;

/// What processes used together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    user: Duration,
    system: Duration,
    /// The most that one of them had, in bytes; but never less is told than `floor`.
    peak: u64,
    /// A process that this one starts is told to have had at least what this one had until then: for a moment, it was this one.
    floor: u64,
}

impl Used {
    /// These and the others.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            user: self.user.saturating_add(other.user),
            system: self.system.saturating_add(other.system),
            peak: self.peak.max(other.peak),
            floor: self.floor.max(other.floor),
        }
    }

    /// For the record.
    pub(crate) fn usage(self) -> Usage {
        // What the system counts, it counts in batches.
        const SLACK: u64 = 1 << 20;
        Usage {
            user_seconds: self.user.as_secs_f64(),
            system_seconds: self.system.as_secs_f64(),
            max_rss_bytes: Some(self.peak).filter(|peak| *peak > self.floor.saturating_add(SLACK)),
        }
    }
}

/// Whose end is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// That of a child.
    Process(Pid),
    /// That of any child in this process group.
    AnyOf(Pid),
}

/// Waits until a child has ended and takes note of it, or, if that has to wait, does not (`now`). Nothing if it does not, or if there is
/// no such child.
pub(crate) fn reap(whose: Whose, now: bool) -> io::Result<Option<(Pid, ExitStatus, Used)>> {
    let which = match whose {
        Whose::Process(pid) => pid.as_raw_nonzero().get(),
        Whose::AnyOf(group) => -group.as_raw_nonzero().get(),
    };
    let flags = if now { libc::WNOHANG } else { 0 };
    let (pid, status, used) = loop {
        match wait4(which, flags) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            other => break other?,
        }
    };
    Ok(Pid::from_raw(pid).map(|pid| (pid, ExitStatus::from_raw(status), used)))
}

#[expect(unsafe_code, reason = "no library has wait4(2) for process groups")]
fn wait4(which: i32, flags: i32) -> io::Result<(i32, i32, Used)> {
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to values of this function, of the types that the system writes; and zeros, which stand there if
    // it writes nothing, are a valid rusage.
    let (pid, usage) = unsafe {
        let pid = libc::wait4(which, &raw mut status, flags, usage.as_mut_ptr());
        (pid, usage.assume_init())
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    let used = Used {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        peak: bytes(usage.ru_maxrss),
        floor: 0,
    };
    Ok((pid, status, used))
}

/// What a process that this one started used.
pub(crate) fn of_own_child(used: Used) -> Used {
    let floor = own_peak();
    Used { floor, ..used }
}

/// The most that this process had at once.
fn own_peak() -> u64 {
    // This process, too, is told to have had what the one had that started it.
    static INHERITED: OnceLock<u64> = OnceLock::new();
    let told = told_of_this();
    let inherited =
        *INHERITED.get_or_init(|| own_status().map_or(0, |own| if own < told { told } else { 0 }));
    if told > inherited {
        return told;
    }
    own_status().unwrap_or(told)
}

/// This process's own memory (`proc_pid_status(5)`, `VmHWM`).
fn own_status() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.saturating_mul(1024))
}

#[expect(unsafe_code, reason = "rustix does not have getrusage(2)")]
fn told_of_this() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a value of this function, of the type that the system writes; zeros are a valid one.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    bytes(usage.ru_maxrss)
}

/// It is told in kilobytes, but on Apple's systems in bytes.
fn bytes(max_rss: libc::c_long) -> u64 {
    let unit = if cfg!(target_vendor = "apple") {
        1
    } else {
        1024
    };
    u64::try_from(max_rss).unwrap_or(0).saturating_mul(unit)
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))
}
