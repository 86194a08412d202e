//! What a playbook says, as values: nothing here parses, checks or runs.

pub mod compliance;
pub mod fanout;
pub mod params;
pub mod playbook;
pub mod policy;
pub mod resources;
pub mod retry;
pub mod shell;
pub mod spread;
pub mod stage;
pub mod target;
