//! What a shell text can have open: quotes, substitutions, here-documents.

use crate::template::delimiter::Delimiter;

/// Something that was opened and not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// `"`
    Double,
    /// `'`
    Single,
    /// `$'`
    DollarSingle,
    /// A backtick.
    Backtick,
    /// `$(`
    CommandSubstitution,
    /// `(` in a bare place.
    Subshell,
    /// `${`
    Expansion,
    /// `$((` or `((`, with parentheses open inside.
    Arithmetic { open: usize },
    /// `#` to the end of the line.
    Comment,
    /// Lines up to the delimiter.
    HereDoc(Delimiter),
}
