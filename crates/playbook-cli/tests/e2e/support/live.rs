//! A run that goes on while the test looks at it.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::pipe::PATIENCE;
use super::processes::{MARK, end_marked};
use super::sandbox::Ended;
use super::{Process, Sandbox, marked};

/// A process of the sandbox, and what it starts. Nothing of it outlives the test.
pub(crate) struct Live {
    child: Child,
    /// The sandbox.
    root: String,
    mark: String,
    stdout: File,
    stderr: File,
    _guard: Guard,
}

impl Sandbox {
    /// Starts a command that [`Sandbox::command`] began, without anything to read.
    pub(crate) fn start(&self, mut command: Command) -> Live {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdin(Stdio::null());
        command.stdout(stdout.try_clone().unwrap());
        command.stderr(stderr.try_clone().unwrap());
        self.start_as_is(command, stdout, stderr)
    }

    /// Starts one whose standard streams are set, to be waited for with [`Live::ended_quietly`].
    pub(crate) fn start_wired(&self, command: Command) -> Live {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        self.start_as_is(command, stdout, stderr)
    }

    fn start_as_is(&self, mut command: Command, stdout: File, stderr: File) -> Live {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let root = self.root().to_string_lossy().into_owned();
        let mark = format!("{root} {}", STARTED.fetch_add(1, Ordering::Relaxed));
        Live {
            child: command.env(MARK, &mark).spawn().unwrap(),
            root,
            stdout,
            stderr,
            _guard: Guard::over(mark.clone()),
            mark,
        }
    }

    /// Starts `playbook` with these arguments.
    pub(crate) fn live(&self, args: &[&str]) -> Live {
        self.start(self.command(args))
    }
}

impl Live {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has been stopped.
    pub(crate) fn stopped(&self) {
        let how = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid()), how).unwrap().unwrap();
        assert!(status.stopped(), "it ended instead of stopping");
    }

    /// What of it, and of what it started, has not ended.
    pub(crate) fn alive(&self) -> Vec<Process> {
        marked(&self.mark)
    }

    /// Whether the run itself is over.
    pub(crate) fn is_over(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid()), look).unwrap().is_some()
    }

    /// Kills the process that was started, and nothing that it started in turn.
    pub(crate) fn die(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, at which nothing that it started is alive any more. The exit code is what a shell makes
    /// of it: a signal's number on top of 128.
    pub(crate) fn ended(mut self) -> Ended {
        let status = self.wait();
        self.said(shell_code(status))
    }

    /// Waits as [`Live::ended`] does. Where a signal ended it there is no exit code.
    pub(crate) fn finished(mut self) -> Ended {
        let code = self.wait().code();
        self.said(code)
    }

    /// Waits as [`Live::ended`] does, where what it said went elsewhere.
    pub(crate) fn ended_quietly(mut self) -> Option<i32> {
        shell_code(self.wait())
    }

    fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        assert_eq!(self.alive(), [], "after the run something is still alive");
        status
    }

    fn said(&mut self, code: Option<i32>) -> Ended {
        let root = self.root.clone();
        let text = |file: &mut File| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).replace(&root, "[ROOT]")
        };
        Ended {
            code,
            stdout: text(&mut self.stdout),
            stderr: text(&mut self.stderr),
        }
    }
}

fn shell_code(status: ExitStatus) -> Option<i32> {
    let signal = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signal)
}

impl Drop for Live {
    fn drop(&mut self) {
        end_marked(&self.mark);
        // It has ended by now, and may have been waited for.
        self.child.wait().ok();
    }
}

/// Ends what hangs, so that those who wait for it hear of it.
struct Guard {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    fn over(mark: String) -> Self {
        let (over, waiting) = channel();
        let thread = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                end_marked(&mark);
            }
        });
        Self {
            over: Some(over),
            thread: Some(thread),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
