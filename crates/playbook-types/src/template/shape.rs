//! The last look: does a shell read the rendered command in the template's shape?
//!
//! Quoting makes sure of it. This makes sure of the quoting: the template, with a meaningless word for
//! each value, and the rendered command are read side by side, and after every token of the template's
//! own text both must stand in the same place. It is also how a value is found that would end the
//! here-document it stands in, alone or together with the text and the values around it.

use crate::template::lex::Piece;
use crate::template::shell::Scanner;

/// What was put in for a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    /// Quoted words.
    Quoted,
    /// No word at all: an empty list.
    Nothing,
    /// Raw text, which may change the shape.
    Raw,
}

/// The index of the placeholder whose value changes the shape of the command, if there is one.
pub(super) fn changed(pieces: &[Piece], fillings: &[(&str, Filling)]) -> Option<usize> {
    let mut pair = Pair {
        planned: Scanner::new(),
        real: Scanner::new(),
    };
    let mut values = fillings.iter();
    let mut last = 0;
    for piece in pieces {
        let same = match piece {
            Piece::Text(text) => pair.read(text),
            Piece::Value(_) => {
                let Some((text, filling)) = values.next() else {
                    break;
                };
                last = fillings.len() - values.len() - 1;
                pair.fill(text, *filling)
            }
        };
        if !same {
            return Some(last);
        }
    }
    // A last line without a newline can end a here-document too.
    let last = (!pair.read("\n")).then_some(last)?;
    (!fillings.is_empty()).then_some(last)
}

struct Pair {
    /// Reads the template.
    planned: Scanner,
    /// Reads what was rendered.
    real: Scanner,
}

impl Pair {
    /// Reads the template's own text; `false` as soon as the shapes differ.
    fn read(&mut self, text: &str) -> bool {
        let mut rest = text;
        while !rest.is_empty() {
            let used = self.planned.step(rest);
            if self.real.step(rest) != used || !self.planned.same_shape(&self.real) {
                return false;
            }
            rest = rest.get(used..).unwrap_or("");
        }
        true
    }

    fn fill(&mut self, text: &str, filling: Filling) -> bool {
        match filling {
            Filling::Nothing => {}
            Filling::Raw => {
                self.planned.opaque();
                self.real.opaque();
            }
            Filling::Quoted => {
                self.planned.opaque();
                self.real.read(text);
            }
        }
        self.planned.same_shape(&self.real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::lex::split;

    /// Whether values put in as they are change the shape of a template.
    fn changes(template: &str, values: &[&str]) -> Option<usize> {
        let fillings: Vec<_> = values
            .iter()
            .map(|value| (*value, Filling::Quoted))
            .collect();
        changed(&split(template, &|_| false).unwrap(), &fillings)
    }

    #[test]
    fn values_that_change_the_shape() {
        for (template, values) in [
            ("echo {{deps}} x", vec!["'"]),
            ("echo {{deps}}", vec!["a;"]),
            ("echo {{deps}}", vec!["a #"]),
            ("echo \"{{deps}}\"", vec!["\"; b"]),
            ("echo {{deps}}", vec!["$("]),
            ("cat <<E\n{{deps}}\nE", vec!["E"]),
            ("cat <<E\n{{deps}}", vec!["E"]),
            ("cat <<E\n{{deps}}\nE", vec!["a\nE\nb"]),
            ("cat <<'E'\n{{deps}}\nE", vec!["E"]),
            ("{{deps}} x in a) b", vec!["case"]),
        ] {
            assert_eq!(changes(template, &values), Some(0), "{template}");
        }
        assert_eq!(
            changes(
                "{{outs}}; cat <<EOF\n{{deps}}{{deps}}\nEOF",
                &["x", "E", "OF"]
            ),
            Some(2)
        );
    }

    #[test]
    fn values_that_do_not() {
        for (template, value) in [
            ("for f in {{deps}}; do echo $f; done", "a 'b c' do"),
            ("for f in x {{deps}}\ndo echo $f; done", "a b"),
            ("echo {{deps}} x", "'a; b'"),
            ("{{deps}}", "a"),
            ("cat <<E\n{{deps}}F\nE", "E"),
            ("echo \"{{deps}}\"", "\\\"; b"),
            ("[[ {{deps}} ]]", "'a'"),
        ] {
            assert_eq!(changes(template, &[value]), None, "{template}");
        }
        assert_eq!(
            changed(
                &split("x {{deps}} y", &|_| false).unwrap(),
                &[("", Filling::Nothing)]
            ),
            None
        );
    }
}
