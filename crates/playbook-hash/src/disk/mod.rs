//! Everything the program writes goes through here: one seam, so that every failure of a disk can be
//! brought about in a test.

mod append;
mod error;
mod mount;
mod ops;
mod remove;
mod replace;
mod root;
mod state_dir;

pub use append::AppendFile;
pub use error::DiskError;
#[cfg(any(test, feature = "faults"))]
pub use ops::faults;
pub use ops::{create_dirs, remove_dir, remove_file, rename, sync_dir, write_new};
pub use remove::remove_tree;
pub use replace::{Durability, replace};
pub use root::Root;
pub use state_dir::StateDir;
