//! Setting one old out aside.

use std::io;
use std::path::{Path, PathBuf};

use playbook_types::path::DataPath;

use crate::outputs::fault::OutFault;
use crate::outputs::moving::{Standing, move_data, standing_at};

/// An out of a stage that is about to run.
#[derive(Debug, Clone)]
pub(crate) struct OldOut {
    /// The out.
    pub(crate) path: DataPath,
    /// It is left in place for the command to update, without a transaction.
    pub(crate) persist: bool,
    /// What stands there is exactly what the lock records.
    pub(crate) recorded: bool,
    /// The text of the link that the stage made there, if it made one.
    pub(crate) symlink: Option<String>,
}

/// An old out under its reserved name.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) out: DataPath,
    /// Where it stood.
    pub(super) path: PathBuf,
    /// Where it waits.
    pub(super) waits_at: PathBuf,
    /// The lock records exactly these contents: the stage made them and can make them again.
    pub(super) recorded: bool,
}

/// Sets what stands at an out aside, if anything does.
pub(super) fn set_aside(
    out: &OldOut,
    path: &Path,
    aside: &Path,
) -> Result<Option<Aside>, OutFault> {
    let unreadable = |source: io::Error| OutFault::Unreadable {
        out: out.path.clone(),
        source,
    };
    match standing_at(path).map_err(unreadable)? {
        Standing::Nothing => return Ok(None),
        Standing::Special => {
            return Err(OutFault::Special {
                out: out.path.clone(),
            });
        }
        Standing::Link(text) if out.symlink.as_ref() != Some(&text) => {
            return Err(OutFault::ForeignLink {
                out: out.path.clone(),
                target: text,
            });
        }
        Standing::Link(_) | Standing::Data => {}
    }
    match move_data(path, aside) {
        Ok(()) => Ok(Some(Aside {
            out: out.path.clone(),
            path: path.to_owned(),
            waits_at: aside.to_owned(),
            recorded: out.recorded,
        })),
        Err(error) if error.is_busy() || error.is_cross_device() => Err(OutFault::MountPoint {
            out: out.path.clone(),
        }),
        Err(error) => Err(OutFault::Disk(error)),
    }
}
