//! One run at a time: an advisory lock that the kernel releases when its holder dies.
//!
//! It is a `flock(2)` on a file that is never removed: the exclusive lock is the run's, and it is held for
//! as long as the run lasts. Those who only want to know take the shared lock for a moment ([`holder`]); a
//! run that finds the lock taken therefore looks whether by a run or by somebody who is looking.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use jiff::Timestamp;
use playbook_hash::disk;

use crate::error::LockError;

/// How long somebody waits before being told for whom: most runs that do nothing are over sooner.
const MOMENT: Duration = Duration::from_millis(300);

/// The right to run a playbook, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Who holds it, for those who wait.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
}

/// What to do when another run holds the lock.
#[derive(Clone, Copy)]
pub enum Contention<'a> {
    /// Refuse.
    Fail,
    /// Wait, and after a moment say who is waited for.
    Wait(&'a (dyn Fn(&str) + Sync)),
}

impl RunLock {
    /// Takes the lock at `path`. The file is never truncated before the lock is ours, and never removed.
    ///
    /// # Errors
    ///
    /// The lock is held and `contention` is [`Contention::Fail`], or the file cannot be opened.
    pub fn acquire(
        path: &Path,
        holder: &Holder,
        contention: Contention<'_>,
    ) -> Result<Self, LockError> {
        loop {
            let mut file = disk::open_keeping(path)?;
            take(path, &mut file, contention)?;
            // Somebody may have removed the file by hand while we waited; then its lock keeps nobody out.
            if is_still_at(path, &file) {
                let Holder { pid, host, since } = holder;
                // Nobody asks for its microseconds.
                let since = Timestamp::from_second(since.as_second()).unwrap_or(*since);
                let note = format!("pid {pid} on {host}, since {since}\n");
                disk::overwrite(path, &mut file, note.as_bytes())?;
                return Ok(Self { _file: file });
            }
        }
    }
}

/// Who holds the lock at `path` now, if anybody does.
///
/// # Errors
///
/// When the file cannot be opened; one that does not exist is held by nobody.
pub fn holder(path: &Path) -> Result<Option<String>, LockError> {
    let failed = |source| LockError::RunLock {
        path: path.to_owned(),
        source,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_note(&mut file))),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn take(path: &Path, file: &mut File, contention: Contention<'_>) -> Result<(), LockError> {
    let failed = |source| LockError::RunLock {
        path: path.to_owned(),
        source,
    };
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            // Somebody was only looking. Giving up the shared lock lets another run in, which is fair.
            Ok(()) => file.unlock().map_err(failed)?,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                let by = read_note(file);
                return match contention {
                    Contention::Fail => Err(LockError::Held { holder: by }),
                    Contention::Wait(tell) => wait(file, || tell(&by)).map_err(failed),
                };
            }
        }
    }
}

/// Waits for the lock, and tells if that takes longer than a moment.
fn wait(file: &File, tell: impl Fn() + Sync) -> std::io::Result<()> {
    let (done, waiting) = channel::<()>();
    let tell = &tell;
    std::thread::scope(|threads| {
        threads.spawn(move || {
            if waiting.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                tell();
            }
        });
        let taken = file.lock();
        drop(done);
        taken
    })
}

fn is_still_at(path: &Path, file: &File) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn read_note(file: &mut File) -> String {
    let mut text = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "a run that has just started".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Holder {
        Holder {
            pid: 7,
            host: "here".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_held_lock_says_by_whom_and_a_released_one_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        assert_eq!(holder(&path).unwrap(), None);
        let held = RunLock::acquire(&path, &me(), Contention::Fail).unwrap();
        let note = "pid 7 on here, since 1970-01-01T00:00:00Z";
        assert_eq!(holder(&path).unwrap().as_deref(), Some(note));
        let refused = RunLock::acquire(&path, &me(), Contention::Fail).unwrap_err();
        assert!(refused.to_string().contains(note), "{refused}");
        drop(held);
        assert_eq!(holder(&path).unwrap(), None);
        RunLock::acquire(&path, &me(), Contention::Fail).unwrap();
    }

    #[test]
    fn the_note_is_of_the_last_holder_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        let long = Holder {
            host: "a-much-longer-name".to_owned(),
            ..me()
        };
        for (holder, name) in [(&me(), "here"), (&long, &*long.host), (&me(), "here")] {
            let _held = RunLock::acquire(&path, holder, Contention::Fail).unwrap();
            let note = format!("pid 7 on {name}, since 1970-01-01T00:00:00Z\n");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), note);
        }
    }

    #[test]
    fn those_who_only_look_keep_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        drop(RunLock::acquire(&path, &me(), Contention::Fail).unwrap());
        let looking = File::open(&path).unwrap();
        looking.lock_shared().unwrap();
        std::thread::scope(|threads| {
            let (ready, started) = channel();
            let path = &path;
            let run = threads.spawn(move || {
                ready.send(()).unwrap();
                RunLock::acquire(path, &me(), Contention::Fail).map(|_| ())
            });
            started.recv().unwrap();
            looking.unlock().unwrap();
            run.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_file_removed_by_hand_does_not_let_two_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        let first = RunLock::acquire(&path, &me(), Contention::Fail).unwrap();
        std::thread::scope(|threads| {
            let (told, waits) = channel();
            let (path, me) = (&path, me());
            let second = threads.spawn(move || {
                let tell = |_: &str| told.send(()).unwrap();
                RunLock::acquire(path, &me, Contention::Wait(&tell)).unwrap()
            });
            waits.recv().unwrap();
            std::fs::remove_file(path).unwrap();
            drop(first);
            let second = second.join().unwrap();
            assert!(
                holder(path).unwrap().is_some(),
                "what stands there is locked"
            );
            drop(second);
        });
    }
}
