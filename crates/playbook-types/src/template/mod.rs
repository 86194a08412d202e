//! Templates in commands: `{{ params.model }}`, `{{ deps[0].path }}`, quoted for where they stand.
//!
//! A value never changes the shape of the command the shell reads. The text around a placeholder is read
//! with the eyes of a shell (POSIX.1-2024, Shell Command Language, 2.2 *Quoting* and 2.3 *Token
//! Recognition*; bash where it adds to them), so that what is substituted can be quoted for a bare word,
//! for `"…"`, for `'…'` or for a here-document. Where no quoting is sound, a value that needs some is an
//! error. What a nested interpreter makes of its program text (`sh -c '…'`, awk, ssh) is beyond this:
//! pass values to those as arguments.
//!
//! Numbers before a redirection, reserved words, assignments, braces and `~` are looked after by their
//! surroundings. The descriptor of `2>&{{ … }}` is the author's: `1` there is a descriptor. What is put in
//! with `| raw` is unchanged, and taken for one harmless word.
//!
//! Every piece of template syntax begins with `{{`; all other text is the shell's and stays as it is.
//! `{{ "{{" }}` writes the braces themselves.

mod ast;
mod error;
mod lex;
mod quote;
mod reference;
mod render;
mod scope;
mod shape;
mod shell;
mod site;

pub use ast::{Placeholder, Reference};
pub use error::{TemplateError, TemplateErrorKind};
pub use quote::quote_word;
pub use render::{Rendered, Template};
pub use scope::{FanOut, JobNames, ParamSource, Scope};
pub use shell::Where;

pub(crate) use lex::{Piece, split};
