//! Named pipes, by which stages tell a test what they are at and are told to go on.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Sandbox;

/// How long a test waits for what must happen. Only a broken program makes it wait that long.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// A named pipe. The test holds both of its ends: whoever opens one end in a stage need not wait for the
/// other, and when the test is over readers see the end of it and end as well.
pub(crate) struct Pipe {
    file: File,
    name: String,
}

impl Pipe {
    /// Waits for the next line, and gives it without its end.
    pub(crate) fn hear(&self) -> String {
        let mut line = Vec::new();
        loop {
            let byte = self.byte();
            if byte == b'\n' {
                return String::from_utf8(line).unwrap();
            }
            line.push(byte);
        }
    }

    /// Whether somebody has said something that was not heard yet.
    pub(crate) fn has_news(&self) -> bool {
        self.ready(Duration::ZERO)
    }

    /// Writes a line.
    pub(crate) fn tell(&self, line: &str) {
        (&self.file)
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// The end to write to, for a process to inherit.
    pub(crate) fn writer(&self) -> File {
        self.file.try_clone().unwrap()
    }

    fn byte(&self) -> u8 {
        assert!(
            self.ready(PATIENCE),
            "nobody says anything in {}",
            self.name
        );
        let mut byte = [0];
        (&self.file).read_exact(&mut byte).unwrap();
        byte[0]
    }

    fn ready(&self, within: Duration) -> bool {
        let mut asked = [PollFd::new(&self.file, PollFlags::IN)];
        let within = Timespec::try_from(within).unwrap();
        poll(&mut asked, Some(&within)).unwrap() == 1
    }
}

impl Sandbox {
    /// A named pipe in the sandbox.
    pub(crate) fn pipe(&self, name: &str) -> Pipe {
        self.fifo(name);
        let mut both = OpenOptions::new();
        both.read(true).write(true);
        Pipe {
            file: both.open(self.path(name)).unwrap(),
            name: name.to_owned(),
        }
    }
}

/// Waits until something is so that nobody tells of.
pub(crate) fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it never came to this: {what}");
        std::thread::yield_now();
    }
}
