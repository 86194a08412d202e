//! Where in a tree a directory is, and how to open it however long its path is.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::file::OPEN_FLAGS;

/// A directory whose path from its anchor is this long becomes an anchor itself. With one more name behind
/// it, the path is still shorter than the system takes (4096 bytes on Linux, 1024 elsewhere).
const LONG: usize = if cfg!(target_os = "linux") { 3072 } else { 640 };

const FLAGS: OFlags = OPEN_FLAGS.union(OFlags::DIRECTORY);

/// A directory in a tree: its path below the top, and an open directory above it to start from.
#[derive(Debug, Clone)]
pub(super) struct Place {
    anchor: Arc<OwnedFd>,
    /// How many bytes of `below` the anchor stands for.
    anchored: usize,
    below: PathBuf,
}

impl Place {
    /// The top of the tree at `path`. A symbolic link is followed.
    pub(super) fn top(path: &Path) -> Result<Self, Errno> {
        let top = openat(CWD, path, FLAGS, Mode::empty())?;
        Ok(Self {
            anchor: Arc::new(top),
            anchored: 0,
            below: PathBuf::new(),
        })
    }

    /// Its path relative to the top; empty for the top.
    pub(super) fn below(&self) -> &Path {
        &self.below
    }

    /// Opens it. What has become a symbolic link since is not followed.
    pub(super) fn open(&self) -> Result<OwnedFd, Errno> {
        let path = self.anchored_path();
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        openat(&self.anchor, path, FLAGS | OFlags::NOFOLLOW, Mode::empty())
    }

    /// The same place for those below it to start from; `open` is its directory.
    pub(super) fn anchor_if_long(self, open: OwnedFd) -> Self {
        if self.anchored_path().as_os_str().len() < LONG {
            return self;
        }
        Self {
            anchor: Arc::new(open),
            anchored: self.below.as_os_str().len(),
            below: self.below,
        }
    }

    /// The directory `name` in it.
    pub(super) fn child(&self, name: &[u8]) -> Self {
        Self {
            below: self.below.join(OsStr::from_bytes(name)),
            ..self.clone()
        }
    }

    fn anchored_path(&self) -> &Path {
        let rest = &self.below.as_os_str().as_bytes()[self.anchored..];
        Path::new(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest)))
    }
}
