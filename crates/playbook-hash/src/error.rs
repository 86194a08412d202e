//! Why something cannot be digested. Every variant names the path it is about.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why something cannot be digested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Nothing stands there.
    #[error("{} does not exist", Quoted(path))]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link stands there that points to nothing.
    #[error(
        "{} is a symbolic link to {}, which does not exist",
        Quoted(path),
        Quoted(target)
    )]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Its text.
        target: PathBuf,
    },
    /// Symbolic links that lead in a circle.
    #[error(
        "{} leads through too many symbolic links, probably in a circle",
        Quoted(path)
    )]
    LinkLoop {
        /// The path.
        path: PathBuf,
    },
    /// A directory where a file is meant.
    #[error("{} is a directory, not a file", Quoted(path))]
    IsDirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file where a directory is meant.
    #[error("{} is not a directory", Quoted(path))]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Something without contents that could be digested.
    #[error(
        "{} is {kind}; only files, directories and symbolic links have a digest",
        Quoted(path)
    )]
    Special {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: SpecialKind,
    },
    /// It was something else each time it was looked at.
    #[error("{} keeps changing while it is being read", Quoted(path))]
    KeepsChanging {
        /// The path.
        path: PathBuf,
    },
    /// Whoever wanted the digest does so no more.
    #[error("{} was not read to its end: the run is being ended", Quoted(path))]
    Halted {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {action} {}: {source}", Quoted(path))]
    Io {
        /// What was to be done, as in "cannot read …".
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line of an ignore file that is no pattern.
    #[error("{}, line {line}: {problem}", Quoted(path))]
    IgnorePattern {
        /// The ignore file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl HashError {
    /// Whether there is simply nothing at the path, not even behind a link.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::DanglingLink { .. })
    }

    /// What the system said, where it refused.
    pub fn io_error(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The path it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path }
            | Self::DanglingLink { path, .. }
            | Self::LinkLoop { path }
            | Self::IsDirectory { path }
            | Self::NotADirectory { path }
            | Self::Special { path, .. }
            | Self::KeepsChanging { path }
            | Self::Halted { path }
            | Self::Io { path, .. }
            | Self::IgnorePattern { path, .. } => path,
        }
    }

    /// What the system said when `action` was tried on a path that was named directly.
    pub(crate) fn of_path(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR) => match std::fs::read_link(&path) {
                Ok(target) => Self::DanglingLink { path, target },
                Err(_) => Self::NotFound { path },
            },
            Some(Errno::LOOP) => Self::LinkLoop { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }

    /// What the system said when `action` was tried on an entry that was seen a moment ago.
    pub(crate) fn of_entry(action: &'static str, path: PathBuf, errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Self::KeepsChanging { path },
            _ => Self::Io {
                action,
                path,
                source: errno.into(),
            },
        }
    }
}

/// What has no contents that could be digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecialKind {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Something this program does not know.
    Other,
}

impl fmt::Display for SpecialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fifo => "a fifo",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "no regular file",
        })
    }
}

/// A path in a message. Control characters are escaped, so that a name can neither break a line nor
/// command a terminal.
pub(crate) struct Quoted<'a>(pub(crate) &'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('\'')?;
        for c in self.0.to_string_lossy().chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        f.write_char('\'')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_on_their_line() {
        let error = HashError::NotFound {
            path: PathBuf::from("a\nb\u{1b}[1m'é"),
        };
        assert_eq!(error.to_string(), "'a\\nb\\u{1b}[1m'é' does not exist");
    }

    #[test]
    fn what_the_system_says() {
        let of = |errno: Errno| HashError::of_path("read", Path::new("/no/such"), errno.into());
        assert!(of(Errno::NOENT).is_not_found());
        assert!(of(Errno::NOTDIR).is_not_found());
        assert!(matches!(of(Errno::LOOP), HashError::LinkLoop { .. }));
        assert!(matches!(of(Errno::ACCESS), HashError::Io { .. }));
        assert!(!of(Errno::ACCESS).is_not_found());
    }
}
