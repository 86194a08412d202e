//! One run at a time: an advisory lock that the kernel releases when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use jiff::Timestamp;

use crate::error::LockError;

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
    /// Say who is waited for, then wait.
    Wait(&'a dyn Fn(&str)),
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
        let unreadable = |source| LockError::RunLock {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unreadable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let by = read_note(&mut file);
                match contention {
                    Contention::Fail => return Err(LockError::Held { holder: by }),
                    Contention::Wait(tell) => tell(&by),
                }
                file.lock().map_err(unreadable)?;
            }
            Err(TryLockError::Error(source)) => return Err(unreadable(source)),
        }
        write_note(&mut file, holder).map_err(unreadable)?;
        Ok(Self { _file: file })
    }
}

fn read_note(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "a run that has just started".to_owned(),
    }
}

fn write_note(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    let Holder { pid, host, since } = holder;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("pid {pid} on {host}, since {since}\n").as_bytes())
}
