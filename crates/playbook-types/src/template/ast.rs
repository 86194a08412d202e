//! Placeholders and what they refer to.

use crate::name::{EnvName, ParamKey};

/// One `{{ … }}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The text, braces included.
    pub source: String,
    /// Where it stands, in bytes from the start of the template.
    pub offset: usize,
    /// What it refers to.
    pub reference: Reference,
    /// Whether its value is put in unquoted (`| raw`).
    pub raw: bool,
}

/// What a placeholder refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `params.a.b`
    Param(ParamKey),
    /// `deps[0].path` or `deps[0]`
    Dep(usize),
    /// `deps`: all of them.
    Deps,
    /// `outs[0].path` or `outs[0]`
    Out(usize),
    /// `outs`: all of them.
    Outs,
    /// `env.NAME`
    Env(EnvName),
    /// `stage.name`
    StageName,
    /// `wildcards.sample`
    Wildcard(String),
    /// `item`, or `item.model` with the names behind the first dot.
    Item(Vec<String>),
    /// `key`: what tells the stages of a `matrix` or `foreach` apart.
    Key,
    /// `input`: the file of a job.
    Input,
    /// `output`: the file a job makes.
    Output,
    /// `inputs`: the files of a job that has several.
    Inputs,
    /// `outputs`: the files such a job makes.
    Outputs,
    /// `input_stem`: the input's name without its extension.
    InputStem,
    /// `input_dir`: the directory of the input.
    InputDir,
    /// `work_dir`: a job's scratch directory.
    WorkDir,
}

impl Reference {
    /// The name of what only a fan-out can give.
    pub(super) fn fan_out_name(&self) -> Option<&'static str> {
        FAN_OUT
            .iter()
            .find(|(_, reference)| reference == self)
            .map(|(name, _)| *name)
    }
}

/// Names that mean something in a fan-out.
pub(super) const FAN_OUT: [(&str, Reference); 7] = [
    ("input", Reference::Input),
    ("output", Reference::Output),
    ("inputs", Reference::Inputs),
    ("outputs", Reference::Outputs),
    ("input_stem", Reference::InputStem),
    ("input_dir", Reference::InputDir),
    ("work_dir", Reference::WorkDir),
];
