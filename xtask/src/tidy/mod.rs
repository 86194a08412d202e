//! The rules of the house that no compiler and no lint knows, each with its place and what to do.
//!
//! | module | rule |
//! |---|---|
//! | [`layers`] | a crate depends on nothing to its right |
//! | [`lints`] | copies of `clippy.toml` agree; an exception to a lint says why |
//! | [`sizes`] | files and folders stay readable in a sitting |
//! | [`test_rules`] | no test is ignored, sleeps, or shares a fixed path with another |
//! | [`fingerprint`] | the fingerprint of a stage is always taken apart completely |
//! | [`pages`] | every file of a crate says first what it is for |
//! | [`words`] | nothing from one machine is left in a file |

mod all;
mod fingerprint;
mod layers;
mod lints;
mod pages;
mod scan;
mod sizes;
mod test_rules;
mod tree;
mod words;

pub(crate) use all::run;
