//! The language as data: every field of a playbook once, with what it may be and what it is for.
//!
//! The parser takes the fields it knows and the words they may be from these tables, and [`json_schema`] makes
//! of them what an editor reads. `tests/schema.rs` holds the two against each other, field by field.

pub(crate) mod elsewhere;
pub(crate) mod fanout;
mod json;
mod shape;
pub(crate) mod stage;
pub(crate) mod top;
mod word;

pub use json::json_schema;
pub(crate) use shape::{Field, Fields, Key, Shape};
pub(crate) use word::{Word, documented};
