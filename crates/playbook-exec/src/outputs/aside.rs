//! Looking at an old out, and setting it aside.

use std::io;
use std::path::Path;

use playbook_lock::journal;
use playbook_types::path::DataPath;

use crate::outputs::fault::OutFault;
use crate::outputs::mounts::mount_below;
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

impl OldOut {
    /// What the journal says of it: whether anything stands at `path` to be set aside under the name `aside`.
    ///
    /// # Errors
    ///
    /// Something stands there that must not be moved.
    pub(crate) fn noted(&self, path: &Path, aside: String) -> Result<journal::OldOut, OutFault> {
        let out = || self.path.clone();
        let standing =
            standing_at(path).map_err(|source| OutFault::Unreadable { out: out(), source })?;
        match standing {
            Standing::Special => return Err(OutFault::Special { out: out() }),
            Standing::Link(target) if self.symlink.as_ref() != Some(&target) => {
                return Err(OutFault::ForeignLink { out: out(), target });
            }
            Standing::Directory => {
                if let Some(at) = mount_below(path) {
                    return Err(OutFault::MountInside { out: out(), at });
                }
            }
            Standing::Nothing | Standing::Link(_) | Standing::File => {}
        }
        Ok(journal::OldOut {
            path: out(),
            aside: (standing != Standing::Nothing).then_some(aside),
            recorded: self.recorded,
        })
    }
}

/// Sets what stands at `path` aside.
pub(super) fn set_aside(out: &DataPath, path: &Path, aside: &Path) -> Result<(), OutFault> {
    match move_data(path, aside) {
        Err(error) if error.is_busy() || error.is_cross_device() => {
            Err(OutFault::MountPoint { out: out.clone() })
        }
        // It went away meanwhile, which is all that was wanted.
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}
