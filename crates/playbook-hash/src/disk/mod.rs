//! Everything the program writes goes through here: one seam, so that every failure of a disk can be
//! brought about in a test.

mod append;
mod error;
pub mod faults;
mod mount;
mod ops;
pub mod records;
mod remove;
mod replace;
mod root;
pub mod sealed;
mod state_dir;

pub use append::AppendFile;
pub use error::DiskError;
pub(crate) use mount::device_of;
pub use mount::on_one_mount;
pub use ops::{
    create_dirs, open_empty, open_keeping, overwrite, remove_dir, remove_file, rename,
    set_permissions, sync_dir, write_new,
};
pub use remove::remove_tree;
pub use replace::{Durability, remove_half_replaced, replace, replace_in_pieces};
pub use root::Root;
pub use state_dir::StateDir;
