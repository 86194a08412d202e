//! Signals that end or pause a run, and the orphans of its commands.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};

/// Watches for signals until dropped.
#[derive(Debug)]
pub(crate) struct SignalWatch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// To end, because of this signal.
    End(i32),
    /// To stop until told to go on.
    Pause,
}

impl SignalWatch {
    /// Tells `tell` of each SIGINT, SIGTERM and SIGHUP, which no longer end the process: the first two
    /// end the run. A third does what it would have done, for a run that cannot come to its end because
    /// it still reads a huge file. SIGTSTP is told of, too. A signal that whoever started this process has it
    /// ignore (`nohup`, a background job of a script) stays ignored.
    pub(crate) fn start(tell: impl Fn(Heard) + Send + 'static) -> io::Result<Self> {
        let ignored = ignored_signals();
        let wanted = [SIGINT, SIGTERM, SIGHUP, SIGTSTP];
        let wanted = wanted
            .into_iter()
            .filter(|signal| !ignored.contains(*signal));
        let mut signals = Signals::new(wanted)?;
        let handle = signals.handle();
        let watch = move || {
            let mut ends = 0;
            for signal in signals.forever() {
                if signal == SIGTSTP {
                    tell(Heard::Pause);
                    continue;
                }
                tell(Heard::End(signal));
                ends += 1;
                if ends > 2 {
                    signal_hook::low_level::emulate_default_handler(signal).ok();
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)?;
        Ok(Self {
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It has no way to panic; if it did, the run is over anyway.
            thread.join().ok();
        }
    }
}

/// A set of signals, one bit each, the lowest for signal 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SignalSet(u64);

impl SignalSet {
    fn contains(self, signal: i32) -> bool {
        let bit = u32::try_from(signal - 1).ok();
        bit.and_then(|bit| self.0.checked_shr(bit))
            .is_some_and(|shifted| shifted & 1 == 1)
    }
}

/// The signals this process ignores (`proc_pid_status(5)`, `SigIgn`); none where the system does not tell.
fn ignored_signals() -> SignalSet {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    SignalSet(ignored_in(&status).unwrap_or(0))
}

fn ignored_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Makes processes whose parents end children of this one, so that they can be waited for (`prctl(2)`,
/// `PR_SET_CHILD_SUBREAPER`). Where that does not exist, they end unobserved.
pub(crate) fn become_subreaper() {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        let status = "Name:\tx\nSigBlk:\t0\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        let set = SignalSet(ignored_in(status).unwrap());
        assert!(set.contains(SIGHUP) && set.contains(13));
        assert!(!set.contains(SIGINT) && !set.contains(64) && !set.contains(0));
        assert_eq!(ignored_in(""), None);
    }
}
