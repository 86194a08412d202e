//! A shell's view of a command text: at any point, in what does the next character stand?
//!
//! The scanner reads the text around placeholders as POSIX.1-2024 (Shell Command Language, 2.2 *Quoting*,
//! 2.3 *Token Recognition*, 2.7.4 *Here-Document*) and bash do. It knows what was opened and not closed
//! ([`frame`]); words, operators and `case` ([`words`]); `$…` ([`expand`]); and here-documents
//! ([`document`]). Where shells disagree, or it cannot tell, it is *lost* from there on, and a value that
//! needs quoting is refused rather than quoted on a guess.

mod delimiter;
mod document;
mod expand;
mod frame;
mod place;
mod scanner;
mod words;

pub use place::Where;
pub(super) use place::{Bare, Place, joined};
pub(super) use scanner::Scanner;
pub(super) use words::RESERVED;
