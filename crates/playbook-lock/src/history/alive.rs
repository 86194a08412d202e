//! Which of the runs in the event log is under way.

use playbook_hash::disk::StateDir;
use uuid::Uuid;

use crate::error::LockError;
use crate::journal::read_journal;
use crate::run_lock;

/// The run that is under way, if its journal says which it is.
///
/// # Errors
///
/// When the run lock or the journal cannot be looked at.
pub fn under_way(state: &StateDir) -> Result<Option<Uuid>, LockError> {
    if run_lock::holder(&state.run_lock())?.is_none() {
        return Ok(None);
    }
    let journal = read_journal(&state.journal())?;
    Ok(journal.map(|journal| journal.header.run_id))
}
