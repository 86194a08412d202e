//! Where a value would stand, and what that means for it.

use std::fmt;

use crate::template::shell::frame::{
    CasePart, Expects, Frame, Kind, OPAQUE, Parameter, ParameterPart, Shell,
};
use crate::template::shell::scanner::Scanner;

/// What a value would stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::template) enum Place {
    /// A word outside quotes.
    Bare(Bare),
    /// `"…"`; `after_name`: behind `$NAME`, which the value must not lengthen.
    Double { after_name: bool },
    /// `'…'`
    Single,
    /// The body of a here-document whose delimiter is not quoted; `strip`: it takes tabs away.
    Document { strip: bool },
    /// Arithmetic: numbers and names.
    Arithmetic,
    /// No quoting is sound, so only a value that needs none can stand here.
    Plain(Where),
    /// No value at all can stand here.
    Never(Where),
}

/// A word outside quotes, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::template) struct Bare {
    /// The word before the value; what is no plain literal in it is NUL.
    pub(in crate::template) prefix: String,
    /// Several words may stand here.
    pub(in crate::template) many: bool,
    /// More characters than usual mean something: a pattern, or the operators of `[[ … ]]`.
    pub(in crate::template) strict: bool,
    /// It follows `$NAME`.
    pub(in crate::template) after_name: bool,
}

/// A place where not every value can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Where {
    /// Inside backticks.
    Backticks,
    /// Inside `$'…'`.
    DollarQuote,
    /// In a comment.
    Comment,
    /// In a here-document whose delimiter is quoted.
    QuotedHereDocument,
    /// At the start of a line of a `<<-` here-document, where tabs go.
    StrippedTabs,
    /// In an expansion within a here-document, where a line of the value could end the document.
    NestedInHereDocument,
    /// As the delimiter of a here-document.
    HereDelimiter,
    /// In a `${…}` inside double quotes or a here-document, where shells disagree about quotes.
    QuotedParameter,
    /// As the name in `${…}`.
    ParameterName,
    /// In arithmetic, array subscripts included.
    Arithmetic,
    /// In `[[ … ]]`, which evaluates text such as `a[$(…)]`.
    Conditional,
    /// Right after `$`.
    AfterDollar,
    /// Right after a backslash.
    AfterBackslash,
    /// Right after `$NAME`.
    AfterVariable,
    /// Where the scanner cannot tell what a shell would read.
    Unclear,
}

impl Where {
    /// Whether even a value that needs no quoting is refused.
    pub(in crate::template) fn takes_no_value(self) -> bool {
        matches!(
            self,
            Self::HereDelimiter
                | Self::ParameterName
                | Self::AfterDollar
                | Self::AfterBackslash
                | Self::AfterVariable
        )
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backticks => "in backticks (write $(…) instead)",
            Self::DollarQuote => "in $'…'",
            Self::Comment => "in a comment",
            Self::QuotedHereDocument => "in a here-document with a quoted delimiter",
            Self::StrippedTabs => "with a tab at the start of a line in a '<<-' here-document",
            Self::NestedInHereDocument => "with a newline in an expansion in a here-document",
            Self::HereDelimiter => "as the delimiter of a here-document",
            Self::QuotedParameter => "in a ${…} inside double quotes or a here-document",
            Self::ParameterName => "as the name in ${…}",
            Self::Arithmetic => "in arithmetic or an array subscript",
            Self::Conditional => "in [[ … ]], which can evaluate it",
            Self::AfterDollar => "right after a '$'",
            Self::AfterBackslash => "right after a backslash",
            Self::AfterVariable => "right after the name of a variable (write ${NAME})",
            Self::Unclear => "in a place this program cannot make out",
        })
    }
}

/// How the literal text right before a value ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Other,
    Dollar,
    Backslash,
    Variable,
}

impl Tail {
    fn of(literal: &str) -> Self {
        if is_escaped(literal, literal.len()) {
            return Self::Backslash;
        }
        let stem = literal.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        match stem.strip_suffix('$') {
            Some(before) if !is_escaped(before, before.len()) => {
                if stem.len() == literal.len() {
                    Self::Dollar
                } else {
                    Self::Variable
                }
            }
            _ => Self::Other,
        }
    }

    fn refusal(self) -> Option<Where> {
        match self {
            Self::Other => None,
            Self::Dollar => Some(Where::AfterDollar),
            Self::Backslash => Some(Where::AfterBackslash),
            Self::Variable => Some(Where::AfterVariable),
        }
    }
}

/// The text as a shell reads it: a line that ends in a backslash goes on in the next.
pub(in crate::template) fn joined(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        if escaped && c == '\n' {
            lines.pop();
        } else {
            lines.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    lines
}

fn is_escaped(text: &str, end: usize) -> bool {
    let front = text.get(..end).unwrap_or(text);
    (front.len() - front.trim_end_matches('\\').len()) % 2 == 1
}

impl Scanner {
    /// In what a value would stand here; `before` is the literal text that ends here.
    pub(in crate::template) fn place(&self, before: &str) -> Place {
        let tail = Tail::of(&joined(before));
        let place = self.untailed(tail == Tail::Variable);
        let literal = matches!(
            place,
            Place::Single | Place::Plain(Where::Comment | Where::QuotedHereDocument)
        );
        let ends_names = matches!(place, Place::Bare(_) | Place::Double { .. });
        match tail.refusal() {
            Some(Where::AfterVariable) if ends_names => place,
            Some(refusal) if !literal => Place::Never(refusal),
            _ => place,
        }
    }

    /// Whether several lines of a here-document could be made of a value in an expansion.
    pub(in crate::template) fn is_nested_in_document(&self) -> bool {
        self.below()
            .iter()
            .any(|frame| matches!(frame, Frame::Document(_)))
    }

    /// Whether `[[ … ]]` is open.
    pub(in crate::template) fn is_conditional(&self) -> bool {
        let conditional = |frame: &Frame| {
            matches!(
                frame,
                Frame::Shell(Shell {
                    kind: Kind::Conditional,
                    ..
                })
            )
        };
        conditional(self.top()) || self.below().iter().any(conditional)
    }

    fn untailed(&self, after_name: bool) -> Place {
        match self.top() {
            Frame::Single | Frame::Double if self.quotes_arithmetic() => Place::Arithmetic,
            Frame::Single => Place::Single,
            Frame::Double if self.in_quoted_parameter() => Place::Plain(Where::QuotedParameter),
            Frame::Double => Place::Double { after_name },
            Frame::MaybeSingle => Place::Plain(Where::QuotedParameter),
            Frame::DollarSingle => Place::Plain(Where::DollarQuote),
            Frame::Backtick => Place::Plain(Where::Backticks),
            Frame::Parameter(parameter) => in_parameter(*parameter, after_name),
            Frame::Arithmetic(_) | Frame::Bracket => Place::Arithmetic,
            Frame::Document(document) if document.quoted => Place::Plain(Where::QuotedHereDocument),
            Frame::Document(document) => Place::Document {
                strip: document.strip,
            },
            Frame::Comment => Place::Plain(Where::Comment),
            Frame::Lost => Place::Plain(Where::Unclear),
            Frame::Shell(shell) => self.in_shell(shell, after_name),
        }
    }

    fn in_shell(&self, shell: &Shell, after_name: bool) -> Place {
        if shell.expects == Expects::Delimiter {
            return Place::Never(Where::HereDelimiter);
        }
        if shell.in_subscript() {
            return Place::Arithmetic;
        }
        let several = matches!(
            shell.kind,
            Kind::Top | Kind::Substitution | Kind::Group | Kind::Array | Kind::Case(CasePart::Body)
        );
        Place::Bare(Bare {
            prefix: shell.word.clone(),
            many: several && shell.expects == Expects::Anything && shell.word.is_empty(),
            strict: self.is_conditional(),
            after_name,
        })
    }

    /// Whether the quotes that are open stand where bash evaluates what is in them.
    fn quotes_arithmetic(&self) -> bool {
        match self.below().last() {
            Some(Frame::Arithmetic(_) | Frame::Bracket) => true,
            Some(Frame::Parameter(parameter)) => is_evaluated(parameter.part),
            Some(Frame::Shell(shell)) => shell.in_subscript(),
            _ => false,
        }
    }

    fn in_quoted_parameter(&self) -> bool {
        matches!(
            self.below().last(),
            Some(Frame::Parameter(Parameter { quoted: true, .. }))
        )
    }
}

fn is_evaluated(part: ParameterPart) -> bool {
    matches!(
        part,
        ParameterPart::Subscript | ParameterPart::Colon | ParameterPart::Offset
    )
}

fn in_parameter(parameter: Parameter, after_name: bool) -> Place {
    match parameter.part {
        ParameterPart::First | ParameterPart::Name => Place::Never(Where::ParameterName),
        part if is_evaluated(part) => Place::Arithmetic,
        _ if parameter.quoted => Place::Plain(Where::QuotedParameter),
        part => Place::Bare(Bare {
            prefix: OPAQUE.to_string(),
            many: false,
            strict: part == ParameterPart::Pattern,
            after_name,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Tail, joined};

    #[test]
    fn tails() {
        for (literal, tail) in [
            ("", Tail::Other),
            ("a", Tail::Other),
            ("$", Tail::Dollar),
            ("a$", Tail::Dollar),
            ("\\$", Tail::Other),
            ("\\\\$", Tail::Dollar),
            ("\\", Tail::Backslash),
            ("\\\\", Tail::Other),
            ("$a_1", Tail::Variable),
            ("$1", Tail::Variable),
            ("\\$a", Tail::Other),
            ("${a}", Tail::Other),
            ("$a ", Tail::Other),
        ] {
            assert_eq!(Tail::of(literal), tail, "{literal}");
        }
    }

    #[test]
    fn a_line_goes_on_behind_a_backslash() {
        for (text, expected) in [
            ("a\\\nb", "ab"),
            ("\\\n\\\n", ""),
            ("$a\\\n", "$a"),
            ("a\\\\\nb", "a\\\\\nb"),
            ("a\\b\n", "a\\b\n"),
            ("a\\", "a\\"),
        ] {
            assert_eq!(joined(text), expected, "{text:?}");
        }
    }
}
