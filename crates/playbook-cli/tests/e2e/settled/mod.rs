//! A playbook with nothing to do is recognised without being read, and where something changed only what that concerns is
//! worked out. Whatever is done, the answer is the one that working everything out gives.

mod directories;
mod files;
mod moments;
mod same;
mod wildcards;

pub(crate) use files::{AGED, edit_in_secret, run};
