//! The playbook language (work in progress page).

pub mod digest;
pub mod model;
pub mod name;
pub mod path;
pub mod record;
pub mod suggest;
pub mod units;
pub mod value;
