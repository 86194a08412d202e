//! Rendering: values found, quoted for where they stand, put in, and the shape looked at once more.

use std::collections::BTreeSet;

use indexmap::IndexMap;

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
    /// The command. Where names of a fan-out are left open they stand between NULs, which no command can hold.
    pub text: String,
    /// The same for people: every value of the environment reads `***`.
    pub shown: String,
    /// The params it used.
    pub used: BTreeSet<ParamKey>,
}

/// What is put in for one placeholder.
struct Put {
    text: String,
    /// What people see in its place, if that is something else.
    shown: Option<String>,
    filling: Filling,
}

impl Template {
    /// Finds the placeholders in a command text.
    ///
    /// # Errors
    ///
    /// Everything that is malformed in it.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        Self::parse_with(text, &IndexMap::new())
    }

    /// Finds the placeholders in the command text of a stage that binds these wildcards: `{sample}` is one, too.
    ///
    /// # Errors
    ///
    /// Everything that is malformed in it.
    pub fn parse_with(
        text: &str,
        wildcards: &IndexMap<String, String>,
    ) -> Result<Self, Vec<TemplateError>> {
        let pieces = split(text, &|name| wildcards.contains_key(name))?;
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
                    (put.text.as_str(), put.shown.as_deref().unwrap_or(&put.text))
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
    let secret = value.secret.then(|| "***".to_owned());
    if let Some(name) = value.open {
        return left_open(&value, name, placeholder, site);
    }
    if placeholder.raw {
        let text = raw(&value);
        return if text.contains('\0') {
            Err(TemplateErrorKind::Nul)
        } else {
            Ok(Put {
                text,
                shown: secret,
                filling: Filling::Raw,
            })
        };
    }
    let paths = placeholder.reference.is_path();
    let text = quoted(&value, paths, site)?;
    let none = matches!(&value.words, Words::Many(words) if words.is_empty());
    Ok(Put {
        text,
        shown: secret,
        filling: if none {
            Filling::Nothing
        } else {
            Filling::Quoted
        },
    })
}

/// Leaves the name of what each job has its own of, where some value can stand.
fn left_open(
    value: &Value,
    name: &str,
    placeholder: &Placeholder,
    site: &Site,
) -> Result<Put, TemplateErrorKind> {
    let filter = if placeholder.raw { " | raw" } else { "" };
    if !placeholder.raw {
        match &value.words {
            // How many there will be is not known: there must be room for several.
            Words::Many(_) if !site.takes_many() => {
                return Err(TemplateErrorKind::OpenListInside {
                    place: site.described(),
                });
            }
            Words::One(_) | Words::Many(_) => {
                quoted(value, false, site)?;
            }
        }
    }
    Ok(Put {
        text: format!("\0{name}{filter}\0"),
        shown: Some(format!("{{{{ {name}{filter} }}}}")),
        filling: Filling::Raw,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fanout::Strategy;
    use crate::model::params::Params;
    use crate::template::{FanOut, JobNames};

    fn render(template: &str, fan_out: FanOut<'_>) -> Rendered {
        let scope = Scope {
            stage: "s",
            params: &Params::default(),
            deps: &["raw".to_owned()],
            outs: &[],
            env: &IndexMap::new(),
            wildcards: &IndexMap::new(),
            item: None,
            fan_out,
        };
        Template::parse(template).unwrap().render(&scope).unwrap()
    }

    #[test]
    fn names_that_are_left_open_are_no_text_that_could_stand_there() {
        let open = |template| render(template, FanOut::Open(Strategy::PerFile));
        let found = open("x {{ deps }} {{input}} > '{{ output | raw }}'");
        assert_eq!(found.text, "x raw \0input\0 > '\0output | raw\0'");
        assert_eq!(found.shown, "x raw {{ input }} > '{{ output | raw }}'");
        assert_ne!(open("x {{'{{'}} input }}").text, open("x {{ input }}").text);
    }

    #[test]
    fn names_of_a_job_are_quoted_like_all_values() {
        let job = JobNames {
            inputs: vec!["raw/it's; rm -rf x".to_owned()],
            outputs: vec!["-done".to_owned()],
            stem: "it's".to_owned(),
            dir: "raw".to_owned(),
            work_dir: "work/a b".to_owned(),
        };
        let text = "x {{input}} {{output}} \"{{input_stem}}\" {{input_dir}} {{work_dir}}/t";
        assert_eq!(
            render(text, FanOut::Job(&job)).text,
            r#"x 'raw/it'\''s; rm -rf x' ./-done "it's" raw 'work/a b'/t"#
        );
        let chunk = JobNames {
            inputs: vec!["a b".to_owned(), "c".to_owned()],
            ..JobNames::default()
        };
        assert_eq!(
            render("x {{inputs}}", FanOut::Job(&chunk)).text,
            "x 'a b' c"
        );
    }
}
