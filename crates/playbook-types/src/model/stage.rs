//! A stage: a named command with what it reads, what it makes and what else decides.

use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::model::compliance::Flight;
use crate::model::fanout::Parallel;
use crate::model::resources::Resources;
use crate::model::retry::Retry;
use crate::model::shell::ShellMode;
use crate::model::spread::{Item, MadeOf, Spread};
use crate::name::{EnvName, ParamKey, StageName, TargetName};
use crate::path::DataPath;

/// One stage as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// Free text for people.
    pub description: Option<String>,
    /// What it runs.
    pub cmd: Command,
    /// What it reads.
    pub deps: Vec<Dep>,
    /// What it makes.
    pub outs: Vec<Out>,
    /// Params it depends on beside those its command mentions.
    pub params: Vec<ParamKey>,
    /// Stages it runs after, and again whenever one of them ran.
    pub after: Vec<StageName>,
    /// Environment for this stage; wins over the playbook's.
    pub env: IndexMap<EnvName, String>,
    /// Working directory, relative to the root.
    pub wdir: Option<DataPath>,
    /// Which shell reads the command.
    pub shell: ShellMode,
    /// Where it runs; `None` is this machine.
    pub target: Option<TargetName>,
    /// Never re-run unless forced.
    pub frozen: bool,
    /// False: it always runs, and its outputs decide what runs below it.
    pub deterministic: bool,
    /// What happens after a failure.
    pub retry: Option<Retry>,
    /// What it needs of a machine.
    pub resources: Resources,
    /// One job per input file.
    pub parallel: Option<Parallel>,
    /// A quality check: its outputs are reports, its failure stops the pipeline.
    pub gate: bool,
    /// What it is written once for. Never in a playbook that was expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// What it was made of, if it is not what is written. Never in a playbook as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<Box<MadeOf>>,
    /// It is a check around the pipeline, on this side of it. Never written in a stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flight: Option<Flight>,
}

impl Stage {
    /// A stage of that name with nothing in it.
    pub fn named(name: StageName) -> Self {
        Self {
            name,
            description: None,
            cmd: Command::List(Vec::new()),
            deps: Vec::new(),
            outs: Vec::new(),
            params: Vec::new(),
            after: Vec::new(),
            env: IndexMap::new(),
            wdir: None,
            shell: ShellMode::default(),
            target: None,
            frozen: false,
            deterministic: true,
            retry: None,
            resources: Resources::default(),
            parallel: None,
            gate: false,
            spread: None,
            made_of: None,
            flight: None,
        }
    }

    /// Its name as it is written: `transcribe_{sample}`, or `train` for `train@a-1`.
    pub fn written(&self) -> &StageName {
        match &self.made_of {
            Some(made_of) => &made_of.written,
            None => &self.name,
        }
    }

    /// Whether it is one of many that are written as one.
    pub fn is_instance(&self) -> bool {
        *self.written() != self.name
    }

    /// What its wildcards stand for.
    pub fn wildcards(&self) -> &IndexMap<String, String> {
        static NONE: LazyLock<IndexMap<String, String>> = LazyLock::new(IndexMap::new);
        self.made_of
            .as_ref()
            .map_or(&NONE, |made_of| &made_of.wildcards)
    }

    /// Which of the stages of a `matrix` or `foreach` it is.
    pub fn item(&self) -> Option<&Item> {
        self.made_of.as_ref()?.item.as_ref()
    }
}

/// The text of a command, templates not yet rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// One text given to one shell.
    Text(String),
    /// Several texts, each given to a shell of its own, stopping at the first that fails.
    List(Vec<String>),
}

impl Command {
    /// The texts, in order.
    pub fn items(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(items) => items,
        }
    }
}

/// Something a stage reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dep {
    /// A file or directory.
    pub path: DataPath,
    /// Free text: `audio`, `model`, …
    pub kind: Option<String>,
}

/// Something a stage makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Out {
    /// A file or directory.
    pub path: DataPath,
    /// Free text: `audio`, `model`, `metrics`, …
    pub kind: Option<String>,
    /// The old output is left in place for the command to update.
    pub persist: bool,
    /// The target the output lives on.
    pub remote: Option<TargetName>,
}
