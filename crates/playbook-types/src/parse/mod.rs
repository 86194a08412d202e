//! From the text of a playbook to a [`Playbook`](crate::model::playbook::Playbook), or to everything that is wrong with it.
//!
//! The text becomes plain nodes (`node`), the nodes become the model (`lower`), and whatever is found on
//! the way names the value it is about by its key path. Only when something was found is the text read a
//! second time, with an event parser, to turn key paths into lines and columns (`locate`): a playbook in
//! order pays nothing for good messages.

mod fields;
mod locate;
mod lower;
mod lower_stage;
mod lower_top;
mod node;
mod numbers;
mod text;

pub use text::{Parsed, SourceName, locate, parse};
