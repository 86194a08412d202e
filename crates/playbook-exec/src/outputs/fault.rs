//! Why outs cannot be made where they should be.

use std::io;
use std::path::PathBuf;

use playbook_hash::disk::DiskError;
use playbook_types::path::DataPath;

/// Why a stage's outs cannot be made where they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutFault {
    /// A socket, fifo or device stands there.
    #[error("{out} is a socket, a fifo or a device; move it away or name another out")]
    Special {
        /// The out.
        out: DataPath,
    },
    /// A symbolic link stands there that the stage did not make.
    #[error(
        "{out} is a symbolic link to {target} that the stage did not make; name the target as the out, or remove the link"
    )]
    ForeignLink {
        /// The out.
        out: DataPath,
        /// Where it points.
        target: String,
    },
    /// Another file system is mounted there.
    #[error(
        "{out} is a mount point and cannot be set aside; name a directory inside it as the out, or mark it 'persist: true'"
    )]
    MountPoint {
        /// The out.
        out: DataPath,
    },
    /// Another file system is mounted below it.
    #[error(
        "{at} is a mount point inside the out {out}, which is set aside and made anew; unmount it, name directories beside it as outs, or mark the out 'persist: true'",
        at = at.display()
    )]
    MountInside {
        /// The out.
        out: DataPath,
        /// What is mounted.
        at: PathBuf,
    },
    /// Its former contents were removed where they waited.
    #[error("the former {out} is gone: something removed it while the stage ran")]
    Gone {
        /// The out.
        out: DataPath,
    },
    /// What stands there cannot be looked at.
    #[error("cannot look at {out}: {source}")]
    Unreadable {
        /// The out.
        out: DataPath,
        /// Why.
        source: io::Error,
    },
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
}
