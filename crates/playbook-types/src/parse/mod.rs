//! From the text of a playbook to a [`Playbook`](crate::model::playbook::Playbook), or to everything that is wrong with it.
//!
//! The text becomes plain nodes (`node`), the nodes become the model (`lower`), and whatever is found on
//! the way names the value it is about by its key path. Only when something was found is the text read a
//! second time, with an event parser, to turn key paths into lines and columns (`locate`): a playbook in
//! order pays nothing for good messages.
//!
//! Between reading and checking a playbook ([`Draft`]) is given the params of other places (`params_file`), so that
//! it is checked as it will run.

mod draft;
mod fields;
mod locate;
mod lower;
mod node;
mod numbers;
mod params_file;
mod text;
mod value;

pub use draft::{Draft, Layers};
pub use params_file::{ParamsFile, ParamsFormat};
pub use text::{Parsed, SourceName, locate, parse, parse_with};
pub use value::param_value;
