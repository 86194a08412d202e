//! A playbook on disk: finding it, opening it, and keeping it in a form that is quicker to open.

mod compose;
mod disk;
mod locate;
mod neighbours;
mod open;
mod parsed;
mod sources;

pub use compose::Overrides;
pub use locate::search_up_from;
pub use neighbours::Neighbours;
pub use open::Project;
pub use sources::{Source, all_stand};

pub(crate) use open::utf8;
