//! Where a playbook's lock is, what it proves, and the decision whether a stage must run.

pub mod decide;
pub mod entry;
mod error;
mod format;
pub mod history;
mod locate;
mod project;
pub mod run_lock;

pub use decide::check_cache;
pub use error::LockError;
pub use format::{load_lock_file, lock_file_path, parse_lock, render_lock, save_lock_file};
pub use locate::search_up_from;
pub use project::Project;
