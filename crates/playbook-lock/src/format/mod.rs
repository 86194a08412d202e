//! The text of a lock file: reading it with errors a person can act on, writing it in one fixed form.

mod kept;
mod path;
mod read;
mod splice;
mod write;

pub(crate) use kept::{KeptEntries, keep_entries, read_entries};
pub(crate) use path::beside;
pub use path::lock_file_path;
pub(crate) use read::parse_bytes;
pub use read::{load_lock_file, parse_lock};
pub use splice::Layout;
pub(crate) use splice::{LockText, OldText, splice};
pub(crate) use write::save_text;
pub use write::{render_lock, save_lock_file};
