//! Writing a lock: one fixed form, replaced whole and durably.

use std::path::Path;

use playbook_hash::disk::{Durability, replace_in_pieces};
use playbook_types::record::lock::LockFile;
use serde::Serialize;

use crate::error::LockError;
use crate::format::LockText;

/// The text of a lock.
pub fn render_lock<E: Serialize>(lock: &LockFile<E>) -> Result<String, LockError> {
    serde_yaml_ng::to_string(lock).map_err(|error| LockError::Unwritable {
        message: error.to_string(),
    })
}

/// Replaces the lock at `path` atomically and durably; through a symbolic link to its target.
///
/// # Errors
///
/// When the disk refuses. The former lock is then still there, whole.
pub fn save_lock_file(path: &Path, lock: &LockFile) -> Result<(), LockError> {
    save_text(path, &LockText::whole(render_lock(lock)?))
}

/// The same for the text of a lock.
pub(crate) fn save_text(path: &Path, text: &LockText) -> Result<(), LockError> {
    let pieces = text.pieces().map(str::as_bytes);
    Ok(replace_in_pieces(path, pieces, Durability::Synced)?)
}
