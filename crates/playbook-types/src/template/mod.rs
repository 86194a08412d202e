//! Templates in commands: `{{ params.model }}`, `{{ deps[0].path }}`, quoted for where they stand.
//!
//! A value never changes the shape of the command the shell reads. The text around a placeholder is read
//! with the eyes of a shell (POSIX.1-2024, Shell Command Language, 2.2 *Quoting* and 2.3 *Token
//! Recognition*; bash where it adds to them), so that what is substituted can be quoted for a bare word,
//! for `"…"`, for `'…'` or for a here-document. Where no quoting is sound, a value that needs some is an
//! error. What a nested interpreter makes of its program text (`sh -c '…'`, awk, ssh) is beyond this:
//! pass values to those as arguments.
//!
//! Every piece of template syntax begins with `{{`; all other text is the shell's and stays as it is.

mod delimiter;
mod error;
mod frame;
mod lex;
mod quote;
mod reference;
mod render;
mod scope;
mod shell;

pub use error::{TemplateError, TemplateErrorKind};
pub use quote::quote_word;
pub use reference::{Placeholder, Reference};
pub use render::{Rendered, Template};
pub use scope::{ParamSource, Scope};
