//! Signals that end a run, and the orphans of its commands.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

/// Watches for signals until dropped.
#[derive(Debug)]
pub(crate) struct SignalWatch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalWatch {
    /// Tells `tell` of each SIGINT, SIGTERM and SIGHUP, which no longer end the process: the first two
    /// end the run. A third does what it would have done, for a run that cannot come to its end because
    /// it still reads a huge file.
    pub(crate) fn start(tell: impl Fn(i32) + Send + 'static) -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        let watch = move || {
            for (nth, signal) in signals.forever().enumerate() {
                tell(signal);
                if nth >= 2 {
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

/// Makes processes whose parents end children of this one, so that they can be waited for (`prctl(2)`,
/// `PR_SET_CHILD_SUBREAPER`). Where that does not exist, they end unobserved.
pub(crate) fn become_subreaper() {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}
