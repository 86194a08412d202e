//! The graph of a playbook as a picture: one [`Picture`], and a file for each form it is shown in.

pub(crate) mod dot;
pub(crate) mod escape;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod mermaid;
pub(crate) mod picture;
pub(crate) mod state;
pub(crate) mod svg;
pub(crate) mod text;

pub(crate) use picture::{Arrow, Node, Picture};
pub(crate) use state::State;
