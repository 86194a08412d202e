//! Rendering: values found, quoted for where they stand, put in.

use std::collections::BTreeSet;

use crate::name::{EnvName, ParamKey};
use crate::suggest::nearest;
use crate::template::error::{TemplateError, TemplateErrorKind};
use crate::template::lex::{Piece, split};
use crate::template::quote::{Spot, quote};
use crate::template::reference::{Placeholder, Reference};
use crate::template::scope::Scope;
use crate::template::shell::Scanner;
use crate::value::ParamValue;

/// A command text with its placeholders found.
#[derive(Debug, Clone)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A command, ready for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The command.
    pub text: String,
    /// The same for people: every value of the environment reads `***`.
    pub shown: String,
    /// The params it used.
    pub used: BTreeSet<ParamKey>,
}

/// What a reference stands for.
struct Value {
    words: Vec<String>,
    is_list: bool,
    secret: bool,
}

impl Value {
    fn word(word: impl Into<String>) -> Self {
        Self {
            words: vec![word.into()],
            is_list: false,
            secret: false,
        }
    }

    fn list(words: Vec<String>) -> Self {
        Self {
            words,
            is_list: true,
            secret: false,
        }
    }
}

impl Template {
    /// Finds the placeholders in a command text.
    ///
    /// # Errors
    ///
    /// Everything that is malformed in it.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        Ok(Self {
            pieces: split(text)?,
        })
    }

    /// Its placeholders, in order.
    pub fn references(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Value(placeholder) => Some(placeholder),
        })
    }

    /// Puts the values of a scope in, each quoted for where it stands.
    ///
    /// # Errors
    ///
    /// The first placeholder that refers to nothing, or whose value cannot stand where it stands.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Rendered, TemplateError> {
        let (rendered, errors) = self.render_all(scope);
        match errors.into_iter().next() {
            None => Ok(rendered),
            Some(error) => Err(error),
        }
    }

    /// Everything that would stand in the way of rendering.
    pub fn check(&self, scope: &Scope<'_>) -> Vec<TemplateError> {
        self.render_all(scope).1
    }

    fn render_all(&self, scope: &Scope<'_>) -> (Rendered, Vec<TemplateError>) {
        let mut scanner = Scanner::default();
        let mut done = Rendered {
            text: String::new(),
            shown: String::new(),
            used: BTreeSet::new(),
        };
        let mut errors = Vec::new();
        for (i, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) => {
                    scanner.text(text);
                    done.text.push_str(text);
                    done.shown.push_str(text);
                }
                Piece::Value(placeholder) => {
                    scanner.expect_value();
                    let spot = self.spot(i, &scanner);
                    match put(placeholder, scope, &spot, &mut done) {
                        Ok(text) => scanner.value(&text),
                        Err(kind) => {
                            errors.push(TemplateError {
                                placeholder: placeholder.source.clone(),
                                offset: placeholder.offset,
                                kind,
                            });
                            scanner.value("x");
                        }
                    }
                }
            }
        }
        (done, errors)
    }

    fn spot<'s>(&'s self, index: usize, scanner: &'s Scanner) -> Spot<'s> {
        match self.pieces.get(index + 1) {
            Some(Piece::Text(text)) => Spot {
                scanner,
                following: text,
                value_next: false,
            },
            Some(Piece::Value(_)) => Spot {
                scanner,
                following: "",
                value_next: true,
            },
            None => Spot {
                scanner,
                following: "",
                value_next: false,
            },
        }
    }
}

fn put(
    placeholder: &Placeholder,
    scope: &Scope<'_>,
    spot: &Spot<'_>,
    done: &mut Rendered,
) -> Result<String, TemplateErrorKind> {
    let value = find(&placeholder.reference, scope)?;
    if let Reference::Param(key) = &placeholder.reference {
        done.used.insert(key.clone());
    }
    let text = if placeholder.raw {
        value.words.join(" ")
    } else {
        quote(&value.words, value.is_list, spot)?
    };
    done.text.push_str(&text);
    done.shown
        .push_str(if value.secret { "***" } else { &text });
    Ok(text)
}

fn find(reference: &Reference, scope: &Scope<'_>) -> Result<Value, TemplateErrorKind> {
    match reference {
        Reference::Param(key) => param(key, scope),
        Reference::Dep(index) => match scope.deps.get(*index) {
            Some(path) => Ok(Value::word(as_argument(path))),
            None => Err(TemplateErrorKind::NoSuchDep {
                index: *index,
                count: scope.deps.len(),
            }),
        },
        Reference::Out(index) => match scope.outs.get(*index) {
            Some(path) => Ok(Value::word(as_argument(path))),
            None => Err(TemplateErrorKind::NoSuchOut {
                index: *index,
                count: scope.outs.len(),
            }),
        },
        Reference::Deps => Ok(Value::list(
            scope.deps.iter().map(|path| as_argument(path)).collect(),
        )),
        Reference::Outs => Ok(Value::list(
            scope.outs.iter().map(|path| as_argument(path)).collect(),
        )),
        Reference::Env(name) => env(name, scope),
        Reference::StageName => Ok(Value::word(scope.stage)),
        Reference::Wildcard(name) => match scope.wildcards.get(name) {
            Some(value) => Ok(Value::word(value)),
            None => Err(TemplateErrorKind::WildcardUnbound { name: name.clone() }),
        },
        Reference::Item(_) => Err(TemplateErrorKind::ItemUnbound),
        Reference::FanOut(name) => Err(TemplateErrorKind::FanOutOnly { name }),
        Reference::Literal(text) => Ok(Value::word(text)),
    }
}

/// A relative path that begins with a dash would be taken for an option.
fn as_argument(path: &str) -> String {
    if path.starts_with('-') {
        format!("./{path}")
    } else {
        path.to_owned()
    }
}

fn param(key: &ParamKey, scope: &Scope<'_>) -> Result<Value, TemplateErrorKind> {
    let Some(value) = scope.params.param(key) else {
        let keys = scope.params.keys();
        let suggestion = nearest(key.as_str(), keys.iter().map(String::as_str)).map(str::to_owned);
        return Err(TemplateErrorKind::UnknownParam {
            key: key.clone(),
            suggestion,
        });
    };
    match value {
        ParamValue::Null => Err(TemplateErrorKind::Null { key: key.clone() }),
        ParamValue::Map(_) => Err(TemplateErrorKind::Map { key: key.clone() }),
        ParamValue::List(items) => {
            let words: Option<Vec<String>> = items.iter().map(ParamValue::scalar_text).collect();
            words
                .map(Value::list)
                .ok_or_else(|| TemplateErrorKind::NestedList { key: key.clone() })
        }
        scalar => Ok(Value::word(scalar.scalar_text().unwrap_or_default())),
    }
}

fn env(name: &EnvName, scope: &Scope<'_>) -> Result<Value, TemplateErrorKind> {
    if let Some(value) = scope.env.get(name) {
        Ok(Value {
            secret: true,
            ..Value::word(value)
        })
    } else {
        let names = scope.env.keys().map(EnvName::as_str);
        let suggestion = nearest(name.as_str(), names).map(str::to_owned);
        Err(TemplateErrorKind::UnknownEnv {
            name: name.clone(),
            suggestion,
        })
    }
}
