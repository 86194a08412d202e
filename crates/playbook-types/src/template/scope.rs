//! What a template can refer to.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::model::fanout::Strategy;
use crate::model::params::Params;
use crate::model::spread::Item;
use crate::name::{EnvName, ParamKey};
use crate::suggest::nearest;
use crate::template::ast::Reference;
use crate::template::error::TemplateErrorKind;
use crate::value::ParamValue;

/// Where params come from: a playbook, or what a lock recorded.
pub trait ParamSource {
    /// The value at a key.
    fn param(&self, key: &ParamKey) -> Option<&ParamValue>;

    /// All keys, to suggest one.
    fn keys(&self) -> Vec<String>;
}

impl ParamSource for Params {
    fn param(&self, key: &ParamKey) -> Option<&ParamValue> {
        self.get(key)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

impl ParamSource for BTreeMap<ParamKey, ParamValue> {
    fn param(&self, key: &ParamKey) -> Option<&ParamValue> {
        self.get(key)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self).map(ToString::to_string).collect()
    }
}

/// What the names in a stage's templates stand for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The stage's name.
    pub stage: &'a str,
    /// The params.
    pub params: &'a dyn ParamSource,
    /// Its deps, as seen from its working directory.
    pub deps: &'a [String],
    /// Its outs, likewise.
    pub outs: &'a [String],
    /// Its declared environment.
    pub env: &'a IndexMap<EnvName, String>,
    /// What its wildcards stand for.
    pub wildcards: &'a IndexMap<String, String>,
    /// Which of the stages of a `matrix` or `foreach` it is.
    pub item: Option<&'a Item>,
    /// What the names of a fan-out stand for.
    pub fan_out: FanOut<'a>,
}

/// What the names of a fan-out stand for: `input`, `output` and the others.
#[derive(Debug, Clone, Copy)]
pub enum FanOut<'a> {
    /// Nothing: the stage is none.
    No,
    /// Something else in each job: they are left as they are.
    Open(Strategy),
    /// What they are in one job.
    Job(&'a JobNames),
}

/// What the names of a fan-out stand for in one job, paths as seen from the stage's working directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobNames {
    /// The files it reads.
    pub inputs: Vec<String>,
    /// What it makes of each.
    pub outputs: Vec<String>,
    /// The name of the first input without its extension.
    pub stem: String,
    /// The directory of the first input.
    pub dir: String,
    /// Its scratch directory.
    pub work_dir: String,
}

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) words: Words,
    /// Its kind in a person's words.
    pub(super) kind: &'static str,
    /// It comes from the environment, and is not shown.
    pub(super) secret: bool,
    /// It is not known yet, and its name is left in its place.
    pub(super) open: Option<&'static str>,
}

/// One word, or a list of any number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    One(String),
    Many(Vec<String>),
}

impl Value {
    fn word(word: &str, kind: &'static str) -> Self {
        Self {
            words: Words::One(word.to_owned()),
            kind,
            secret: false,
            open: None,
        }
    }

    /// A value that each job has its own of. Several words stand for those of a list.
    fn open(name: &'static str, many: bool) -> Self {
        let word = "x".to_owned();
        Self {
            words: if many {
                Words::Many(vec![word.clone(), word])
            } else {
                Words::One(word)
            },
            kind: PATH,
            secret: false,
            open: Some(name),
        }
    }

    fn paths(paths: &[String]) -> Self {
        Self {
            words: Words::Many(paths.to_vec()),
            kind: PATH,
            secret: false,
            open: None,
        }
    }
}

const PATH: &str = "a path";

impl Scope<'_> {
    /// What a reference stands for here.
    pub(super) fn value(&self, reference: &Reference) -> Result<Value, TemplateErrorKind> {
        match reference {
            Reference::Param(key) => self.param(key),
            Reference::Dep(index) => path(self.deps, *index).ok_or(TemplateErrorKind::NoSuchDep {
                index: *index,
                count: self.deps.len(),
            }),
            Reference::Out(index) => path(self.outs, *index).ok_or(TemplateErrorKind::NoSuchOut {
                index: *index,
                count: self.outs.len(),
            }),
            Reference::Deps => Ok(Value::paths(self.deps)),
            Reference::Outs => Ok(Value::paths(self.outs)),
            Reference::Env(name) => self.variable(name),
            Reference::StageName => Ok(Value::word(self.stage, "a name")),
            Reference::Wildcard(name) => match self.wildcards.get(name) {
                Some(value) => Ok(Value::word(value, "text")),
                None => Err(TemplateErrorKind::WildcardUnbound { name: name.clone() }),
            },
            Reference::Item(names) => match self.item {
                Some(item) => item_value(item, names),
                None => Err(TemplateErrorKind::ItemOnly { name: "item" }),
            },
            Reference::Key => match self.item {
                Some(item) => Ok(Value::word(&item.key, "text")),
                None => Err(TemplateErrorKind::ItemOnly { name: "key" }),
            },
            Reference::Input
            | Reference::Output
            | Reference::Inputs
            | Reference::Outputs
            | Reference::InputStem
            | Reference::InputDir
            | Reference::WorkDir => self.of_job(reference),
        }
    }

    /// What a name of a fan-out stands for.
    fn of_job(&self, reference: &Reference) -> Result<Value, TemplateErrorKind> {
        let name = reference.fan_out_name().unwrap_or("input");
        match self.fan_out {
            FanOut::No => Err(TemplateErrorKind::FanOutOnly { name }),
            FanOut::Open(strategy) => {
                let chunked = strategy != Strategy::PerFile;
                if reference.is_of(chunked) {
                    let many = matches!(reference, Reference::Inputs | Reference::Outputs);
                    Ok(Value::open(name, many))
                } else {
                    Err(TemplateErrorKind::OtherStrategy { name, chunked })
                }
            }
            FanOut::Job(job) => Ok(match reference {
                Reference::Inputs => Value::paths(&job.inputs),
                Reference::Outputs => Value::paths(&job.outputs),
                Reference::Input => Value::word(job.inputs.first().map_or("", |path| path), PATH),
                Reference::Output => Value::word(job.outputs.first().map_or("", |path| path), PATH),
                Reference::InputDir => Value::word(&job.dir, PATH),
                Reference::WorkDir => Value::word(&job.work_dir, PATH),
                _ => Value::word(&job.stem, "a name"),
            }),
        }
    }

    fn param(&self, key: &ParamKey) -> Result<Value, TemplateErrorKind> {
        let Some(value) = self.params.param(key) else {
            let keys = self.params.keys();
            let suggestion =
                nearest(key.as_str(), keys.iter().map(String::as_str)).map(str::to_owned);
            return Err(TemplateErrorKind::UnknownParam {
                key: key.clone(),
                suggestion,
            });
        };
        let words = match value {
            ParamValue::Map(_) => return Err(TemplateErrorKind::MapParam { key: key.clone() }),
            ParamValue::List(items) => Words::Many(
                items
                    .iter()
                    .map(|item| item_text(key, item))
                    .collect::<Result<_, _>>()?,
            ),
            scalar => match scalar.scalar_text() {
                Some(text) => Words::One(text),
                None => return Err(TemplateErrorKind::NullParam { key: key.clone() }),
            },
        };
        Ok(Value {
            words,
            kind: value.kind(),
            secret: false,
            open: None,
        })
    }

    fn variable(&self, name: &EnvName) -> Result<Value, TemplateErrorKind> {
        if let Some(value) = self.env.get(name) {
            return Ok(Value {
                secret: true,
                ..Value::word(value, "a value of the environment")
            });
        }
        let suggestion =
            nearest(name.as_str(), self.env.keys().map(EnvName::as_str)).map(str::to_owned);
        Err(TemplateErrorKind::UnknownEnv {
            name: name.clone(),
            suggestion,
        })
    }
}

fn path(paths: &[String], index: usize) -> Option<Value> {
    paths.get(index).map(|path| Value::word(path, PATH))
}

fn item_value(item: &Item, names: &[String]) -> Result<Value, TemplateErrorKind> {
    let value = item.get(names)?;
    let word = |value: &ParamValue| {
        value
            .scalar_text()
            .ok_or_else(|| TemplateErrorKind::ItemIsNoWord {
                name: item_name(names),
                kind: value.kind(),
            })
    };
    let words = match value {
        ParamValue::List(items) => Words::Many(items.iter().map(word).collect::<Result<_, _>>()?),
        one => Words::One(word(one)?),
    };
    Ok(Value {
        words,
        kind: value.kind(),
        secret: false,
        open: None,
    })
}

impl Item {
    /// What `item.a.b` stands for.
    pub(crate) fn get(&self, names: &[String]) -> Result<&ParamValue, TemplateErrorKind> {
        let mut value = &self.value;
        for (depth, name) in names.iter().enumerate() {
            let ParamValue::Map(map) = value else {
                return Err(TemplateErrorKind::UnknownItem {
                    name: item_name(names),
                    suggestion: Some(item_name(&names[..depth])),
                });
            };
            value = map.get(name).ok_or_else(|| {
                let near = nearest(name, map.keys().map(String::as_str));
                let near = near.map(|near| format!("{}.{near}", item_name(&names[..depth])));
                TemplateErrorKind::UnknownItem {
                    name: item_name(names),
                    suggestion: near,
                }
            })?;
        }
        Ok(value)
    }
}

/// `item.a.b`
fn item_name(names: &[String]) -> String {
    let names = names.iter().map(String::as_str);
    let all: Vec<&str> = std::iter::once("item").chain(names).collect();
    all.join(".")
}

fn item_text(key: &ParamKey, item: &ParamValue) -> Result<String, TemplateErrorKind> {
    match item.scalar_text() {
        Some(text) => Ok(text),
        None if *item == ParamValue::Null => Err(TemplateErrorKind::NullParam { key: key.clone() }),
        None => Err(TemplateErrorKind::NestedList { key: key.clone() }),
    }
}

impl Reference {
    /// Whether it stands for a path or several, where a leading dash would read as an option.
    pub(super) fn is_path(&self) -> bool {
        matches!(
            self,
            Self::Dep(_)
                | Self::Deps
                | Self::Out(_)
                | Self::Outs
                | Self::Input
                | Self::Output
                | Self::Inputs
                | Self::Outputs
                | Self::InputDir
                | Self::WorkDir
        )
    }

    /// Whether it is a name of a fan-out whose jobs get several files, or one.
    fn is_of(&self, chunked: bool) -> bool {
        match self {
            Self::Inputs | Self::Outputs => chunked,
            Self::Input | Self::Output | Self::InputStem | Self::InputDir => !chunked,
            _ => true,
        }
    }

    /// Whether it tells one job's input from another's.
    pub(crate) fn names_input(&self) -> bool {
        matches!(
            self,
            Self::Input | Self::Inputs | Self::InputStem | Self::Output | Self::Outputs
        )
    }
}
