//! What a playbook says, as values: nothing here parses, checks or runs.

pub mod params;
