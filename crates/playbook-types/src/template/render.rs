//! Rendering: values found, quoted for where they stand, put in, and the shape looked at once more.

use std::collections::BTreeSet;

use crate::name::ParamKey;
use crate::template::ast::{Placeholder, Reference};
use crate::template::error::{TemplateError, TemplateErrorKind};
use crate::template::lex::{Piece, split};
use crate::template::quote::quote;
use crate::template::scope::{Scope, Value, Words};
use crate::template::shape::{Filling, changed};
use crate::template::shell::Where;
use crate::template::site::{Site, sites};

/// A command text with its placeholders found, and where each stands.
#[derive(Debug, Clone)]
pub struct Template {
    pieces: Vec<Piece>,
    sites: Vec<Site>,
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

/// What is put in for one placeholder.
struct Put {
    text: String,
    secret: bool,
    filling: Filling,
}

impl Template {
    /// Finds the placeholders in a command text.
    ///
    /// # Errors
    ///
    /// Everything that is malformed in it.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        let pieces = split(text)?;
        let sites = sites(&pieces);
        Ok(Self { pieces, sites })
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
    /// What is put in with `| raw` is taken for a word that means nothing by itself: where it opens a
    /// quote or a parenthesis, the quoting of what follows is wrong.
    ///
    /// # Errors
    ///
    /// The first placeholder that refers to nothing, or whose value cannot stand where it stands.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Rendered, TemplateError> {
        let puts: Vec<Put> = self.puts(scope).collect::<Result<_, _>>()?;
        self.guard_shape(&puts).map_or(Ok(()), Err)?;
        let mut done = Rendered {
            text: String::new(),
            shown: String::new(),
            used: self.used(),
        };
        let mut puts = puts.iter();
        for piece in &self.pieces {
            let (text, shown) = match (piece, puts.as_slice().first()) {
                (Piece::Text(text), _) => (text.as_str(), text.as_str()),
                (Piece::Value(_), Some(put)) => {
                    puts.next();
                    (
                        put.text.as_str(),
                        if put.secret { "***" } else { put.text.as_str() },
                    )
                }
                (Piece::Value(_), None) => continue,
            };
            done.text.push_str(text);
            done.shown.push_str(shown);
        }
        Ok(done)
    }

    /// Everything that would stand in the way of rendering.
    pub fn check(&self, scope: &Scope<'_>) -> Vec<TemplateError> {
        let mut errors = Vec::new();
        let mut puts = Vec::new();
        for put in self.puts(scope) {
            match put {
                Ok(put) => puts.push(put),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            errors.extend(self.guard_shape(&puts));
        }
        errors
    }

    fn used(&self) -> BTreeSet<ParamKey> {
        let keys = self
            .references()
            .filter_map(|placeholder| match &placeholder.reference {
                Reference::Param(key) => Some(key.clone()),
                _ => None,
            });
        keys.collect()
    }

    fn puts<'a>(
        &'a self,
        scope: &'a Scope<'_>,
    ) -> impl Iterator<Item = Result<Put, TemplateError>> + 'a {
        self.references()
            .zip(&self.sites)
            .map(|(placeholder, site)| {
                put(placeholder, site, scope).map_err(|kind| error(placeholder, kind))
            })
    }

    /// An error if the shape of the command is not the template's.
    fn guard_shape(&self, puts: &[Put]) -> Option<TemplateError> {
        let fillings: Vec<(&str, Filling)> = puts
            .iter()
            .map(|put| (put.text.as_str(), put.filling))
            .collect();
        let index = changed(&self.pieces, &fillings)?;
        let (placeholder, site) = self.references().zip(&self.sites).nth(index)?;
        let kind = if site.is_in_document() {
            TemplateErrorKind::EndsHereDocument
        } else {
            TemplateErrorKind::NotQuotable {
                place: Where::Unclear,
                value: "a value",
            }
        };
        Some(error(placeholder, kind))
    }
}

fn error(placeholder: &Placeholder, kind: TemplateErrorKind) -> TemplateError {
    TemplateError {
        placeholder: placeholder.source.clone(),
        offset: placeholder.offset,
        kind,
    }
}

fn put(
    placeholder: &Placeholder,
    site: &Site,
    scope: &Scope<'_>,
) -> Result<Put, TemplateErrorKind> {
    let value = scope.value(&placeholder.reference)?;
    let secret = value.secret;
    if placeholder.raw {
        let text = raw(&value);
        return if text.contains('\0') {
            Err(TemplateErrorKind::Nul)
        } else {
            Ok(Put {
                text,
                secret,
                filling: Filling::Raw,
            })
        };
    }
    let paths = placeholder.reference.is_path();
    let text = quoted(&value, paths, site)?;
    let none = matches!(&value.words, Words::Many(words) if words.is_empty());
    Ok(Put {
        text,
        secret,
        filling: if none {
            Filling::Nothing
        } else {
            Filling::Quoted
        },
    })
}

fn raw(value: &Value) -> String {
    match &value.words {
        Words::One(word) => word.clone(),
        Words::Many(words) => words.join(" "),
    }
}

fn quoted(value: &Value, paths: bool, site: &Site) -> Result<String, TemplateErrorKind> {
    let one = |word: &String| {
        // A relative path that begins with a dash would be taken for an option.
        let word = if paths && word.starts_with('-') {
            format!("./{word}")
        } else {
            word.clone()
        };
        quote(&word, value.kind, site)
    };
    match &value.words {
        Words::One(word) => one(word),
        Words::Many(words) => match words.as_slice() {
            [word] => one(word),
            words if site.takes_many() => {
                let words: Vec<String> = words.iter().map(one).collect::<Result<_, _>>()?;
                Ok(words.join(" "))
            }
            words => Err(TemplateErrorKind::ListInside {
                count: words.len(),
                place: site.described(),
            }),
        },
    }
}
