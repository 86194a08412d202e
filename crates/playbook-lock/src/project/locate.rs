//! Finding the playbook: here, or in a directory above.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::LockError;

/// The names a playbook is looked for under, the first that exists wins.
const NAMES: [&str; 2] = ["playbook.yaml", "playbook.yml"];

/// The playbook in `start` or the nearest directory above it.
///
/// The search stops at a file-system boundary, and what it finds above must belong to the user or to
/// root: a playbook runs commands, so one that a stranger left in a shared directory is refused.
///
/// # Errors
///
/// None found, or one that belongs to somebody else.
pub fn search_up_from(start: &Path) -> Result<PathBuf, LockError> {
    let mut directory = start;
    let device = std::fs::metadata(start).map(|meta| meta.dev()).ok();
    loop {
        if let Some(found) = NAMES
            .iter()
            .map(|name| directory.join(name))
            .find(|path| path.exists())
        {
            return if directory == start || is_trusted(&found) {
                Ok(found)
            } else {
                Err(LockError::ForeignPlaybook { path: found })
            };
        }
        match directory.parent() {
            Some(parent) if std::fs::metadata(parent).map(|meta| meta.dev()).ok() == device => {
                directory = parent;
            }
            _ => {
                return Err(LockError::NoPlaybook {
                    start: start.to_owned(),
                });
            }
        }
    }
}

fn is_trusted(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    std::fs::metadata(path).is_ok_and(|meta| meta.uid() == user || meta.uid() == 0)
}
