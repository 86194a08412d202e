//! The playbook language (work in progress page).

pub mod check;
pub mod digest;
pub mod finding;
pub mod graph;
pub mod model;
pub mod name;
pub mod parse;
pub mod path;
pub mod record;
pub mod span;
pub mod suggest;
pub mod template;
pub mod units;
pub mod value;
